//! PATCH: a JSON merge patch (RFC 7396) on what exists; null removes.

use bowline_arm::Error;

use super::put::{Mode, WriteRequest, Written, write};
use crate::Control;
use crate::context::OpContext;

/// Changes part of a resource.
///
/// # Errors
/// ARM errors for the caller; `ResourceNotFound` when there is nothing to change.
pub async fn patch(control: &Control, context: &OpContext, request: WriteRequest) -> Result<Written, Error> {
    if !request.body.is_object() {
        return Err(Error::bad_request(
            "InvalidRequestContent",
            "The body of a PATCH must be a JSON object with the members to change.",
        ));
    }
    let mut written = write(control, context, request, Mode::Merge).await?;
    written.status = 200;
    Ok(written)
}

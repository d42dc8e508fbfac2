//! Refusals as Kubernetes' own `Status`, which its clients show as a sentence.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::json;

use crate::Body;

/// What Kubernetes calls a status.
fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    }
}

/// The text of a `Status`.
#[must_use]
pub fn text(status: StatusCode, message: &str, retry_after: Option<u32>) -> String {
    let details = retry_after.map_or_else(|| json!({}), |seconds| json!({ "retryAfterSeconds": seconds }));
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason(status), "details": details, "code": status.as_u16(),
    })
    .to_string()
}

/// A refusal.
#[must_use]
pub fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(text(status, message, None)));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

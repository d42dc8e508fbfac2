//! Request bodies: JSON, bounded, and refused in a sentence when they are anything else.

use axum::body::{Body, to_bytes};
use bowline_arm::Error;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use crate::limits::share::BodyError;

/// The largest body of a request on a resource.
pub const MAX_BODY: usize = 4 << 20;

/// Bodies are JSON; a client that names no type means it too.
fn check_media_type(headers: &HeaderMap) -> Result<(), Error> {
    let text = |name| headers.get(name).map(|v: &HeaderValue| v.to_str().unwrap_or("?").to_ascii_lowercase());
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let coding = text(header::CONTENT_ENCODING).unwrap_or_default();
    let json =
        kind.is_empty() || kind == "text/json" || kind == "application/json" || kind.ends_with("+json");
    if json && matches!(coding.as_str(), "" | "identity") {
        return Ok(());
    }
    let what = if json { format!("content encoding '{coding}'") } else { format!("media type '{kind}'") };
    Err(Error::new(
        415,
        "UnsupportedMediaType",
        format!(
            "The {what} is not understood here: send JSON with 'Content-Type: application/json', not compressed."
        ),
    ))
}

/// A body that must be there.
///
/// # Errors
/// 400, 413 or 415.
pub async fn required_body(headers: &HeaderMap, body: Body) -> Result<Value, Error> {
    let bytes = read_body(headers, body, MAX_BODY).await?;
    if !bytes.is_empty() {
        check_media_type(headers)?;
    }
    if bytes.is_empty() {
        return Err(Error::bad_request(
            "InvalidRequestContent",
            "The request has no body; send the resource as a JSON object.",
        ));
    }
    parse_json(&bytes)
}

/// A body that may be left out, which stands for `{}`.
///
/// # Errors
/// 400, 413 or 415.
pub async fn optional_body(headers: &HeaderMap, body: Body) -> Result<Value, Error> {
    let bytes = read_body(headers, body, MAX_BODY).await?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    check_media_type(headers)?;
    parse_json(&bytes)
}

/// The JSON of a body.
///
/// # Errors
/// 400.
pub fn parse_json(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::bad_request(
            "InvalidRequestContent",
            format!("The request content was invalid and could not be deserialized: {error}."),
        )
    })
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// `RequestEntityTooLarge` (413), `RequestTimeout` (408), `ServerBusy` (503), or 400 when the client stopped in the middle.
pub async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<bytes::Bytes, Error> {
    let too_large = || {
        Error::new(
            413,
            "RequestEntityTooLarge",
            format!("The request body is larger than the {} MiB that are allowed.", limit >> 20),
        )
    };
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if declared.is_some_and(|d| d > limit as u64) {
        return Err(too_large());
    }
    to_bytes(body, limit).await.map_err(|error| {
        let causes = || std::iter::successors(Some(&error as &dyn std::error::Error), |cause| cause.source());
        if causes().any(|cause| cause.is::<http_body_util::LengthLimitError>()) {
            return too_large();
        }
        match causes().find_map(|cause| cause.downcast_ref::<BodyError>()) {
            Some(refused) => refused.told(),
            None => Error::bad_request("InvalidRequestContent", "The request body ended early.")
                .with_context(error),
        }
    })
}

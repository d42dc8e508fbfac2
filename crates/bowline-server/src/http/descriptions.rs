//! `/openapi`: the OpenAPI descriptions of what this server serves, the same text as in the repository. Nobody needs to sign in to read them.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::extract::Path;
use axum::response::Response;
use bowline_arm::Error;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::arm::json_response;
use super::error::ApiError;
use crate::openapi;

/// Rendered once each; there are as many as there are descriptions.
static RENDERED: LazyLock<Mutex<HashMap<String, Bytes>>> = LazyLock::new(Mutex::default);

/// The list of descriptions.
pub async fn list() -> Response {
    let value: Vec<_> =
        openapi::paths().into_iter().map(|path| json!({"url": format!("/openapi/{path}")})).collect();
    json_response(StatusCode::OK, &json!({ "value": value }))
}

/// One description.
///
/// # Errors
/// `InvalidRequestPath` (404).
pub async fn one(Path(path): Path<String>) -> Result<Response, ApiError> {
    let path = path.to_ascii_lowercase();
    let known = RENDERED.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
    let text = match known {
        Some(text) => text,
        None => {
            let text = openapi::render_one(&path).ok_or_else(|| {
                Error::new(
                    404,
                    "InvalidRequestPath",
                    "There is no such description. GET /openapi lists them.",
                )
            })?;
            let text = Bytes::from(text);
            RENDERED.lock().unwrap_or_else(PoisonError::into_inner).insert(path, text.clone());
            text
        }
    };
    let mut response = Response::new(text.into());
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

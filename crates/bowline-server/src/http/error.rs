//! ARM errors as HTTP responses; the private context goes to the log, once, here.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// Why a request was refused, for the metrics.
#[derive(Clone, Copy, Debug)]
pub struct Reason(pub &'static str);

/// An error on its way out.
#[derive(Debug)]
pub struct ApiError(pub bowline_arm::Error);

impl From<bowline_arm::Error> for ApiError {
    fn from(error: bowline_arm::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        // An overload is counted in the metrics; a line for each refusal would add to it.
        if error.status >= 500 && error.code != "ServerBusy" {
            tracing::error!(code = error.code, message = %error.message, context = error.context(), "a request failed");
        } else {
            tracing::debug!(code = error.code, message = %error.message, context = error.context(), "a request was refused");
        }
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
            error.to_body().to_string(),
        )
            .into_response();
        response.extensions_mut().insert(Reason(error.code));
        let headers = response.headers_mut();
        if let Ok(code) = HeaderValue::from_str(error.code) {
            headers.insert("x-ms-error-code", code);
        }
        if let Some(seconds) = error.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

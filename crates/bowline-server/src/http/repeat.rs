//! Repeatable requests (OASIS Repeatable Requests 1.0): a client that lost the answer sends the same request with the same id again and
//! gets the first answer, whatever happened in between.

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use bowline_arm::Error;
use bowline_control::context::OpContext;
use bowline_control::repeatable::{Answer, Begun, Repeat};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::State;
use super::body::{MAX_BODY, read_body};

const REQUEST_ID: &str = "repeatability-request-id";
const FIRST_SENT: &str = "repeatability-first-sent";
const RESULT: HeaderName = HeaderName::from_static("repeatability-result");
/// Headers that belong to the answer itself.
const KEPT: [&str; 6] =
    ["content-type", "etag", "location", "azure-asyncoperation", "retry-after", "x-ms-error-code"];
/// How long an id is remembered.
const TRACKED: SignedDuration = SignedDuration::from_hours(24);

/// Whether the request asks to be repeatable: a method that changes something, with either of the headers.
#[must_use]
pub fn is_asked(parts: &Parts) -> bool {
    let unsafe_method = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    unsafe_method && (parts.headers.contains_key(REQUEST_ID) || parts.headers.contains_key(FIRST_SENT))
}

/// What the headers and the body say: who repeats what. The body is read, because it is part of what must be the same.
///
/// # Errors
/// `RepeatabilityHeadersInvalid` (400), `RepeatabilityExpired` (412), and those of reading a body.
pub async fn read(context: &OpContext, parts: &Parts, body: Body) -> Result<(Repeat, Body), Error> {
    let text = |name| parts.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let invalid = |what: &str| {
        Error::bad_request(
            "RepeatabilityHeadersInvalid",
            format!("A repeatable request needs both headers: {what}."),
        )
    };
    let id: uuid::Uuid = text(REQUEST_ID)
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| invalid("Repeatability-Request-ID must be a GUID"))?;
    let sent = text(FIRST_SENT).and_then(http_date).ok_or_else(|| {
        invalid("Repeatability-First-Sent must be a date such as Sun, 06 Nov 2026 08:49:37 GMT")
    })?;
    if sent + TRACKED < context.now {
        return Err(Error::new(
            412,
            "RepeatabilityExpired",
            "The request was first sent more than 24 hours ago, so it cannot be told whether it was carried out. Read the resource, then send a new request.",
        ));
    }
    let bytes = read_body(&parts.headers, body, MAX_BODY).await?;
    let mut digest = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), b"\n", parts.uri.to_string().as_bytes(), b"\n", &bytes] {
        digest.update(part);
    }
    let repeat = Repeat::new(&context.actor, id, &hex::encode(digest.finalize()));
    Ok((repeat, Body::from(bytes)))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// The first answer, when there is one.
///
/// # Errors
/// Why the request can be neither carried out nor answered again.
pub async fn begin(state: &State, context: &OpContext, repeat: &Repeat) -> Result<Option<Response>, Error> {
    match state.control.begin_repeatable(repeat, context.now).await? {
        Begun::First => Ok(None),
        Begun::Again(answer) => Ok(Some(replay(answer))),
    }
}

/// Keeps the answer for those who ask again.
pub async fn end(state: &State, context: &OpContext, repeat: &Repeat, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BODY * 4).await else {
        return mark(StatusCode::INTERNAL_SERVER_ERROR.into_response(), "rejected");
    };
    let headers = KEPT
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), parts.headers.get(*name)?.to_str().ok()?.to_owned())))
        .collect();
    let answer = Answer { status: parts.status.as_u16(), headers, body: bytes.to_vec() };
    state.control.end_repeatable(repeat, answer, context.now).await;
    mark(Response::from_parts(parts, Body::from(bytes)), "accepted")
}

fn replay(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.remove(header::CONTENT_LENGTH);
    mark((status, headers, answer.body).into_response(), "accepted")
}

/// Says what became of the request's repeatability.
#[must_use]
pub fn mark(mut response: Response, result: &'static str) -> Response {
    response.headers_mut().insert(RESULT, HeaderValue::from_static(result));
    response
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap().to_string(), "1994-11-06T08:49:37Z");
        assert!(http_date("yesterday").is_none());
    }
}

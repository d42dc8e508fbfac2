//! Microsoft Graph at `/v1.0/…`: path, query and body in, `bowline_control::graph`'s answer out, errors in Graph's shape.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use bowline_arm::Error;
use bowline_control::graph::{self, Call, Page, Question, Reply};
use http::request::Parts;
use http::{StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::body::read_body;
use super::context::{Correlation, authenticate, challenge};
use super::{State, arm};

/// Bodies are small: the largest is a list of a thousand ids.
pub const MAX_BODY: usize = 256 << 10;
/// Segments of a path.
const MAX_SEGMENTS: usize = 8;

/// Handles every request below `/v1.0/`.
pub async fn handle(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match answer(&state, &parts, body).await {
        Ok(response) => response,
        Err(error) => refuse(&state, &parts, error),
    }
}

async fn answer(state: &State, parts: &Parts, body: axum::body::Body) -> Result<Response, Error> {
    let (context, _) = authenticate(state, parts).await?;
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
            .collect();
    let path = path(parts.uri.path())?;
    let bytes = read_body(&parts.headers, body, MAX_BODY).await?;
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes)
            .map_err(|e| Error::bad_request("Request_BadRequest", format!("The body is not JSON: {e}.")))?
    };
    let call = Call { method: parts.method.as_str(), path, question: Question::parse(&query)?, body };
    let reply = graph::answer(&state.control, &context, &call).await;
    let reply = reply.inspect_err(|error| state.control.denials().note(&context, error))?;
    Ok(write(state, parts, &query, reply))
}

fn path(raw: &str) -> Result<Vec<String>, Error> {
    let segments: Result<Vec<String>, _> = raw
        .split('/')
        .filter(|segment| !segment.is_empty())
        .skip(1)
        .map(|segment| percent_decode_str(segment).decode_utf8().map(std::borrow::Cow::into_owned))
        .collect();
    segments
        .ok()
        .filter(|s| s.len() <= MAX_SEGMENTS)
        .ok_or_else(|| Error::bad_request("Request_BadRequest", "The path is not understood."))
}

fn metadata(state: &State, what: &str) -> Value {
    format!("{}/v1.0/$metadata#{what}", state.control.settings().public_url).into()
}

fn write(state: &State, parts: &Parts, query: &[(String, String)], reply: Reply) -> Response {
    match reply {
        Reply::Nothing => StatusCode::NO_CONTENT.into_response(),
        Reply::Count(count) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], count.to_string()).into_response()
        }
        Reply::Value(value) => arm::json_response(StatusCode::OK, &value),
        Reply::Object(collection, object) => {
            arm::json_response(StatusCode::OK, &with_context(state, collection, object))
        }
        Reply::Created(collection, object) => {
            arm::json_response(StatusCode::CREATED, &with_context(state, collection, object))
        }
        Reply::Page(collection, page) => {
            arm::json_response(StatusCode::OK, &write_page(state, parts, query, collection, page))
        }
    }
}

fn with_context(state: &State, collection: &str, object: Value) -> Value {
    let mut all =
        Map::from_iter([("@odata.context".to_owned(), metadata(state, &format!("{collection}/$entity")))]);
    if let Value::Object(members) = object {
        all.extend(members);
    }
    Value::Object(all)
}

fn write_page(
    state: &State,
    parts: &Parts,
    query: &[(String, String)],
    collection: &str,
    page: Page,
) -> Value {
    let mut body = Map::from_iter([("@odata.context".to_owned(), metadata(state, collection))]);
    if let Some(count) = page.count {
        body.insert("@odata.count".to_owned(), count.into());
    }
    if let Some(token) = page.next {
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in query.iter().filter(|(name, _)| name != "$skiptoken") {
            next.append_pair(name, value);
        }
        next.append_pair("$skiptoken", &token);
        let base = &state.control.settings().public_url;
        body.insert(
            "@odata.nextLink".to_owned(),
            format!("{base}{}?{}", parts.uri.path(), next.finish()).into(),
        );
    }
    body.insert("value".to_owned(), Value::Array(page.value));
    Value::Object(body)
}

/// ARM's error in Graph's words and shape; the status, the headers and what is logged stay.
fn refuse(state: &State, parts: &Parts, error: Error) -> Response {
    let (status, message) = (error.status, error.message.clone());
    let (code, message) = match status {
        401 => ("InvalidAuthenticationToken", message),
        403 => (
            "Authorization_RequestDenied",
            format!("Insufficient privileges to complete the operation. {message}"),
        ),
        404 => ("Request_ResourceNotFound", message),
        429 => ("TooManyRequests", message),
        503 => ("serviceNotAvailable", message),
        _ if error.code.starts_with("Request_") => (error.code, message),
        409 => ("Request_MultipleObjectsWithSameKeyValue", message),
        400 | 412 => ("Request_BadRequest", message),
        _ => ("UnknownError", message),
    };
    let request = parts.extensions.get::<Correlation>().map(|c| c.0.to_string());
    let client = parts.headers.get("client-request-id").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let inner = json!({"date": state.clock.now().to_string(), "request-id": request, "client-request-id": client.or_else(|| request.clone())});
    let body = json!({"error": {"code": code, "message": message, "innerError": inner}});
    let mut response = challenge(state, error);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body.to_string().into();
    response
}

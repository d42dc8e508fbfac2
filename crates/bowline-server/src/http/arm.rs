//! ARM's resources: one catch-all that reads path, api-version, preconditions and body, and calls a verb of the pipeline.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bowline_arm::{Error, Precondition, ResourceId, ResourceType, Target};
use bowline_control::context::OpContext;
use bowline_control::pipeline::{self, Deleted, ListRequest, WriteRequest};
use bowline_control::{discovery, fleet, lookups, subscriptions};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::{optional_body, required_body};
use super::call::Call;
use super::context::{Served, authenticate, challenge};
use super::resource_manager::{self, Asked};
use super::{State, events, inventory, pieces, repeat};
use crate::metrics::OTHER_TYPE;

/// Handles a request that no other route takes.
pub async fn handle(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    request: Request,
) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut served = Served { route: "arm", resource_type: OTHER_TYPE };
    let mut response = match answer(&state, request, &mut served).await {
        Ok(response) => response,
        Err(error) if error.status == 405 => {
            let mut response = challenge(&state, error);
            let allow = allowed(&state, &method, uri.path());
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
            response
        }
        Err(error) => challenge(&state, error),
    };
    response.extensions_mut().insert(served);
    response
}

/// What the metrics call a request.
fn served(state: &State, call: &Call) -> Served {
    let resource_type = match &call.target {
        Target::Resource(id) | Target::Action { resource: id, .. } => id.resource_type(),
        Target::Collection { resource_type, .. } => resource_type,
    };
    let provider = state.control.registry().by_key(resource_type.key());
    Served {
        route: if events_scope(&call.target).is_some() { "events" } else { "arm" },
        resource_type: provider.map_or(OTHER_TYPE, |provider| provider.spec().resource_type),
    }
}

/// What is possible where a method was refused (RFC 9110 section 15.5.6).
fn allowed(state: &State, method: &Method, path: &str) -> &'static str {
    match Target::parse(path, method == Method::POST) {
        Ok(Target::Resource(id)) => {
            let provider = state.control.registry().by_key(id.resource_type().key());
            match provider.is_some_and(|p| p.spec().writable) {
                true => "GET, HEAD, PUT, PATCH, DELETE",
                false => "GET, HEAD",
            }
        }
        Ok(Target::Action { .. }) => "POST",
        _ => "GET",
    }
}

async fn answer(state: &Arc<State>, request: Request, about: &mut Served) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let (mut context, until) = authenticate(state, &parts).await?;
    let call = Call::parse(&parts)?;
    *about = served(state, &call);
    let remaining = state.budgets.take(&context, &call.method, &call.target, tokio::time::Instant::now())?;
    subscriptions::require_existing(&state.control, &context, &call.target).await?;
    let mut response = if repeat::is_asked(&parts) {
        repeated(state, &mut context, until, &call, &parts, body).await
    } else {
        perform(state, &context, until, &call, &parts.headers, body).await?
    };
    response.headers_mut().insert(remaining.name, remaining.value);
    Ok(response)
}

/// Carries out a repeatable request once; whoever repeats it gets the first answer, an error too.
async fn repeated(
    state: &Arc<State>,
    context: &mut OpContext,
    until: Timestamp,
    call: &Call,
    parts: &Parts,
    body: Body,
) -> Response {
    let begun = async {
        let (asked, body) = repeat::read(context, parts, body).await?;
        Ok((repeat::begin(state, context, &asked).await?, asked, body))
    };
    match begun.await {
        Err(error) => repeat::mark(challenge(state, error), "rejected"),
        Ok((Some(again), ..)) => again,
        Ok((None, asked, body)) => {
            context.repeat = Some(asked.clone());
            let done = perform(state, context, until, call, &parts.headers, body).await;
            let response = done.unwrap_or_else(|error| challenge(state, error));
            repeat::end(state, context, &asked, response).await
        }
    }
}

/// Carries out a request; a refusal is noted in the activity log.
async fn perform(
    state: &Arc<State>,
    context: &OpContext,
    until: Timestamp,
    call: &Call,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let done = carry_out(state, context, until, call, headers, body).await;
    done.inspect_err(|error| state.control.denials().note(context, error))
}

async fn carry_out(
    state: &Arc<State>,
    context: &OpContext,
    until: Timestamp,
    call: &Call,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    if call.method == Method::GET
        && let Some(scope) = events_scope(&call.target)
    {
        return events::stream(state, context.clone(), scope, call, headers, until).await;
    }
    let mut body = Some(body);
    let asked = Asked { state, context, call, headers, body: &mut body };
    if let Some(response) = resource_manager::answer(asked).await? {
        return Ok(response);
    }
    if let Some(response) = discover(state, context, call).await? {
        return Ok(response);
    }
    if call.method == Method::GET
        && let Some(answer) = lookup(state, context, call, &Value::Null).await?
    {
        return Ok(looked_up(answer));
    }
    let body = body.unwrap_or_default();
    match (call.method.as_str(), &call.target) {
        ("GET" | "HEAD", Target::Resource(id)) => read(state, context, call, id, headers).await,
        ("GET", Target::Collection { scope, resource_type }) => {
            if let Some(part) = pipeline::view(&state.control, context, scope, resource_type).await? {
                return Ok(json_response(StatusCode::OK, &part));
            }
            list(state, context, call, scope, resource_type).await
        }
        ("PUT" | "PATCH", Target::Resource(id)) => {
            let body = required_body(headers, body).await?;
            write(state, context, call, id.clone(), body, headers).await
        }
        ("DELETE", Target::Resource(id)) => delete(state, context, call, id, headers).await,
        ("POST", Target::Action { resource, name }) => {
            let body = optional_body(headers, body).await?;
            let answer = pipeline::action(&state.control, context, resource, name, &body).await?;
            Ok(json_response(StatusCode::OK, &answer))
        }
        ("POST", Target::Collection { resource_type, .. }) => {
            let body = optional_body(headers, body).await?;
            match lookup(state, context, call, &body).await? {
                Some(answer) => Ok(looked_up(answer)),
                None => Err(not_a_post(state, call, resource_type)),
            }
        }
        _ => Err(not_allowed(call)),
    }
}

/// Questions to a namespace that no record answers.
async fn lookup(
    state: &State,
    context: &OpContext,
    call: &Call,
    body: &Value,
) -> Result<Option<lookups::Answer>, Error> {
    let post = call.method == Method::POST;
    let question = lookups::Question { post, target: &call.target, version: &call.version, body };
    lookups::answer(&state.control, context, &question).await
}

fn looked_up(answer: lookups::Answer) -> Response {
    let mut response = json_bytes(StatusCode::OK, answer.body);
    let headers = response.headers_mut();
    if let Some(revision) = answer.revision {
        let _ = headers.insert("x-bowline-revision", revision.into());
    }
    if let Some(page) = answer.page {
        let _ = headers.insert("x-bowline-page", HeaderValue::from_static(page));
    }
    response
}

/// A POST to what is no action: the type is unknown, or it is known and takes no POST.
fn not_a_post(state: &State, call: &Call, resource_type: &ResourceType) -> Error {
    match state.control.registry().find(resource_type) {
        Ok(_) => not_allowed(call),
        Err(unknown) => unknown,
    }
}

pub(super) fn not_allowed(call: &Call) -> Error {
    let possible = match &call.target {
        Target::Resource(_) => "GET, HEAD, PUT, PATCH and DELETE are",
        Target::Collection { .. } => "GET is",
        Target::Action { .. } => "POST is",
    };
    Error::new(
        405,
        "MethodNotAllowed",
        format!("{} is not possible on '{}'; {possible}.", call.method, call.path),
    )
}

fn events_scope(target: &Target) -> Option<&ResourceId> {
    match target {
        Target::Collection { scope, resource_type } if resource_type.key() == "microsoft.bowline/events" => {
            Some(scope)
        }
        _ => None,
    }
}

/// What clients ask before they do anything, and what has no record of its own.
async fn discover(state: &State, context: &OpContext, call: &Call) -> Result<Option<Response>, Error> {
    let control = &state.control;
    let ok = |value: &Value| Ok(Some(json_response(StatusCode::OK, value)));
    let (scope, key) = match &call.target {
        Target::Collection { scope, resource_type } => (scope, resource_type.key()),
        Target::Resource(id) => return operation(state, context, id).await,
        Target::Action { .. } => return Ok(None),
    };
    if call.method != Method::GET {
        return Ok(None);
    }
    match key {
        "microsoft.resources/tenants" => ok(&discovery::tenants(control)),
        "microsoft.authorization/permissions" => ok(&discovery::permissions(control, context, scope).await),
        "microsoft.bowline/servers" if scope.key() == "/" => ok(&fleet::list(control, context).await?),
        "microsoft.bowline/kubernetesobjects" => inventory::list(state, context, scope, call).await.map(Some),
        _ => Ok(None),
    }
}

/// Polls of long-running operations.
async fn operation(state: &State, context: &OpContext, id: &ResourceId) -> Result<Option<Response>, Error> {
    let status = match id.resource_type().key() {
        "microsoft.bowline/operationstatuses" => true,
        "microsoft.bowline/operationresults" => false,
        _ => return Ok(None),
    };
    let missing = || {
        Error::new(
            404,
            "OperationNotFound",
            format!("There is no operation '{}'; finished ones are kept for 24 hours.", id.name()),
        )
    };
    let stored = state
        .control
        .operations()
        .find(id.name().parse().map_err(|_| missing())?)
        .await?
        .ok_or_else(missing)?;
    if stored.actor != context.actor.object_id {
        let scope = stored
            .operation
            .resource_id
            .as_deref()
            .and_then(|r| r.parse::<ResourceId>().ok())
            .unwrap_or_else(ResourceId::root);
        state.control.authorization().snapshot().await.require(
            context,
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            scope.key(),
        )?;
    }
    let done = stored.operation.status.is_terminal();
    if status {
        let value = serde_json::to_value(&stored.operation).map_err(Error::internal)?;
        let mut response = json_response(StatusCode::OK, &value);
        if !done {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        return Ok(Some(response));
    }
    Ok(Some(match (done, &stored.operation.error) {
        (false, _) => accepted(state, &stored.operation),
        // Nothing is left to show of what was deleted.
        (true, None) => StatusCode::NO_CONTENT.into_response(),
        (true, Some(error)) => json_response(StatusCode::CONFLICT, &json!({ "error": error })),
    }))
}

fn accepted(state: &State, operation: &bowline_arm::Operation) -> Response {
    let url = format!("{}{}?api-version=2026-11-01", state.control.settings().public_url, operation.id);
    let mut response = StatusCode::ACCEPTED.into_response();
    let headers = response.headers_mut();
    if let (Ok(status), Ok(location)) = (
        HeaderValue::from_str(&url),
        HeaderValue::from_str(&url.replace("operationStatuses", "operationResults")),
    ) {
        headers.insert("azure-asyncoperation", status);
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

async fn read(
    state: &State,
    context: &OpContext,
    call: &Call,
    id: &ResourceId,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let found = pipeline::get(&state.control, context, id, &call.version).await;
    if call.method == Method::HEAD {
        return Ok(match found {
            Ok(_) => StatusCode::NO_CONTENT.into_response(),
            Err(error) if error.status == 404 => StatusCode::NOT_FOUND.into_response(),
            Err(error) => return Err(error),
        });
    }
    let pipeline::Shown { body, etag } = found?;
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| !Precondition::parse(None, Some(v)).holds(etag.as_deref()));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json_bytes(StatusCode::OK, body.clone())
    };
    if !unchanged {
        ask_to_come_back(&mut response, is_under_way(&body));
    }
    set_etag(&mut response, etag.as_deref());
    Ok(response)
}

async fn list(
    state: &State,
    context: &OpContext,
    call: &Call,
    scope: &ResourceId,
    resource_type: &ResourceType,
) -> Result<Response, Error> {
    let top = call.top()?;
    let request = ListRequest {
        scope: scope.clone(),
        resource_type: resource_type.clone(),
        version: call.version.clone(),
        filter: call.parameter("$filter").filter(|f| !f.is_empty()).map(str::to_owned),
        top,
        skip_token: call.parameter("$skiptoken").map(str::to_owned),
    };
    let listed = pipeline::list(&state.control, context, request).await?;
    let next = listed.next.map(|token| next_link(state, call, &token));
    let end = next.map_or_else(|| "]}".to_owned(), |next| format!("],\"nextLink\":{}}}", Value::from(next)));
    let body = pieces::body([Bytes::from_static(b"{\"value\":["), listed.row, end.into()]);
    Ok(json_bytes(StatusCode::OK, body))
}

/// The same request with the token of the next page.
pub fn next_link(state: &State, call: &Call, token: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.query.iter().filter(|(n, _)| n != "$skiptoken") {
        query.append_pair(name, value);
    }
    query.append_pair("$skipToken", token);
    format!("{}{}?{}", state.control.settings().public_url, call.path, query.finish())
}

async fn write(
    state: &State,
    context: &OpContext,
    call: &Call,
    id: ResourceId,
    body: Value,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let request =
        WriteRequest { id, version: call.version.clone(), body, precondition: precondition(headers) };
    let written = if call.method == Method::PUT {
        pipeline::put(&state.control, context, request).await?
    } else {
        pipeline::patch(&state.control, context, request).await?
    };
    let mut response =
        json_response(StatusCode::from_u16(written.status).unwrap_or(StatusCode::OK), &written.body);
    let state = written.body["properties"]["provisioningState"].as_str();
    let under_way = state.is_some_and(|s| !["Succeeded", "Failed", "Canceled"].contains(&s));
    ask_to_come_back(&mut response, under_way);
    set_etag(&mut response, Some(&written.etag));
    Ok(response)
}

async fn delete(
    state: &State,
    context: &OpContext,
    call: &Call,
    id: &ResourceId,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    Ok(match pipeline::delete(&state.control, context, id, &precondition(headers)).await? {
        Deleted::Now(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::OK).into_response(),
        Deleted::Was(record) => {
            let spec = state.control.registry().find(id.resource_type())?.spec();
            json_response(StatusCode::OK, &pipeline::render_record(spec, &record, &call.version)?)
        }
        Deleted::Absent => StatusCode::NO_CONTENT.into_response(),
        Deleted::Operation(operation) => accepted(state, &operation),
    })
}

pub(super) fn precondition(headers: &HeaderMap) -> Precondition {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    Precondition::parse(text(header::IF_MATCH), text(header::IF_NONE_MATCH))
}

pub(super) fn set_etag(response: &mut Response, etag: Option<&str>) {
    if let Some(value) = etag.and_then(|e| HeaderValue::from_str(&format!("\"{e}\"")).ok()) {
        response.headers_mut().insert(header::ETAG, value);
    }
}

/// Clients that poll the resource itself wait half a minute unless they are told otherwise.
fn ask_to_come_back(response: &mut Response, under_way: bool) {
    if under_way {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
}

/// Whether a resource, as JSON, shows a state that is not final; looked for in the bytes, because a GET parses nothing.
fn is_under_way(resource: &[u8]) -> bool {
    const STATE: &[u8] = b"\"provisioningState\":\"";
    const FINAL: [&[u8]; 3] = [b"Succeeded\"", b"Failed\"", b"Canceled\""];
    memchr::memmem::find_iter(resource, STATE)
        .any(|at| !FINAL.iter().any(|state| resource[at + STATE.len()..].starts_with(state)))
}

/// A JSON answer.
#[must_use]
pub fn json_response(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], value.to_string()).into_response()
}

/// An answer that is JSON already.
fn json_bytes(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.into()).into_response()
}

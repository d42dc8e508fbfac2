//! Sign-in through the upstream issuer: the button on the sign-in pages, the way there, and the way back.
//!
//! # Design notes
//! The pages of sign-in and of devices know nothing of an upstream issuer; [`offer`] puts its link onto them. It is a link and not a form, because the
//! pages' policy for forms would forbid the redirects that follow.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State as Shared};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bowline_auth::OAuthError;
use bowline_control::identity::code::AuthorizeRequest;
use bowline_control::identity::upstream::{Purpose, SignInError};
use bowline_store::Record;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;

use super::body::read_body;
use super::context::named_cookie;
use super::portal::see_other;
use super::{State, pages};

/// What a sign-in under way keeps in the browser, sealed.
const COOKIE: &str = "__Host-bowline-upstream";
const SECONDS: i64 = 600;
/// What is kept of a client's request.
const FIELDS: [&str; 7] =
    ["client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "nonce"];

/// The largest of our own pages, and the largest form of the page for devices.
const MAX_PAGE: usize = 64 << 10;

type Form = HashMap<String, String>;

fn with_cookie(mut response: Response, value: &str, seconds: i64) -> Response {
    let text = format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Puts the way to the upstream issuer onto the pages where people sign in.
pub async fn offer(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let signs_in = request.method() == Method::GET
        && (path == "/device" || path.ends_with("/authorize") || path.ends_with("/authorize/"));
    let Some(upstream) = state.control.identity().upstream().filter(|_| signs_in) else {
        return next.run(request).await;
    };
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .into_owned()
            .filter(|(name, _)| name == "user_code" || FIELDS.contains(&name.as_str()))
            .collect();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || fields.is_empty() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_PAGE).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let (address, name) =
        (pages::escape(&format!("/upstream/login?{query}")), pages::escape(upstream.name()));
    let link = format!("<p><a href=\"{address}\">Sign in with {name}</a></p></main>");
    let page = String::from_utf8_lossy(&bytes).replacen("</main>", &link, 1);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(page))
}

fn stop(error: &SignInError) -> Response {
    pages::message(StatusCode::BAD_REQUEST, "This sign-in cannot go on", &error.to_string())
}

/// The request of a client, checked: also after the way there and back.
async fn request(state: &State, fields: &Form) -> Result<AuthorizeRequest, OAuthError> {
    let text = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let request = AuthorizeRequest {
        client_id: text("client_id").to_owned(),
        redirect_uri: text("redirect_uri").to_owned(),
        scope: text("scope").chars().take(1024).collect(),
        code_challenge: text("code_challenge").to_owned(),
        nonce: fields.get("nonce").cloned(),
    };
    let method = fields.get("code_challenge_method").map(String::as_str);
    state.control.check_authorize(&request, method).await?;
    Ok(request)
}

/// Begins: for a client (the fields of its request), or for a device (`user_code`).
pub async fn login(Shared(state): Shared<Arc<State>>, Query(query): Query<Form>) -> Response {
    let purpose = match query.get("user_code") {
        Some(code) => Purpose::Device(code.chars().take(32).collect()),
        None => match request(&state, &query).await {
            Ok(_) => {
                let kept =
                    FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), query.get(*name)?.clone())));
                Purpose::Authorize(kept.collect())
            }
            Err(error) => return stop(&SignInError::OAuth(error)),
        },
    };
    match state.control.begin_upstream(purpose, state.clock.now()).await {
        Ok((location, sealed)) => with_cookie(see_other(&location), &sealed, SECONDS),
        Err(error) => stop(&error),
    }
}

/// Comes back: with a code, or with the reason why there is none.
pub async fn callback(
    Shared(state): Shared<Arc<State>>,
    Query(query): Query<Form>,
    headers: HeaderMap,
) -> Response {
    let now = state.clock.now();
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let code = match query.get("code") {
        Some(code) => Ok(code.as_str()),
        None => Err(query
            .get("error_description")
            .or(query.get("error"))
            .map_or("it sent no code", String::as_str)),
    };
    let sealed = named_cookie(&headers, COOKIE).unwrap_or_default();
    let outcome = match state.control.finish_upstream(sealed, text("state"), code, now).await {
        Ok((user, Purpose::Authorize(fields))) => {
            complete(&state, &fields.into_iter().collect(), &user, now).await.map_err(SignInError::OAuth)
        }
        Ok((user, Purpose::Device(code))) => state
            .control
            .device_ticket(&user, &code, now)
            .map(|(name, ticket)| pages::confirm_device(&code, &name, &ticket))
            .map_err(SignInError::OAuth),
        Err(error) => Err(error),
    };
    let response = outcome.unwrap_or_else(|error| {
        tracing::info!(%error, "a sign-in through the upstream issuer ended");
        stop(&error)
    });
    with_cookie(response, "", 0)
}

/// The answer of who signed in upstream to the question whether a device may act for him.
pub async fn device(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let now = state.clock.now();
    let outcome = async {
        let bytes = read_body(&parts.headers, body, MAX_PAGE)
            .await
            .map_err(|error| OAuthError::InvalidRequest { why: error.message })?;
        let form: Form = serde_urlencoded::from_bytes(&bytes)
            .map_err(|_| OAuthError::InvalidRequest { why: "the body is not a form".to_owned() })?;
        let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let user = state.control.ticket_user(text("ticket"), text("user_code"), now).await?;
        // Only the button that says so approves.
        let approve = text("action") == "approve";
        state.control.decide_device(text("user_code"), user.principal.filter(|_| approve), now).await?;
        Ok::<bool, OAuthError>(approve)
    };
    match outcome.await {
        Ok(true) => pages::message(
            StatusCode::OK,
            "Approved",
            "You can close this page and go back to where you started.",
        ),
        Ok(false) => pages::message(StatusCode::OK, "Denied", "The sign-in was refused."),
        Err(error) => stop(&SignInError::OAuth(error)),
    }
}

/// Back to the client, with a code for the user.
async fn complete(
    state: &State,
    fields: &Form,
    user: &Record,
    now: Timestamp,
) -> Result<Response, OAuthError> {
    let asked = request(state, fields).await?;
    let mut to = url::Url::parse(&asked.redirect_uri)
        .map_err(|_| OAuthError::InvalidRequest { why: "the redirect address is not a URL".to_owned() })?;
    let code = state.control.issue_code(asked, user, now).await?;
    to.query_pairs_mut().append_pair("code", code.expose());
    if let Some(given) = fields.get("state") {
        to.query_pairs_mut().append_pair("state", given);
    }
    Ok(see_other(to.as_str()))
}

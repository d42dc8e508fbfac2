//! Sign-in through the upstream issuer: there, and back.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use bowline_control::identity::upstream::{Purpose, SignInError};
use http::{HeaderMap, StatusCode};

use super::context::named_cookie;
use super::identity::authorize;
use super::portal::{see_other, with_cookie};
use super::{State, pages};

/// What a sign-in under way keeps in the browser, sealed.
const COOKIE: &str = "__Host-bowline-upstream";
const SECONDS: i64 = 600;

type Form = HashMap<String, String>;

fn stop(error: &SignInError) -> Response {
    pages::message(StatusCode::BAD_REQUEST, "This sign-in cannot go on", &error.to_string())
}

/// Begins: for a client (the fields of its request), or for a device (`user_code`).
pub async fn login(Shared(state): Shared<Arc<State>>, Query(query): Query<Form>) -> Response {
    let purpose = match query.get("user_code") {
        Some(code) => Purpose::Device(code.chars().take(32).collect()),
        None => match authorize::check(&state, &query).await {
            Ok(fields) => Purpose::Authorize(fields),
            Err(refused) => return refused,
        },
    };
    match state.control.begin_upstream(purpose, (state.clock)()).await {
        Ok((location, sealed)) => with_cookie(see_other(&location), COOKIE, &sealed, SECONDS, "Lax"),
        Err(error) => stop(&error),
    }
}

/// Comes back: with a code, or with the reason why there is none.
pub async fn callback(
    Shared(state): Shared<Arc<State>>,
    Query(query): Query<Form>,
    headers: HeaderMap,
) -> Response {
    let now = (state.clock)();
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let code = match query.get("code") {
        Some(code) => Ok(code.as_str()),
        None => Err(query.get("error_description").or(query.get("error")).map_or("it sent no code", String::as_str)),
    };
    let sealed = named_cookie(&headers, COOKIE).unwrap_or_default();
    let response = match state.control.finish_upstream(sealed, text("state"), code, now).await {
        Ok((user, Purpose::Authorize(fields))) => {
            authorize::complete(&state, &fields.into_iter().collect(), &user, now).await
        }
        Ok((user, Purpose::Device(code))) => match state.control.device_ticket(&user, &code, now) {
            Ok((name, ticket)) => pages::confirm_device(&code, &name, &ticket),
            Err(error) => stop(&SignInError::OAuth(error)),
        },
        Err(error) => {
            tracing::info!(%error, "a sign-in through the upstream issuer ended");
            stop(&error)
        }
    };
    with_cookie(response, COOKIE, "", 0, "Lax")
}

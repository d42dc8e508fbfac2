//! Before a request goes anywhere: is there room in the house, is its connection one of the last, and does its body arrive in time.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bowline_arm::Error;
use http::request::Parts;

use super::State;
use super::context::route_of;
use super::error::ApiError;
use crate::limits::connections::Last;
use crate::limits::share::Share;

/// Lets a request in, or refuses it before anything was read of it.
pub async fn admit(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Some(Last(close)) = parts.extensions.get()
        && !goes_first(parts.uri.path())
    {
        close.cancel();
        return ApiError(no_connections()).into_response();
    }
    // Whoever looks after the server must get through when it is full.
    if route_of(parts.uri.path()) == "health" {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let share = match Share::begin(&state.gates) {
        Ok(share) => share,
        Err(error) => return ApiError(error).into_response(),
    };
    // What goes on to a cluster is not kept here, however much it is.
    let body = if super::tunnel::is_passed_on(parts.uri.path()) { body } else { share.watch(body) };
    parts.extensions.insert(Arc::clone(&share));
    let response = next.run(Request::from_parts(parts, body)).await;
    share.release();
    response
}

/// Agents speak to routes of their own, and get their token as every program does; and somebody must see how full it is.
fn goes_first(path: &str) -> bool {
    matches!(route_of(path), "agents" | "health") || path.trim_end_matches('/').ends_with("/token")
}

fn no_connections() -> Error {
    Error::new(
        503,
        "ServerBusy",
        "The server has as many connections of clients as it takes, and closes this one. Nothing was done; try again after 2 s.",
    )
    .with_retry_after(2)
}

/// Waits until it is the turn of this request of a principal.
///
/// # Errors
/// 429 or 503 when it must come back later.
pub async fn enter(parts: &Parts, principal: &str) -> Result<(), Error> {
    match parts.extensions.get::<Arc<Share>>() {
        Some(share) => share.enter(principal).await,
        None => Ok(()),
    }
}

/// What follows is no request any more: a session that may last for hours.
pub fn release(parts: &Parts) {
    if let Some(share) = parts.extensions.get::<Arc<Share>>() {
        share.release();
    }
}

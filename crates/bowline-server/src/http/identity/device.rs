//! The device flow (RFC 8628): its start, and the page where the person types the code.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State as Shared};
use axum::response::{IntoResponse, Response};
use bowline_auth::OAuthError;
use http::StatusCode;
use serde_json::json;

use super::super::context::client_address;
use super::super::{State, arm, pages};
use super::{Authority, Form, correlation_of, field, form, refusal, scope, slowed, text, wants_json};

/// RFC 8628 §3.1.
pub(super) async fn start(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let now = state.clock.now();
    let answer = async {
        Authority::of(&state, &tenant, &parts)?;
        let form = form(&parts, body).await?;
        let client_id = field(&form, "client_id")?;
        state.control.start_device(client_id, &scope(&form), &client_address(&parts), now).await
    };
    match answer.await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(error) => refusal(&error, &correlation_of(&parts), now),
    }
}

/// The page where the person types the code.
pub(super) async fn page(Query(query): Query<Form>) -> Response {
    pages::device(text(&query, "user_code"), None)
}

/// The person's answer. A program that asks for JSON gets it.
pub(super) async fn decide(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (now, address, json) = (state.clock.now(), client_address(&parts), wants_json(&parts));
    let refused = |error: &OAuthError, code: &str| match json {
        true => refusal(error, &correlation_of(&parts), now),
        false => slowed(pages::device(code, Some(&error.to_string())), error),
    };
    let form = match form(&parts, body).await {
        Ok(form) => form,
        Err(error) => return refused(&error, ""),
    };
    let outcome = async {
        let user = state
            .control
            .check_password(field(&form, "username")?, field(&form, "password")?, &address, now)
            .await?;
        let approve = form.get("action").is_none_or(|a| a != "deny");
        state
            .control
            .decide_device(field(&form, "user_code")?, user.principal.filter(|_| approve), now)
            .await
            .map(|()| approve)
    };
    match outcome.await {
        Ok(approved) if json => {
            let status = if approved { "approved" } else { "denied" };
            arm::json_response(StatusCode::OK, &json!({ "status": status }))
        }
        Ok(true) => pages::message(
            StatusCode::OK,
            "Approved",
            "You can close this page and go back to where you started.",
        ),
        Ok(false) => pages::message(
            StatusCode::OK,
            "Denied",
            "The sign-in was refused. If you did not start it, somebody else may know your user name.",
        ),
        Err(error) => refused(&error, text(&form, "user_code")),
    }
}

//! The token endpoint and its opposite (RFC 6749 §3.2, RFC 7009).

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use bowline_auth::OAuthError;
use bowline_control::identity::Door;
use bowline_control::identity::client::Credential;
use bowline_control::identity::issue::TokenAnswer;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;

use super::super::State;
use super::super::context::client_address;
use super::{Authority, Form, correlation_of, field, form, refusal, scope, text};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The token endpoint.
pub(super) async fn token(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let now = state.clock.now();
    let answer = async {
        Authority::of(&state, &tenant, &parts)?;
        let mut form = form(&parts, body).await?;
        basic_credentials(&parts.headers, &mut form);
        grant(&state, &form, &parts, now).await
    };
    match answer.await {
        Ok(answer) => {
            let mut response = axum::Json(answer).into_response();
            response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            response
        }
        Err(error) => refusal(&error, &correlation_of(&parts), now),
    }
}

/// `client_secret_basic` (RFC 6749 §2.3.1): what the header says counts where the form says nothing.
fn basic_credentials(headers: &HeaderMap, form: &mut Form) {
    let decoded = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, value)| base64::engine::general_purpose::STANDARD.decode(value.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((id, secret)) = decoded.as_deref().and_then(|text| text.split_once(':')) else { return };
    let plain = |text: &str| {
        url::form_urlencoded::parse(format!("v={text}").as_bytes())
            .next()
            .map_or_else(String::new, |(_, value)| value.into_owned())
    };
    form.entry("client_id".to_owned()).or_insert_with(|| plain(id));
    form.entry("client_secret".to_owned()).or_insert_with(|| plain(secret));
}

async fn grant(state: &State, form: &Form, parts: &Parts, now: Timestamp) -> Result<TokenAnswer, OAuthError> {
    let (control, address, scope) = (&state.control, client_address(parts), scope(form));
    let kind = field(form, "grant_type")?;
    if kind == "client_credentials" {
        let client_id = Some(text(form, "client_id")).filter(|c| !c.is_empty());
        return control.token_for_client(client_id, credential(form)?, &scope, &address, now).await;
    }
    let visit = control.identity().visit(Door::Grant, "", &address);
    visit.check(now)?;
    let outcome = match kind {
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => {
            // The first form of this endpoint called it `code`.
            let code =
                field(form, "device_code").or_else(|missing| field(form, "code").map_err(|_| missing))?;
            control.token_for_device(field(form, "client_id")?, code, &scope, now).await
        }
        "authorization_code" => {
            let (code, redirect, verifier) =
                (field(form, "code")?, field(form, "redirect_uri")?, field(form, "code_verifier")?);
            let client_id = field(form, "client_id")?;
            control.token_for_code(code, client_id, redirect, verifier, credential(form).ok(), now).await
        }
        "refresh_token" => {
            let token = field(form, "refresh_token")?;
            let client_id = field(form, "client_id")?;
            control.token_for_refresh(token, client_id, credential(form).ok(), &scope, now).await
        }
        "password" => Err(OAuthError::PasswordGrant),
        other => Err(OAuthError::UnsupportedGrantType { grant_type: other.chars().take(64).collect() }),
    };
    visit.settle(&outcome, now);
    outcome
}

fn credential(form: &Form) -> Result<Credential<'_>, OAuthError> {
    match (text(form, "client_secret"), text(form, "client_assertion")) {
        ("", "") => Err(OAuthError::MissingCredential {
            client_id: text(form, "client_id").chars().take(64).collect(),
        }),
        (secret, "") => Ok(Credential::Secret(secret)),
        (_, assertion) if field(form, "client_assertion_type")? == ASSERTION_TYPE => {
            Ok(Credential::Assertion(assertion))
        }
        _ => {
            Err(OAuthError::InvalidRequest { why: format!("client_assertion_type must be {ASSERTION_TYPE}") })
        }
    }
}

/// Revocation (RFC 7009): ends the sign-in of a refresh token. Whatever the token was, afterwards it is worth nothing: 200.
pub(super) async fn revoke(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let now = state.clock.now();
    let outcome = async {
        Authority::of(&state, &tenant, &parts)?;
        let form = form(&parts, body).await?;
        state.control.revoke(field(&form, "token")?, field(&form, "client_id")?, now).await
    };
    match outcome.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => refusal(&error, &correlation_of(&parts), now),
    }
}

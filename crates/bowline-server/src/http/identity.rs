//! The endpoints of the issuer (wire.md §1).

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State as Shared};
use axum::response::{IntoResponse, Response};
use bowline_auth::OAuthError;
use bowline_control::identity::client::Credential;
use bowline_control::identity::code::AuthorizeRequest;
use bowline_control::identity::issue::TokenAnswer;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::json;

use super::context::{Correlation, client_address};
use super::{State, arm, pages};

/// Forms of the sign-in endpoints are small.
const MAX_FORM: usize = 64 << 10;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

type Form = HashMap<String, String>;

fn check_tenant(state: &State, tenant: &str) -> Result<(), OAuthError> {
    let known = tenant.eq_ignore_ascii_case("organizations")
        || tenant.eq_ignore_ascii_case("common")
        || tenant.parse() == Ok(state.control.tenant());
    if known { Ok(()) } else { Err(OAuthError::UnknownTenant { tenant: tenant.chars().take(64).collect() }) }
}

fn refusal(error: &OAuthError, correlation: &str, now: Timestamp) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = serde_json::to_string(&error.body(correlation, now)).unwrap_or_default();
    let mut response =
        (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response();
    if let OAuthError::TooManyAttempts { retry_after_seconds } = error {
        response.headers_mut().insert(header::RETRY_AFTER, (*retry_after_seconds).into());
    }
    response
}

fn correlation_of(parts: &Parts) -> String {
    parts.extensions.get::<Correlation>().map_or_else(String::new, |c| c.0.to_string())
}

async fn form(parts: &Parts, body: Body) -> Result<Form, OAuthError> {
    let invalid = |why: &str| OAuthError::InvalidRequest { why: why.to_owned() };
    let bytes = arm::read_body(&parts.headers, body, MAX_FORM).await.map_err(|e| invalid(&e.message))?;
    serde_urlencoded::from_bytes(&bytes)
        .map_err(|_| invalid("the body is not a form (application/x-www-form-urlencoded)"))
}

fn field<'a>(form: &'a Form, name: &'static str) -> Result<&'a str, OAuthError> {
    form.get(name)
        .map(String::as_str)
        .filter(|v| !v.is_empty())
        .ok_or(OAuthError::MissingParameter { parameter: name })
}

/// OpenID Connect Discovery 1.0.
pub async fn discovery(Shared(state): Shared<Arc<State>>, Path(tenant): Path<String>) -> Response {
    let now = (state.clock)();
    if let Err(error) = check_tenant(&state, &tenant) {
        return refusal(&error, "", now);
    }
    let base = format!("{}/{}", state.control.settings().public_url, state.control.tenant());
    let value = json!({
        "issuer": state.control.identity().issuer().url,
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "offline_access"],
        "claims_supported": ["iss", "aud", "tid", "oid", "sub", "azp", "name", "preferred_username", "iat", "nbf", "exp"],
        "tenant_region_scope": null,
    });
    arm::json_response(StatusCode::OK, &value)
}

/// JWKS, RFC 7517.
pub async fn keys(Shared(state): Shared<Arc<State>>, Path(tenant): Path<String>) -> Response {
    let now = (state.clock)();
    match check_tenant(&state, &tenant) {
        Ok(()) => arm::json_response(StatusCode::OK, &state.control.identity().keys().jwks(now)),
        Err(error) => refusal(&error, "", now),
    }
}

/// The token endpoint.
pub async fn token(
    Shared(state): Shared<Arc<State>>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (now, correlation) = ((state.clock)(), correlation_of(&parts));
    let answer = async {
        check_tenant(&state, &tenant)?;
        grant(&state, &form(&parts, body).await?, now).await
    };
    match answer.await {
        Ok(answer) => {
            let mut response = axum::Json(answer).into_response();
            response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            response
        }
        Err(error) => refusal(&error, &correlation, now),
    }
}

async fn grant(state: &State, form: &Form, now: Timestamp) -> Result<TokenAnswer, OAuthError> {
    let control = &state.control;
    let client_id = form.get("client_id").map(String::as_str).filter(|c| !c.is_empty());
    match field(form, "grant_type")? {
        "client_credentials" => {
            let credential = match (form.get("client_secret"), form.get("client_assertion")) {
                (_, Some(assertion)) => {
                    if field(form, "client_assertion_type")? != ASSERTION_TYPE {
                        return Err(OAuthError::InvalidRequest {
                            why: format!("client_assertion_type must be {ASSERTION_TYPE}"),
                        });
                    }
                    Credential::Assertion(assertion)
                }
                (Some(secret), None) => Credential::Secret(secret),
                (None, None) => {
                    return Err(OAuthError::MissingCredential {
                        client_id: client_id.unwrap_or_default().chars().take(64).collect(),
                    });
                }
            };
            control.token_for_client(client_id, credential, now).await
        }
        "urn:ietf:params:oauth:grant-type:device_code" => {
            control.token_for_device(field(form, "client_id")?, field(form, "device_code")?, now).await
        }
        "authorization_code" => {
            let (code, redirect, verifier) =
                (field(form, "code")?, field(form, "redirect_uri")?, field(form, "code_verifier")?);
            control.token_for_code(code, field(form, "client_id")?, redirect, verifier, now).await
        }
        "refresh_token" => {
            control.token_for_refresh(field(form, "refresh_token")?, field(form, "client_id")?, now).await
        }
        other => Err(OAuthError::UnsupportedGrantType { grant_type: other.chars().take(64).collect() }),
    }
}

/// RFC 8628 §3.1.
pub async fn device_code(
    Shared(state): Shared<Arc<State>>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (now, correlation) = ((state.clock)(), correlation_of(&parts));
    let answer = async {
        check_tenant(&state, &tenant)?;
        let form = form(&parts, body).await?;
        state
            .control
            .start_device(field(&form, "client_id")?, form.get("scope").map_or("", String::as_str), now)
            .await
    };
    match answer.await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(error) => refusal(&error, &correlation, now),
    }
}

/// The page where the user types the code.
pub async fn device_page(Query(query): Query<Form>) -> Response {
    pages::device(query.get("user_code").map_or("", String::as_str), None)
}

/// The user's answer.
pub async fn decide_device(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (now, address) = ((state.clock)(), client_address(&parts));
    let form = match form(&parts, body).await {
        Ok(form) => form,
        Err(error) => return pages::device("", Some(&error.to_string())),
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
        Err(error) => {
            let code = form.get("user_code").map_or("", String::as_str);
            slowed(pages::device(code, Some(&error.to_string())), &error)
        }
    }
}

/// A page for who guesses passwords says so also to programs: 429 with the time to wait.
fn slowed(mut page: Response, error: &OAuthError) -> Response {
    if let OAuthError::TooManyAttempts { retry_after_seconds } = error {
        *page.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        page.headers_mut().insert(header::RETRY_AFTER, (*retry_after_seconds).into());
    }
    page
}

const FIELDS: [&str; 7] =
    ["client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "nonce"];

fn authorize_request(state: &State, fields: &Form) -> Result<AuthorizeRequest, OAuthError> {
    let response_type = fields.get("response_type").map_or("code", String::as_str);
    if response_type != "code" {
        return Err(OAuthError::UnsupportedResponseType {
            response_type: response_type.chars().take(64).collect(),
        });
    }
    let request = AuthorizeRequest {
        client_id: field(fields, "client_id")?.to_owned(),
        redirect_uri: field(fields, "redirect_uri")?.to_owned(),
        scope: fields.get("scope").map_or("", String::as_str).chars().take(1024).collect(),
        code_challenge: field(fields, "code_challenge")?.to_owned(),
        nonce: fields.get("nonce").cloned(),
    };
    state.control.check_authorize(&request, fields.get("code_challenge_method").map(String::as_str))?;
    Ok(request)
}

fn carried(fields: &Form) -> Vec<(&str, &str)> {
    FIELDS.iter().filter_map(|name| fields.get(*name).map(|value| (*name, value.as_str()))).collect()
}

/// The sign-in page.
pub async fn authorize_page(
    Shared(state): Shared<Arc<State>>,
    Path(tenant): Path<String>,
    Query(query): Query<Form>,
) -> Response {
    match check_tenant(&state, &tenant).and_then(|()| authorize_request(&state, &query)) {
        Ok(_) => pages::sign_in(&carried(&query), None),
        Err(error) => {
            pages::message(StatusCode::BAD_REQUEST, "This sign-in cannot go on", &error.to_string())
        }
    }
}

/// The user's name and password; on success back to the client with a code.
pub async fn authorize(
    Shared(state): Shared<Arc<State>>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (now, address) = ((state.clock)(), client_address(&parts));
    let stop = |error: &OAuthError| {
        pages::message(StatusCode::BAD_REQUEST, "This sign-in cannot go on", &error.to_string())
    };
    let form = match form(&parts, body).await {
        Ok(form) => form,
        Err(error) => return stop(&error),
    };
    let asked = match check_tenant(&state, &tenant).and_then(|()| authorize_request(&state, &form)) {
        Ok(asked) => asked,
        Err(error) => return stop(&error),
    };
    let redirect = asked.redirect_uri.clone();
    let outcome = async {
        let user = state
            .control
            .check_password(field(&form, "username")?, field(&form, "password")?, &address, now)
            .await?;
        state.control.issue_code(asked, &user, now).await
    };
    match outcome.await {
        Ok(code) => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("code", code.expose());
            if let Some(state) = form.get("state") {
                query.append_pair("state", state);
            }
            super::portal::see_other(&format!("{redirect}?{}", query.finish()))
        }
        Err(error) => slowed(pages::sign_in(&carried(&form), Some(&error.to_string())), &error),
    }
}

//! The endpoints of the issuer (wire.md §1).
//!
//! | file | endpoints |
//! |---|---|
//! | [`metadata`] | what clients ask a cloud before they know it |
//! | [`discovery`] | OpenID Connect discovery, JWKS |
//! | [`token`] | token, revocation |
//! | [`device`] | device code, and the page where a person types it |
//! | [`authorize`] | the sign-in page, sign-out |
//!
//! Design notes: one tenant has several names in a path, because the libraries choose the endpoint's form by it: the GUID,
//! `organizations`, `common`, and `adfs`, whose authority no library looks up at the public cloud first. Behind `adfs` a second name may
//! follow, because some libraries append the tenant to whatever authority they were given. All forms are one endpoint.

mod authorize;
mod device;
mod discovery;
mod metadata;
mod token;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bowline_auth::OAuthError;
use http::request::Parts;
use http::{StatusCode, header};
use jiff::Timestamp;

use super::State;
use super::body::read_body;
use super::context::Correlation;

/// Forms of the sign-in endpoints are small.
pub const MAX_FORM: usize = 64 << 10;

type Form = HashMap<String, String>;

/// Every form of every endpoint.
pub fn routes() -> Router<Arc<State>> {
    let mut router = Router::new()
        .route("/metadata/endpoints", get(metadata::endpoints))
        .route("/metadata/endpoints/", get(metadata::endpoints))
        .route("/device", get(device::page).post(device::decide));
    for authority in ["/{tenant}", "/adfs/{tenant}"] {
        router = router
            .route(&format!("{authority}/v2.0/.well-known/openid-configuration"), get(discovery::document))
            .route(&format!("{authority}/.well-known/openid-configuration"), get(discovery::document))
            .route(&format!("{authority}/discovery/v2.0/keys"), get(discovery::keys))
            .route(&format!("{authority}/discovery/keys"), get(discovery::keys));
        for (version, end) in [("oauth2/v2.0", ""), ("oauth2/v2.0", "/"), ("oauth2", ""), ("oauth2", "/")] {
            let at = format!("{authority}/{version}");
            router = router
                .route(&format!("{at}/token{end}"), post(token::token))
                .route(&format!("{at}/devicecode{end}"), post(device::start))
                .route(&format!("{at}/authorize{end}"), get(authorize::page).post(authorize::sign_in))
                .route(&format!("{at}/revoke{end}"), post(token::revoke))
                .route(&format!("{at}/logout{end}"), get(authorize::sign_out).post(authorize::sign_out));
        }
    }
    router
}

/// The tenant of a path, by any of its names; a form that begins with `adfs` says so.
struct Authority {
    adfs: bool,
}

impl Authority {
    fn of(state: &State, Path(tenant): &Path<String>, parts: &Parts) -> Result<Self, OAuthError> {
        let adfs = parts.uri.path().to_ascii_lowercase().starts_with("/adfs/");
        let known = ["organizations", "common", "adfs"].iter().any(|name| tenant.eq_ignore_ascii_case(name))
            || tenant.parse() == Ok(state.control.tenant())
            // The name that was left out: `/adfs/v2.0/…`.
            || (adfs && tenant == "v2.0");
        match known {
            true => Ok(Self { adfs }),
            false => Err(OAuthError::UnknownTenant { tenant: tenant.chars().take(64).collect() }),
        }
    }
}

fn refusal(error: &OAuthError, correlation: &str, now: Timestamp) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = serde_json::to_string(&error.body(correlation, now)).unwrap_or_default();
    tracing::debug!(code = error.code(), %error, "a sign-in was refused");
    let response =
        (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response();
    slowed(response, error)
}

/// Who must wait is told how long: browsers' pages too say 429, so that programs understand them.
fn slowed(mut response: Response, error: &OAuthError) -> Response {
    if let Some(seconds) = error.retry_after_seconds() {
        *response.status_mut() =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn correlation_of(parts: &Parts) -> String {
    parts.extensions.get::<Correlation>().map_or_else(String::new, |c| c.0.to_string())
}

async fn form(parts: &Parts, body: Body) -> Result<Form, OAuthError> {
    let invalid = |why: &str| OAuthError::InvalidRequest { why: why.to_owned() };
    let bytes = read_body(&parts.headers, body, MAX_FORM).await.map_err(|e| invalid(&e.message))?;
    serde_urlencoded::from_bytes(&bytes)
        .map_err(|_| invalid("the body is not a form (application/x-www-form-urlencoded)"))
}

/// A field that may be absent or empty.
fn text<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

fn field<'a>(form: &'a Form, name: &'static str) -> Result<&'a str, OAuthError> {
    Some(text(form, name)).filter(|v| !v.is_empty()).ok_or(OAuthError::MissingParameter { parameter: name })
}

/// What is asked for: `scope`, and what the first form of these endpoints called `resource`.
fn scope(form: &Form) -> String {
    let whole = format!("{} {}", text(form, "scope"), text(form, "resource"));
    whole.trim().chars().take(1024).collect()
}

fn wants_json(parts: &Parts) -> bool {
    parts
        .headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("application/json") && !v.contains("text/html"))
}

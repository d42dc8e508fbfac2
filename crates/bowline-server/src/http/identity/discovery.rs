//! OpenID Connect Discovery 1.0, and the keys (RFC 7517).

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::{State, arm};
use super::{Authority, correlation_of, refusal};

/// The document.
pub(super) async fn document(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match Authority::of(&state, &tenant, &parts) {
        Ok(authority) => arm::json_response(StatusCode::OK, &describe(&state, &authority)),
        Err(error) => refusal(&error, &correlation_of(&parts), state.clock.now()),
    }
}

/// A library goes on with the form of endpoints that it began with.
fn describe(state: &State, authority: &Authority) -> Value {
    let (base, tenant) = (&state.control.settings().public_url, state.control.tenant());
    let endpoint = |name: &str| match authority.adfs {
        true => format!("{base}/adfs/oauth2/{name}"),
        false => format!("{base}/{tenant}/oauth2/v2.0/{name}"),
    };
    json!({
        "issuer": state.control.identity().issuer().url,
        "authorization_endpoint": endpoint("authorize"),
        "token_endpoint": endpoint("token"),
        "device_authorization_endpoint": endpoint("devicecode"),
        "revocation_endpoint": endpoint("revoke"),
        "end_session_endpoint": endpoint("logout"),
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "RS256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": ["iss", "aud", "tid", "oid", "sub", "azp", "name", "preferred_username", "iat", "nbf", "exp"],
        "tenant_region_scope": null,
    })
}

/// JWKS.
pub(super) async fn keys(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let now = state.clock.now();
    match Authority::of(&state, &tenant, &parts) {
        Ok(_) => arm::json_response(StatusCode::OK, &state.control.identity().keys().jwks(now)),
        Err(error) => refusal(&error, &correlation_of(&parts), now),
    }
}

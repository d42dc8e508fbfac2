//! The portal: its files, embedded in the binary, and its sign-in (a code with PKCE, redeemed by the server for a cookie).

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State as Shared};
use axum::response::{IntoResponse, Response};
use bowline_arm::Error;
use bowline_auth::{Secret, pkce};
use bowline_control::identity::PORTAL_CLIENT;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;
use serde_json::json;

use super::context::{COOKIE, PORTAL_HEADER, challenge, cookie, named_cookie};
use super::{State, arm, pages};

/// Carries verifier, state and target of a sign-in under way.
const SIGN_IN_COOKIE: &str = "__Host-bowline-signin";

/// A cookie holds at most 4 KiB; a query's address may be most of it.
const LONGEST_TARGET: usize = 3_500;

/// The built portal; empty when it was not built before the server.
#[derive(RustEmbed)]
#[folder = "../../portal/dist/"]
#[allow_missing = true]
struct Files;

/// 303 to another page of this server.
#[must_use]
pub fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn with_cookie(mut response: Response, name: &str, value: &str, seconds: i64, same_site: &str) -> Response {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age={seconds}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Only pages of the portal are returned to.
fn return_target(query: &HashMap<String, String>) -> String {
    query
        .get("return")
        .filter(|r| {
            r.starts_with("/portal/")
                && !r.contains([';', '\\', ' ', '"', '|'])
                && r.len() < LONGEST_TARGET
                && r.is_ascii()
        })
        .cloned()
        .unwrap_or_else(|| "/portal/".to_owned())
}

/// Begins a sign-in.
pub async fn login(
    Shared(state): Shared<Arc<State>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let (verifier, csrf) = (Secret::generate(""), Secret::generate(""));
    let settings = state.control.settings();
    let mut to = url::form_urlencoded::Serializer::new(String::new());
    to.append_pair("client_id", PORTAL_CLIENT)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", &format!("{}/portal/callback", settings.public_url))
        .append_pair("scope", "openid profile")
        .append_pair("state", csrf.expose())
        .append_pair("code_challenge", &pkce::challenge(verifier.expose()))
        .append_pair("code_challenge_method", "S256");
    let location = format!("/{}/oauth2/v2.0/authorize?{}", state.control.tenant(), to.finish());
    let value = format!("{}|{}|{}", verifier.expose(), csrf.expose(), return_target(&query));
    with_cookie(see_other(&location), SIGN_IN_COOKIE, &value, 600, "Lax")
}

/// Ends a sign-in: the code becomes a session.
pub async fn callback(
    Shared(state): Shared<Arc<State>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let again = |why: &str| pages::message(StatusCode::BAD_REQUEST, "Sign in again", why);
    let parts: Vec<&str> =
        named_cookie(&headers, SIGN_IN_COOKIE).unwrap_or_default().splitn(3, '|').collect();
    let [verifier, csrf, target] = parts[..] else {
        return again(
            "This sign-in was not started in this browser, or it took longer than ten minutes. Open /portal/ to start again.",
        );
    };
    let (Some(code), Some(given)) = (query.get("code"), query.get("state")) else {
        return again("The sign-in did not come back with a code. Open /portal/ to start again.");
    };
    if !bowline_auth::secret::equal(given, csrf) {
        return again("This sign-in belongs to another browser window. Open /portal/ to start again.");
    }
    match state.control.open_portal_session(code, verifier, state.clock.now()).await {
        Ok((session, opened)) => {
            let seconds = opened.expires_on.duration_since(state.clock.now()).as_secs();
            let response = with_cookie(see_other(target), COOKIE, session.expose(), seconds, "Strict");
            with_cookie(response, SIGN_IN_COOKIE, "", 0, "Lax")
        }
        Err(error) => again(&error.to_string()),
    }
}

/// Who is signed in.
pub async fn session(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Response {
    let Some(cookie) = cookie(&headers) else {
        return challenge(&state, Error::unauthenticated("Nobody is signed in."));
    };
    match state.control.authenticate_cookie(cookie, state.clock.now()).await {
        Ok((_, session)) => arm::json_response(
            StatusCode::OK,
            &json!({"tenantId": state.control.tenant(), "objectId": session.object_id, "name": session.name, "username": session.username, "expiresOn": session.expires_on.to_string()}),
        ),
        Err(error) => challenge(&state, error),
    }
}

/// Ends the session.
pub async fn logout(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Response {
    if headers.get(PORTAL_HEADER).is_none_or(|v| v != "1") {
        return challenge(
            &state,
            Error::new(403, "PortalHeaderMissing", "Signing out needs the header X-Bowline-Portal: 1."),
        );
    }
    if let Some(cookie) = cookie(&headers)
        && let Err(error) = state.control.close_portal_session(cookie, state.clock.now()).await
    {
        return challenge(&state, error);
    }
    without_session(StatusCode::NO_CONTENT.into_response())
}

/// The answer that makes the browser forget its session.
#[must_use]
pub fn without_session(response: Response) -> Response {
    with_cookie(response, COOKIE, "", 0, "Strict")
}

/// The portal's page.
pub async fn index(request: Request) -> Response {
    serve("index.html", &request)
}

/// A file of the portal; every other path is a page that the portal's own router knows (names may hold dots).
pub async fn file(Path(path): Path<String>, request: Request) -> Response {
    let page = Files::get(&path).is_none() && !path.starts_with("assets/");
    serve(if page { "index.html" } else { &path }, &request)
}

fn serve(path: &str, request: &Request) -> Response {
    let brotli = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.split(',').any(|c| c.trim().starts_with("br")));
    let packed = Files::get(&format!("{path}.br")).filter(|_| brotli);
    let encoding = packed.is_some().then_some("br");
    let Some(file) = packed.or_else(|| Files::get(path)) else {
        return if path == "index.html" {
            pages::message(
                StatusCode::NOT_FOUND,
                "No portal here",
                "This server was built without the portal. Build it with 'npm ci && npm run build' in portal/, then build the server again. The command line and the API work without it.",
            )
        } else {
            StatusCode::NOT_FOUND.into_response()
        };
    };
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == etag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    // Files under assets/ carry their digest in their name.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, mime.as_ref());
    set(header::CACHE_CONTROL, cache);
    set(header::VARY, "accept-encoding");
    set(header::ETAG, &etag);
    set(header::CONTENT_SECURITY_POLICY, policy_of(path));
    set(header::REFERRER_POLICY, "same-origin");
    if let Some(encoding) = encoding {
        set(header::CONTENT_ENCODING, encoding);
    }
    response
}

/// What a file may do. The language service behind the query editor makes code from text, so that its worker may do that, and nothing else:
/// it has no page, and asks nobody.
fn policy_of(path: &str) -> &'static str {
    if path.starts_with("assets/kusto.worker-") {
        "default-src 'none'; script-src 'self' 'unsafe-eval'"
    } else {
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_worker_of_the_editor_may_make_code_from_text() {
        let worker = policy_of("assets/kusto.worker-B1a2.js");
        assert!(worker.contains("'unsafe-eval'") && worker.contains("default-src 'none'"), "{worker}");
        for page in ["index.html", "assets/index-B1a2.js", "kusto.worker-x.js", "assets/x/kusto.worker-x.js"]
        {
            assert!(!policy_of(page).contains("unsafe"), "{page}");
        }
    }

    #[test]
    fn only_pages_of_the_portal_are_returned_to() {
        let target = |r: &str| return_target(&HashMap::from([("return".to_owned(), r.to_owned())]));
        assert_eq!(target("/portal/clusters/x"), "/portal/clusters/x");
        let query = format!("/portal/query?q={}", "Resources+%7C+".repeat(200));
        assert_eq!(target(&query), query);
        assert_eq!(target(&query.repeat(2)), "/portal/");
        for bad in ["https://evil.example/", "//evil", "/device", "/portal/;x", "/portal/\\x"] {
            assert_eq!(target(bad), "/portal/", "{bad}");
        }
    }
}

//! Around every call: who calls, the one reading of the clock, correlation, latency.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;
use bowline_arm::Error;
use bowline_control::context::OpContext;
use bowline_link::wire::CLUSTER_HEADER;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use super::State;
use super::error::{ApiError, Reason};
use crate::{metrics, trace};

/// The ids of a request, put into its extensions.
#[derive(Clone, Copy, Debug)]
pub struct Correlation(pub Uuid);

/// What an answer of ARM's catch-all was about, for the metrics.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// `arm` or `events`.
    pub route: &'static str,
    /// See [`metrics::Route`].
    pub resource_type: &'static str,
}

/// The portal's cookie.
pub const COOKIE: &str = "__Host-bowline";
/// Proves that a request with the cookie was made by the portal's script and not by a form elsewhere.
pub const PORTAL_HEADER: &str = "x-bowline-portal";

/// Measures and logs a request, and names it in the answer.
pub async fn observe(
    axum::extract::State(state): axum::extract::State<Arc<State>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = tokio::time::Instant::now();
    let correlation = request
        .headers()
        .get("x-ms-correlation-request-id")
        // What the sign-in libraries call it.
        .or_else(|| request.headers().get("client-request-id"))
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok())
        .unwrap_or_else(bowline_auth::random::guid);
    // Clients' own ids come back when they ask for it, as ARM does.
    let echo = request.headers().get("x-ms-return-client-request-id");
    let client_request = request
        .headers()
        .get("x-ms-client-request-id")
        .filter(|v| v.len() <= 128 && echo.is_some_and(|e| e.as_bytes().eq_ignore_ascii_case(b"true")))
        .cloned();
    request.extensions_mut().insert(Correlation(correlation));
    let (route, method) = (route_of(request.uri().path()), method_name(request.method()));
    let under_way = metrics::Counted::up(&state.metrics.under_way);
    let path = request.uri().path().chars().take(256).collect::<String>();
    let parent = trace::Parent::of(request.headers());
    let (name, kind, trace_id) = (Empty, Empty, Empty);
    let span = tracing::info_span!("request", correlation_id = %correlation, method, path, trace_id, otel.name = name, otel.kind = kind);
    trace::begin(&span, parent.as_ref(), method, route, request.uri().path());
    let mut response = trace::within(parent, next.run(request)).instrument(span.clone()).await;
    let elapsed = started.elapsed();
    drop(under_way);
    let status = response.status();
    let served = measure(&state.metrics, route, method, &response, elapsed);
    trace::end(&span, &response, served.resource_type);
    span.in_scope(|| {
        tracing::debug!(
            status = status.as_u16(),
            micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    });
    let headers = response.headers_mut();
    let (request_id, now) = (bowline_auth::random::guid(), state.clock.now());
    for (name, value) in [
        ("x-ms-request-id", request_id.to_string()),
        ("x-ms-correlation-request-id", correlation.to_string()),
        // ARM's form: the region, the moment, the request.
        ("x-ms-routing-request-id", format!("BOWLINE:{}:{request_id}", routing_time(now))),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if let Ok(date) = http_date(now) {
        headers.insert(header::DATE, date);
    }
    if let Some(id) = client_request {
        headers.insert("x-ms-client-request-id", id);
    }
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // For "localhost" a browser would forbid plain HTTP on every other port too.
    if state.control.settings().public_url.contains('.') {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

fn measure(
    metrics: &metrics::Metrics,
    route: &'static str,
    method: &'static str,
    response: &Response,
    elapsed: Duration,
) -> Served {
    let served =
        response.extensions().get().copied().unwrap_or(Served { route, resource_type: metrics::NO_TYPE });
    let Served { route, resource_type } = served;
    let status = response.status().as_u16();
    metrics.requests.get_or_create(&metrics::Request { route, resource_type, method, status }).inc();
    let about = metrics::Route { route, resource_type, method };
    metrics.durations.get_or_create(&about).observe(elapsed.as_secs_f64());
    if let Some(Reason(reason)) = response.extensions().get().copied() {
        metrics.refusals.get_or_create(&metrics::Refusal { reason }).inc();
    }
    served
}

/// `20261123T075342Z`.
fn routing_time(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// By the clock that also judges tokens and assertions: clients measure their own against it.
fn http_date(now: Timestamp) -> Result<HeaderValue, Box<dyn std::error::Error>> {
    Ok(HeaderValue::from_str(&DateTimePrinter::new().timestamp_to_rfc9110_string(&now)?)?)
}

/// The route of a path, for the metrics.
#[must_use]
pub fn route_of(path: &str) -> &'static str {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "agents" | "dataplane" => "agents",
        "portal" => "portal",
        "healthz" | "readyz" | "metrics" => "health",
        "device" | "metadata" | "upstream" => "identity",
        "v1.0" => "graph",
        "v2" => "registry",
        "openapi" => "openapi",
        _ if path.contains("/oauth2/") || path.contains("/discovery/") || path.contains("/.well-known/") => {
            "identity"
        }
        _ => "arm",
    }
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "OTHER",
    }
}

/// Where a request came from, as the socket says.
#[must_use]
pub fn client_address(parts: &Parts) -> String {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(|| "unknown".to_owned(), |c| c.0.ip().to_string())
}

/// Proves the caller and opens the operation's context; says until when the proof holds.
///
/// # Errors
/// 401 with the way to sign in.
pub async fn authenticate(state: &State, parts: &Parts) -> Result<(OpContext, Timestamp), Error> {
    let now = state.clock.now();
    let headers = &parts.headers;
    let (actor, until) = match bearer(headers) {
        Some(token) => state.control.authenticate(token, &client_address(parts), now).await?,
        None => match cookie(headers) {
            Some(cookie) => {
                let safe = matches!(parts.method, Method::GET | Method::HEAD);
                if !safe && headers.get(PORTAL_HEADER).is_none_or(|v| v != "1") {
                    return Err(Error::new(
                        403,
                        "PortalHeaderMissing",
                        "A change that is signed in by the portal's cookie needs the header X-Bowline-Portal: 1.",
                    ));
                }
                let (actor, session) = state.control.authenticate_cookie(cookie, now).await?;
                (actor, session.expires_on)
            }
            None => {
                return Err(Error::unauthenticated(
                    "The request has no access token. Send 'Authorization: Bearer …'; 'bowline token' prints one.",
                ));
            }
        },
    };
    super::gate::enter(parts, &super::budget::principal(&actor)).await?;
    let correlation_id =
        parts.extensions.get::<Correlation>().map_or_else(bowline_auth::random::guid, |c| c.0);
    let replace =
        headers.get("x-bowline-replace").is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"true"));
    let client = Some(client_address(parts));
    // A UID has 36 letters; what is longer is none.
    let cluster = headers.get(CLUSTER_HEADER).and_then(|uid| uid.to_str().ok());
    let cluster = cluster.filter(|uid| (1..=64).contains(&uid.len())).map(str::to_owned);
    Ok((OpContext { actor, correlation_id, now, client, replace, cluster, repeat: None, fence: None }, until))
}

/// The access token of a request.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of the portal's cookie when that is what proves the caller: a token comes first.
#[must_use]
pub fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers).filter(|_| bearer(headers).is_none())
}

/// The value of the portal's cookie.
#[must_use]
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    named_cookie(headers, COOKIE)
}

/// The value of a cookie.
#[must_use]
pub fn named_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then_some(value)
        })
}

/// 401 answers name the authority, as ARM's do: clients find the sign-in by it.
#[must_use]
pub fn challenge(state: &State, error: Error) -> Response {
    use axum::response::IntoResponse as _;
    let (unauthenticated, code) = (error.status == 401, error.code);
    let mut response = ApiError(error).into_response();
    if unauthenticated {
        let value = format!(
            "Bearer authorization_uri=\"{0}/{1}\", realm=\"{0}\", error=\"invalid_token\", error_description=\"{code}\"",
            state.control.settings().public_url,
            state.control.tenant()
        );
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
    }
    response
}

//! `{connectedCluster}/proxy/…`: the Kubernetes API of a cluster, through its agent, for kubectl and its like; and `GET /agents/v1/tunnel`, where the agent's
//! WebSocket arrives (wire.md §2 and §9).
//!
//! # Design notes
//! - Errors are Kubernetes' own `Status`, because that is what these clients show.
//! - The portal's cookie reads, and only for who sends the portal's header too: a script of the portal can, a link, a frame, a form and a script's source cannot, so
//!   that no answer of a cluster becomes a page or a script of the portal's own origin. Answers come in a sandbox besides. It changes nothing and opens no exec.
//! - The path goes on as it came. What has a segment `.` or `..`, encoded or not, is refused: no two parts on the way may understand it differently.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse as _, Response};
use bowline_arm::{Error, ResourceId, Target};
use bowline_control::connect::{Entered, STREAMED, USED};
use bowline_control::context::OpContext;
use bowline_link::wire::RENDEZVOUS_HEADER;
use bowline_tunnel::headers::{self, Identity};
use bowline_tunnel::near::{Asked, NearError};
use bowline_tunnel::{BoxError, carrier, status};
use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use super::State;
use super::agents::{Agent, agent};
use super::context::{PORTAL_HEADER, Served, authenticate, bearer, challenge, session_cookie};
use super::error::ApiError;
use super::events::SESSION_CHECK;
use crate::tunnel::rendezvous;

/// Where the path of the API server begins, counted in segments of the cluster's id.
const ID_SEGMENTS: usize = 8;
/// The segment between the two.
const PROXY: &str = "proxy";
const CLUSTERS: &str = "Microsoft.Kubernetes/connectedClusters";

/// Whether a path leads into a cluster: its bodies are passed on piece by piece and not kept.
#[must_use]
pub fn is_passed_on(path: &str) -> bool {
    split(path).is_some()
}

/// The path of the cluster, and the path in it.
fn split(path: &str) -> Option<(&str, &str)> {
    let mut slashes = path.match_indices('/').map(|(at, _)| at).skip(ID_SEGMENTS);
    let (begin, end) = (slashes.next()?, slashes.next()?);
    let (id, segment, rest) = (&path[..begin], &path[begin + 1..end], &path[end..]);
    let kind = id.rsplit('/').nth(1)?;
    (segment == PROXY && kind == "connectedClusters" && id.starts_with("/subscriptions/"))
        .then_some((id, rest))
}

/// Passes a caller's request on to the API server of a cluster.
pub async fn pass(Shared(state): Shared<Arc<State>>, mut request: Request) -> Response {
    let upgrade = (request.version() < Version::HTTP_2).then(|| hyper::upgrade::on(&mut request));
    let mut response = match passed(&state, request, upgrade).await {
        Ok(response) => response,
        Err(error) => refuse(error),
    };
    response.extensions_mut().insert(Served { route: "tunnel", resource_type: CLUSTERS });
    response
}

/// An error in the words of Kubernetes.
fn refuse(error: Error) -> Response {
    let text = |status, message: &str, after| status::text(status, message, after);
    let (message, after) = (format!("{} ({})", error.message, error.code), error.retry_after);
    let mut response = ApiError(error).into_response();
    *response.body_mut() = Body::from(text(response.status(), &message, after));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn passed(state: &Arc<State>, request: Request, upgrade: Option<OnUpgrade>) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    if bearer(&parts.headers).is_none() && !is_portal_reading(&parts) {
        return Err(Error::unauthenticated(
            "A cluster is reached with 'Authorization: Bearer …'; 'bowline cluster proxy' makes a kubeconfig that sends it. The portal's cookie reads only.",
        ));
    }
    let (context, until) = authenticate(state, &parts).await?;
    let (id, path) = place(&parts.uri)?;
    let entered = state.control.enter_cluster(&context, &id).await;
    let entered = entered.inspect_err(|error| state.control.denials().note(&context, error))?;
    // From here on it may last for hours.
    super::gate::release(&parts);
    let identity = identity(&entered)?;
    let ends = ends(&context, until);
    let stream = state.tunnels.streams.open(&context, &id, entered.cluster.uid, ends)?;
    // What changed before it was counted is seen here, what changes from now on by whoever looks after streams.
    state.control.may_stay(&context, &id).await?;
    let streams = headers::upgrade(&parts.headers).ok().flatten().is_some() && upgrade.is_some();
    tell(state, &context, &id, &entered, streams).await?;
    let body = body.map_err(BoxError::from).boxed_unsync();
    let cut = stream.cut.clone();
    let session = session_cookie(&parts.headers).map(|cookie| watch_session(state, cookie, &cut));
    let sending = async {
        let tunnel = state.tunnels.to(&entered.cluster).await?;
        let held = (stream, Arc::clone(&tunnel), session);
        let sent = tunnel.send(Asked { parts, body, path, upgrade }, &identity, cut.clone(), held).await;
        sent.map_err(|error| broken(&entered.cluster.id, &error))
    };
    let (mut response, held) = cut.run_until_cancelled(sending).await.ok_or_else(withdrawn)??;
    fence(response.headers_mut());
    Ok(match held {
        None => response.map(Body::new),
        Some(held) => response.map(|body| {
            let cut = Box::pin(cut.cancelled_owned());
            Body::new(Watched { body, cut, ended: false, _held: held })
        }),
    })
}

/// Whether a page of the portal asks, and only to read.
fn is_portal_reading(parts: &Parts) -> bool {
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let by_script = parts.headers.get(PORTAL_HEADER).is_some_and(|value| value == "1");
    reads
        && by_script
        && !parts.headers.contains_key(header::UPGRADE)
        && session_cookie(&parts.headers).is_some()
}

/// Cuts a stream that the portal's cookie opened soon after its session has ended, at whichever server. Dropping what it gives ends the watch.
fn watch_session(state: &Arc<State>, cookie: &str, cut: &CancellationToken) -> DropGuard {
    let (state, cookie, cut) = (Arc::clone(state), cookie.to_owned(), cut.clone());
    let over = CancellationToken::new();
    tokio::spawn(over.clone().run_until_cancelled_owned(async move {
        loop {
            tokio::time::sleep(SESSION_CHECK).await;
            // A database that cannot be asked ends nothing.
            if matches!(state.control.portal_session(&cookie, state.clock.now()).await, Ok(None)) {
                return cut.cancel();
            }
        }
    }));
    over.drop_guard()
}

fn withdrawn() -> Error {
    Error::unauthenticated(
        "The right to this cluster was withdrawn, or the sign-in has expired, while the request was under way.",
    )
}

fn broken(id: &str, error: &NearError) -> Error {
    match error {
        NearError::BadUpgrade(_) => Error::bad_request("InvalidUpgrade", format!("{error}.")),
        NearError::BadPath => Error::bad_request("InvalidResourceId", format!("{error}.")),
        NearError::Gone(_) | NearError::NotOpened(_) => {
            let message = format!(
                "The tunnel to '{id}' broke before there was an answer. What was asked may have been done; look, then try again."
            );
            Error::new(502, "TunnelFailed", message).with_context(error)
        }
    }
}

/// The cluster, and what is asked of its API server.
fn place(uri: &http::Uri) -> Result<(ResourceId, PathAndQuery), Error> {
    let bad = |why: &str| Error::bad_request("InvalidResourceId", why.to_owned());
    let (id, rest) = split(uri.path()).ok_or_else(|| bad("The path leads to no cluster."))?;
    let Ok(Target::Resource(id)) = Target::parse(id, false) else {
        return Err(bad("The path before /proxy is no id of a connected cluster."));
    };
    if !id.resource_type().to_string().eq_ignore_ascii_case(CLUSTERS) {
        return Err(bad("The path before /proxy is no id of a connected cluster."));
    }
    if rest.split('/').any(is_dots) {
        return Err(bad("A path with a segment '.' or '..' is not passed on."));
    }
    let text = uri.query().map_or_else(|| rest.to_owned(), |query| format!("{rest}?{query}"));
    let path = text.parse().map_err(|_| bad("The path after /proxy cannot be passed on."))?;
    Ok((id, path))
}

/// Whether a segment is `.` or `..` for somebody on the way, however often it is encoded, and whatever it holds besides.
fn is_dots(segment: &str) -> bool {
    let mut text = segment.to_owned();
    for _ in 0..4 {
        let part = |part: &str| part == "." || part == "..";
        if text.split(['/', '\\', ';']).any(part) {
            return true;
        }
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return false;
        }
        text = decoded;
    }
    // Nobody encodes a name five times.
    true
}

fn identity(entered: &Entered) -> Result<Identity, Error> {
    Identity::new(entered.user.clone(), entered.groups.clone()).map_err(|error| {
        Error::new(403, "NoClusterIdentity", format!("You cannot use a cluster under this name: {error}."))
    })
}

fn ends(context: &OpContext, until: Timestamp) -> Instant {
    let left = Duration::try_from(until.duration_since(context.now)).unwrap_or_default();
    Instant::now() + left.min(Duration::from_secs(86_400))
}

/// The activity log has it before anything is passed on.
async fn tell(
    state: &State,
    context: &OpContext,
    id: &ResourceId,
    entered: &Entered,
    streams: bool,
) -> Result<(), Error> {
    let watch = &state.tunnels.streams;
    if watch.is_new_visit(context, entered.cluster.uid) {
        state.control.record_use(context, id, USED).await?;
        watch.note_visit(context, entered.cluster.uid);
    }
    if streams {
        state.control.record_use(context, id, STREAMED).await?;
    }
    Ok(())
}

/// Whatever a cluster answers, a browser makes nothing of it.
fn fence(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// The body of an answer, until it is cut: then it fails, so that nobody takes a part for the whole.
struct Watched<T> {
    body: bowline_tunnel::Body,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
    _held: T,
}

impl<T: Unpin> HttpBody for Watched<T> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.cut.as_mut().poll(cx).is_ready() {
            self.ended = true;
            return Poll::Ready(Some(Err(
                "the right to this cluster was withdrawn, or the sign-in has expired".into(),
            )));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// `GET /agents/v1/tunnel`: a tunnel arrives.
pub async fn arrive(Shared(state): Shared<Arc<State>>, mut request: Request) -> Response {
    let takeover = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    match arrived(&state, &parts, takeover).await {
        Ok(response) => response,
        Err(error) => challenge(&state, error),
    }
}

async fn arrived(state: &Arc<State>, parts: &Parts, takeover: OnUpgrade) -> Result<Response, Error> {
    let Agent { record, .. } = agent(state, parts).await?;
    let answer = carrier::accept(&parts.headers).filter(|_| parts.version == Version::HTTP_11);
    let answer = answer.ok_or_else(|| {
        Error::new(426, "WebSocketExpected", "A tunnel is a WebSocket, version 13, over HTTP/1.1.")
    })?;
    let id = parts.headers.get(RENDEZVOUS_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let server = rendezvous::server_of(id).ok_or_else(unawaited)?;
    if state.tunnels.is_own(server) {
        let landed = state.tunnels.awaited.take(id, record.uid).ok_or_else(unawaited)?;
        super::gate::release(parts);
        tokio::spawn(async move {
            match takeover.await {
                // Whoever waited may have gone meanwhile; the agent is then told of the next one.
                Ok(upgraded) => drop(landed.send(Box::new(TokioIo::new(upgraded)))),
                Err(error) => tracing::debug!(%error, "a tunnel's connection ended before it began"),
            }
        });
        return Ok((StatusCode::SWITCHING_PROTOCOLS, answer).into_response());
    }
    // Another server waits for it: this one carries the bytes.
    let peers = state.tunnels.peers().ok_or_else(unawaited)?;
    let joined = peers.join(server, record.uid, id).await;
    let mut there = joined.map_err(|error| unawaited().with_context(error))?;
    super::gate::release(parts);
    let (uid, stopping) = (record.uid, state.stopping.clone());
    tokio::spawn(async move {
        match takeover.await {
            Ok(upgraded) => {
                tracing::info!(agent = %uid, %server, "a tunnel for another server is carried");
                bowline_tunnel::join(&mut TokioIo::new(upgraded), &mut there, &stopping).await;
            }
            Err(error) => tracing::debug!(%error, "a tunnel's connection ended before it began"),
        }
    });
    Ok((StatusCode::SWITCHING_PROTOCOLS, answer).into_response())
}

fn unawaited() -> Error {
    Error::new(
        404,
        "TunnelNotAwaited",
        "Nobody waits for this tunnel: its rendezvous was used, is over, or is not this agent's.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/oven";

    #[test]
    fn the_path_of_the_api_server_goes_on_as_it_came() {
        for (after, expected) in [
            ("/proxy/", "/"),
            ("/proxy/api/v1/pods?watch=true&a=%2F", "/api/v1/pods?watch=true&a=%2F"),
            (
                "/proxy/api/v1/namespaces/a/services/http:web:80/proxy/x%2Fy//z",
                "/api/v1/namespaces/a/services/http:web:80/proxy/x%2Fy//z",
            ),
            ("/proxy/proxy/proxy", "/proxy/proxy"),
        ] {
            let uri: http::Uri = format!("{CLUSTER}{after}").parse().unwrap();
            let (id, path) = place(&uri).unwrap();
            assert_eq!((id.as_str(), path.as_str()), (CLUSTER, expected));
            assert!(is_passed_on(uri.path()));
        }
        let spaced: http::Uri = CLUSTER.replace("/g/", "/Plant%207/").parse::<http::Uri>().unwrap();
        assert!(!is_passed_on(spaced.path()));
        for other in [
            CLUSTER,
            &format!("{CLUSTER}/proxy"),
            &format!("{CLUSTER}/listClusterUserCredential"),
            "/proxy/api",
            "/",
            "",
        ] {
            assert!(!is_passed_on(other), "{other}");
        }
        assert!(!is_passed_on(
            &CLUSTER.replace("connectedClusters", "machines").replace("oven", "oven/proxy")
        ));
    }

    #[test]
    fn the_portals_cookie_reads_for_scripts_of_the_portal_only() {
        let asked = |method: Method, headers: &[(&str, &str)]| {
            let cookie =
                http::Request::builder().method(method).uri("/").header("cookie", "__Host-bowline=x");
            let request = headers.iter().fold(cookie, |request, (name, value)| request.header(*name, *value));
            is_portal_reading(&request.body(()).unwrap().into_parts().0)
        };
        let script = (PORTAL_HEADER, "1");
        assert!(asked(Method::GET, &[script]));
        assert!(asked(Method::HEAD, &[script]));
        assert!(!asked(Method::GET, &[]), "a link, a frame and a script's source send no header");
        assert!(!asked(Method::GET, &[(PORTAL_HEADER, "0")]));
        assert!(
            !asked(Method::GET, &[script, ("connection", "upgrade"), ("upgrade", "websocket")]),
            "no exec"
        );
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::CONNECT] {
            assert!(!asked(method.clone(), &[script]), "{method}");
        }
        let nobody = http::Request::builder().header(PORTAL_HEADER, "1").body(()).unwrap();
        assert!(!is_portal_reading(&nobody.into_parts().0));
    }

    #[test]
    fn a_path_that_climbs_is_refused() {
        for after in [
            "/..",
            "/../../../../../../../../../agents/v1/self",
            "/api/%2e%2e/x",
            "/api/.%2E/x",
            "/api/%252e%252e/x",
            "/api/%25252e%25252e/x",
            "/api/x%2f..%2fy",
            "/api/..%5cx",
            "/api/..;a=b/x",
            "/api/./x",
            "/api/%2e",
        ] {
            let uri: http::Uri = format!("{CLUSTER}/proxy{after}").parse().unwrap();
            assert!(place(&uri).is_err(), "{after}");
        }
        for after in ["/api/...", "/api/a..b", "/api/%2e%2ea", "/api/%25"] {
            let uri: http::Uri = format!("{CLUSTER}/proxy{after}").parse().unwrap();
            assert!(place(&uri).is_ok(), "{after}");
        }
    }
}

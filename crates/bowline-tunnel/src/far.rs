//! The agent's end: a server of HTTP/2 over the WebSocket that it opened, which hands each request to what is behind it as the caller.

use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::carrier::{Carrier, Role, Traffic};
use crate::headers::{self, Identity, METHOD};
use crate::status::refusal;
use crate::{Body, BoxError, HEADER_BYTES, PING, PROTOCOL_STREAMS, UP_CONNECTION, UP_WINDOW, empty, join};

/// Bytes that wait for the server, of one stream.
const SEND_BUFFER: usize = 64 << 10;

/// What is behind the agent: an API server.
pub trait Upstream: Send + Sync + 'static {
    /// Sends a request in origin form; an answer of 101 can be taken over by [`hyper::upgrade::on`].
    fn send(&self, request: Request<Body>) -> impl Future<Output = Result<Response<Body>, BoxError>> + Send;
}

/// Serves a tunnel until the server ends it or it is cut.
///
/// # Errors
/// Why it broke.
pub async fn serve<S, U>(io: S, upstream: Arc<U>, cut: CancellationToken) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    U: Upstream,
{
    // Whoever drops this ends everything in it.
    let _guard = cut.clone().drop_guard();
    let carrier = Carrier::new(io, Role::Client, cut.clone(), Arc::new(Traffic::default())).await;
    let service = service_fn(move |request| {
        let (upstream, cut) = (Arc::clone(&upstream), cut.clone());
        async move { Ok::<_, std::convert::Infallible>(answer(&*upstream, request, cut).await) }
    });
    Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(PROTOCOL_STREAMS)
        .initial_stream_window_size(UP_WINDOW)
        .initial_connection_window_size(UP_CONNECTION)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(PING.0)
        .keep_alive_timeout(PING.1)
        .serve_connection(TokioIo::new(carrier), service)
        .await
}

async fn answer<U: Upstream>(
    upstream: &U,
    mut request: Request<Incoming>,
    cut: CancellationToken,
) -> Response<Body> {
    let identity = match Identity::read(request.headers()) {
        Ok(identity) => identity,
        Err(error) => {
            return refusal(StatusCode::FORBIDDEN, &format!("The agent refused the request: {error}."));
        }
    };
    let protocol = request.extensions().get::<Protocol>().cloned();
    let here = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    let asked = match prepare(request, &identity, protocol.as_ref()) {
        Ok(asked) => asked,
        Err(why) => return refusal(StatusCode::BAD_REQUEST, why),
    };
    let mut response = match upstream.send(asked).await {
        Ok(response) => response,
        Err(error) => {
            let why = format!("The agent cannot reach the API server of its cluster: {}.", chain(&*error));
            return refusal(StatusCode::BAD_GATEWAY, &why);
        }
    };
    let Some(here) = here else {
        headers::clean(response.headers_mut());
        return response;
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        if response.status().is_success() {
            let why = format!(
                "The API server answered {} where the protocol was to change.",
                response.status().as_u16()
            );
            return refusal(StatusCode::BAD_GATEWAY, &why);
        }
        headers::clean(response.headers_mut());
        return response;
    }
    let behind = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        let both = async { tokio::try_join!(here, behind) };
        match cut.run_until_cancelled(both).await {
            Some(Ok((here, behind))) => {
                join(&mut TokioIo::new(here), &mut TokioIo::new(behind), &cut).await;
            }
            Some(Err(error)) => tracing::debug!(%error, "an upgrade did not happen"),
            None => {}
        }
    });
    let mut switched = Response::new(empty());
    *switched.headers_mut() = std::mem::take(response.headers_mut());
    headers::clean(switched.headers_mut());
    switched.headers_mut().remove(CONTENT_LENGTH);
    switched
}

/// The request as the API server gets it.
fn prepare(
    request: Request<Incoming>,
    identity: &Identity,
    protocol: Option<&Protocol>,
) -> Result<Request<Body>, &'static str> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri: Uri = path.parse().map_err(|_| "The path is none.")?;
    let carried = parts.headers.get(METHOD).cloned();
    let mut headers = parts.headers;
    headers::clean(&mut headers);
    identity.impersonate(&mut headers);
    let (method, body) = match protocol {
        None if parts.method == Method::CONNECT => return Err("A CONNECT without a protocol."),
        None => (parts.method, body.map_err(Into::into).boxed_unsync()),
        Some(protocol) => {
            let method = match carried.as_ref().map(HeaderValue::as_bytes) {
                Some(b"GET") => Method::GET,
                Some(b"POST") => Method::POST,
                _ => return Err("An upgrade that is neither a GET nor a POST."),
            };
            let protocol = HeaderValue::from_bytes(protocol.as_ref()).map_err(|_| "No protocol.")?;
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, protocol);
            headers.remove(CONTENT_LENGTH);
            if method == Method::POST {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            (method, empty())
        }
    };
    let mut asked = Request::new(body);
    *asked.method_mut() = method;
    *asked.uri_mut() = uri;
    *asked.version_mut() = Version::HTTP_11;
    *asked.headers_mut() = headers;
    Ok(asked)
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

//! The server's end: a client of HTTP/2 over the WebSocket that an agent opened.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::carrier::{Carrier, Role, Traffic};
use crate::headers::{self, BadUpgrade, Identity, METHOD};
use crate::{Body, DOWN_CONNECTION, DOWN_WINDOW, HEADER_BYTES, PING, empty, join};

/// How often it is looked whether the agent's settings have arrived.
const LOOK: Duration = Duration::from_millis(2);

/// Why a tunnel does not carry a request.
#[derive(Debug, thiserror::Error)]
pub enum NearError {
    /// It did not come up.
    #[error("the agent's tunnel did not come up: {0}")]
    NotOpened(String),
    /// It is gone, or broke before there was an answer.
    #[error("the agent's tunnel is gone: {0}")]
    Gone(hyper::Error),
    /// The request asks for several protocols at once, or none that has a name.
    #[error(transparent)]
    BadUpgrade(#[from] BadUpgrade),
    /// The path is none.
    #[error("the path is not one that can be sent")]
    BadPath,
}

/// A caller's request.
#[derive(Debug)]
pub struct Asked {
    /// Its head.
    pub parts: Parts,
    /// Its body.
    pub body: Body,
    /// What it is about, for whom it goes to.
    pub path: PathAndQuery,
    /// Its connection, where that can leave HTTP.
    pub upgrade: Option<OnUpgrade>,
}

/// A tunnel that is up.
#[derive(Debug)]
pub struct Tunnel {
    sender: SendRequest<Body>,
    cut: CancellationToken,
}

impl Tunnel {
    /// Waits until the agent's end speaks HTTP/2 with extended CONNECT.
    ///
    /// # Errors
    /// When it does not within `patience`.
    pub async fn open<S>(io: S, patience: Duration, traffic: Arc<Traffic>) -> Result<Self, NearError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let cut = CancellationToken::new();
        let guard = cut.clone().drop_guard();
        let opening = async {
            let carrier = Carrier::new(io, Role::Server, cut.clone(), traffic).await;
            let (sender, mut connection) = Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(DOWN_WINDOW)
                .initial_connection_window_size(DOWN_CONNECTION)
                .max_header_list_size(HEADER_BYTES)
                .keep_alive_interval(PING.0)
                .keep_alive_timeout(PING.1)
                .keep_alive_while_idle(true)
                .handshake::<_, Body>(TokioIo::new(carrier))
                .await
                .map_err(|error| NearError::NotOpened(error.to_string()))?;
            let (ready, is_ready) = oneshot::channel();
            let ends = cut.clone();
            tokio::spawn(async move {
                // Nothing wakes this future when the agent's settings arrive: another task of hyper's reads them.
                let ended = loop {
                    match timeout(LOOK, &mut connection).await {
                        Ok(ended) => break ended,
                        Err(_) if connection.is_extended_connect_protocol_enabled() => {
                            let _ = ready.send(());
                            break connection.await;
                        }
                        Err(_) => {}
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "a tunnel broke");
                }
                // The streams of a connection that is only dropped would live on.
                ends.cancel();
            });
            is_ready.await.map_err(|_| NearError::NotOpened("the agent closed it".to_owned()))?;
            Ok::<_, NearError>(sender)
        };
        let opened = timeout(patience, opening).await;
        let sender =
            opened.map_err(|_| NearError::NotOpened("the agent said nothing in it".to_owned()))??;
        Ok(Self { sender, cut: guard.disarm() })
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.cut.is_cancelled() || self.sender.is_closed()
    }

    /// Cancelling this ends it.
    #[must_use]
    pub fn ends(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// Sends a caller's request as `identity`. When it asks for an upgrade and gets it, the answer is a 101 and the bytes are carried until either side ends or
    /// `cut` is cancelled; `open` is held as long.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send<T: Send + 'static>(
        &self,
        asked: Asked,
        identity: &Identity,
        cut: CancellationToken,
        open: T,
    ) -> Result<(Response<Body>, Option<T>), NearError> {
        let Asked { parts, body, path, upgrade } = asked;
        let protocol = headers::upgrade(&parts.headers)?;
        let (mut request, switch) = match (protocol, upgrade) {
            (Some(protocol), Some(upgrade)) if parts.version < Version::HTTP_2 => {
                (connect(parts, path, identity, &protocol)?, Some((protocol, upgrade)))
            }
            _ => (ordinary(parts, body, path, identity)?, None),
        };
        *request.version_mut() = Version::HTTP_2;
        let mut sender = self.sender.clone();
        let mut response = sender.send_request(request).await.map_err(NearError::Gone)?;
        let Some((protocol, upgrade)) = switch.filter(|_| response.status() == StatusCode::OK) else {
            headers::clean(response.headers_mut());
            return Ok((response.map(outgoing), Some(open)));
        };
        let behind = hyper::upgrade::on(&mut response);
        let (mut parts, _) = response.into_parts();
        headers::clean(&mut parts.headers);
        parts.status = StatusCode::SWITCHING_PROTOCOLS;
        parts.version = Version::HTTP_11;
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        let value = HeaderValue::from_str(&protocol).map_err(|_| NearError::from(BadUpgrade))?;
        parts.headers.insert(header::UPGRADE, value);
        parts.extensions.clear();
        tokio::spawn(async move {
            let _open = open;
            let both = async { tokio::try_join!(upgrade, behind) };
            match cut.run_until_cancelled(both).await {
                Some(Ok((caller, behind))) => {
                    join(&mut TokioIo::new(caller), &mut TokioIo::new(behind), &cut).await;
                }
                Some(Err(error)) => tracing::debug!(%error, "an upgrade did not happen"),
                None => {}
            }
        });
        Ok((Response::from_parts(parts, empty()), None))
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.cut.cancel();
    }
}

/// An answer broke off. Without its cause: hyper would tell the caller the reason that the tunnel's own stream ended with, which may be none.
#[derive(Debug, thiserror::Error)]
#[error("the tunnel broke in the middle of an answer: {0}")]
struct BrokeOff(String);

fn outgoing(body: Incoming) -> Body {
    body.map_err(|error| BrokeOff(error.to_string()).into()).boxed_unsync()
}

fn target(path: PathAndQuery) -> Result<Uri, NearError> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(Authority::from_static("cluster"));
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|_| NearError::BadPath)
}

fn ordinary(
    parts: Parts,
    body: Body,
    path: PathAndQuery,
    identity: &Identity,
) -> Result<Request<Body>, NearError> {
    if parts.method == Method::CONNECT {
        return Err(BadUpgrade.into());
    }
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = target(path)?;
    *request.headers_mut() = parts.headers;
    headers::clean(request.headers_mut());
    identity.write(request.headers_mut());
    Ok(request)
}

fn connect(
    parts: Parts,
    path: PathAndQuery,
    identity: &Identity,
    protocol: &str,
) -> Result<Request<Body>, NearError> {
    if parts.method != Method::GET && parts.method != Method::POST {
        return Err(BadUpgrade.into());
    }
    let mut request = Request::new(empty());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = target(path)?;
    request.extensions_mut().insert(Protocol::from(protocol));
    *request.headers_mut() = parts.headers;
    headers::clean(request.headers_mut());
    request.headers_mut().remove(CONTENT_LENGTH);
    let method = HeaderValue::from_str(parts.method.as_str()).expect("a method is a token");
    request.headers_mut().insert(METHOD, method);
    identity.write(request.headers_mut());
    Ok(request)
}

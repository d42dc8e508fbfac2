//! A caller over HTTP/1.1, the server that it asks, a tunnel over a WebSocket, the agent, and an API server behind it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bowline_tunnel::carrier::Traffic;
use bowline_tunnel::far::{self, Upstream};
use bowline_tunnel::headers::Identity;
use bowline_tunnel::near::{Asked, Tunnel};
use bowline_tunnel::status::refusal;
use bowline_tunnel::{Body, BoxError, empty};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_util::sync::CancellationToken;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An API server that answers what it was asked, echoes bodies and streams, and changes protocols.
async fn api(mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let upgrade = hyper::upgrade::on(&mut request);
    let asked = request.headers().get(header::UPGRADE).cloned();
    Ok(match (request.uri().path(), asked) {
        ("/switch", Some(protocol)) => {
            let said = format!("{} {:?}", request.method(), request.headers());
            tokio::spawn(async move {
                let mut io = TokioIo::new(upgrade.await.unwrap());
                io.write_all(&u32::try_from(said.len()).unwrap().to_be_bytes()).await.unwrap();
                io.write_all(said.as_bytes()).await.unwrap();
                let mut buffer = [0; 1000];
                while let Ok(read @ 1..) = io.read(&mut buffer).await {
                    io.write_all(&buffer[..read]).await.unwrap();
                }
                // What is said after the other's end still arrives.
                io.write_all(b"bye").await.unwrap();
                io.shutdown().await.unwrap();
            });
            let mut response = Response::new(empty());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            response.headers_mut().insert(header::UPGRADE, protocol);
            response.headers_mut().insert("x-stream-protocol-version", HeaderValue::from_static("v5"));
            response
        }
        ("/no", _) => refusal(StatusCode::FORBIDDEN, "the cluster says no"),
        ("/echo", _) => Response::new(request.into_body().map_err(BoxError::from).boxed_unsync()),
        ("/endless", _) => {
            let chunk = || Ok(hyper::body::Frame::data(Bytes::from_static(&[7; 32 << 10])));
            let stream = futures::stream::repeat_with(chunk);
            Response::new(http_body_util::StreamBody::new(stream).boxed_unsync())
        }
        _ => {
            let mut said = format!("{} {}\n", request.method(), request.uri());
            for (name, value) in request.headers() {
                said.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or("?")));
            }
            let mut response = Response::new(full(said));
            let headers = response.headers_mut();
            headers.insert(header::SET_COOKIE, HeaderValue::from_static("__Host-bowline=stolen"));
            headers.insert("x-tunnel-user", HeaderValue::from_static("admin"));
            headers.insert("audit-id", HeaderValue::from_static("1"));
            response
        }
    })
}

fn serve(io: DuplexStream) {
    let serving = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(io), service_fn(api))
        .with_upgrades();
    tokio::spawn(serving);
}

async fn ask(io: DuplexStream, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
    let (mut sender, connection) =
        hyper::client::conn::http1::Builder::new().max_buf_size(32 << 10).handshake(TokioIo::new(io)).await?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await
}

struct Api;

impl Upstream for Api {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        if request.uri().path() == "/unreachable" {
            return Err("connection refused".into());
        }
        let (here, there) = duplex(64 << 10);
        serve(there);
        Ok(ask(here, request).await?.map(|body| body.map_err(BoxError::from).boxed_unsync()))
    }
}

/// See the module.
pub(crate) struct Scene {
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) traffic: Arc<Traffic>,
    /// Ends the agent.
    pub(crate) agent: CancellationToken,
    /// Cuts the caller's streams.
    pub(crate) cut: CancellationToken,
}

pub(crate) fn ann() -> Identity {
    Identity::new("ann".into(), vec!["bakers".into(), "smiths".into()]).unwrap()
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let (here, there) = duplex(256 << 10);
        let (agent, traffic) = (CancellationToken::new(), Arc::new(Traffic::default()));
        tokio::spawn(far::serve(there, Arc::new(Api), agent.clone()));
        let tunnel = Tunnel::open(here, PATIENCE, Arc::clone(&traffic)).await.unwrap();
        Self { tunnel: Arc::new(tunnel), traffic, agent, cut: CancellationToken::new() }
    }

    /// As a client of the server would.
    pub(crate) async fn call(&self, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
        let (here, there) = duplex(64 << 10);
        let (tunnel, cut) = (Arc::clone(&self.tunnel), self.cut.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (tunnel, cut) = (Arc::clone(&tunnel), cut.clone());
            async move {
                let upgrade = hyper::upgrade::on(&mut request);
                let (parts, body) = request.into_parts();
                let path = parts.uri.path_and_query().unwrap().clone();
                let body = body.map_err(BoxError::from).boxed_unsync();
                let sent =
                    tunnel.send(Asked { parts, body, path, upgrade: Some(upgrade) }, &ann(), cut, ()).await;
                let refused = |error: bowline_tunnel::near::NearError| {
                    refusal(StatusCode::BAD_GATEWAY, &error.to_string())
                };
                Ok::<_, Infallible>(sent.map_or_else(refused, |(response, _)| response))
            }
        });
        let serving = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(there), service)
            .with_upgrades();
        tokio::spawn(serving);
        ask(here, request).await
    }

    pub(crate) async fn text(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.call(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }
}

//! Accepts connections: TLS handshakes behind a semaphore, then HTTP/2 or HTTP/1.1 by ALPN.
//!
//! # Design notes
//! The serving task is spawned after the handshake task has ended, and HTTP/1.1 is chosen by hand instead of by hyper's automatic
//! builder: both were measured to halve the memory of an idle connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::metrics::{Counted, Metrics};

/// Handshakes at once: more would only make all of them late.
const HANDSHAKES: usize = 64;
/// A client that does not finish its handshake or its request head in time is dropped.
const PATIENCE: Duration = Duration::from_secs(15);

/// The stream that a session takes over.
pub type Stream = TlsStream<Socket>;

/// A connection that is counted as long as it is open, whoever holds it.
#[derive(Debug)]
pub struct Socket {
    inner: TcpStream,
    _counted: Counted,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Serves until cancelled, then waits for requests under way.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    metrics: Arc<Metrics>,
    cancel: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors: wait for connections to end instead of spinning.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = socket.set_nodelay(true);
        let socket = Socket { inner: socket, _counted: Counted::up(&metrics.connections) };
        let (acceptor, handshakes, metrics) =
            (acceptor.clone(), Arc::clone(&handshakes), Arc::clone(&metrics));
        let (router, cancel, tracker) = (router.clone(), cancel.clone(), tasks.clone());
        tasks.spawn(async move {
            let Ok(_permit) = handshakes.acquire().await else { return };
            match tokio::time::timeout(PATIENCE, acceptor.accept(socket)).await {
                Ok(Ok(stream)) => {
                    tracker.spawn(connection(stream, peer, router, cancel));
                }
                _ => {
                    metrics.handshake_failures.inc();
                }
            }
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(Duration::from_secs(10), tasks.wait()).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
}

async fn connection(stream: Stream, peer: std::net::SocketAddr, router: Router, cancel: CancellationToken) {
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = TowerToHyperService::new(router.map_request(
        move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        },
    ));
    let outcome = if h2 {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).max_concurrent_streams(200).max_header_list_size(32 * 1024);
        let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = cancel.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    } else {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_headers(100);
        let mut serving =
            std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
        tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = cancel.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "a connection ended");
    }
}

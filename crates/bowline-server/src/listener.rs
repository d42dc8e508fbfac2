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
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::limits::Gates;
use crate::limits::connections::{Last, Place};
use crate::metrics::Metrics;

/// Handshakes at once: more would only make all of them late.
pub(crate) const HANDSHAKES: usize = 64;
/// How long a handshake counts among them: its signature takes a millisecond, and what follows depends on the client.
const TURN: Duration = Duration::from_millis(250);
/// Requests at once on one HTTP/2 connection.
pub(crate) const STREAMS: u32 = 200;
/// Bytes of the head of a request.
pub(crate) const HEAD_BYTES: usize = 64 << 10;
/// Headers of a request on HTTP/1.1.
pub(crate) const HEADERS: usize = 100;
/// A client that takes nothing of what it asked for in this time is cut off.
pub(crate) const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// How often a silent HTTP/2 connection is asked whether it lives, and how long it may take to answer.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(15));

/// The stream that a session takes over.
pub type Stream = TlsStream<Socket>;

/// A connection that is counted as long as it is open, whoever holds it.
#[derive(Debug)]
pub struct Socket {
    inner: TcpStream,
    place: Place,
    /// When a client that takes nothing is cut off.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    /// Lets nobody hold what was prepared for him forever.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(WRITE_PATIENCE)));
        stuck.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
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
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, parts);
        self.watch(cx, written)
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
    gates: Arc<Gates>,
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
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = socket.set_nodelay(true);
        // One that is too many costs no handshake.
        let Some(place) = gates.connections.take() else { continue };
        let socket = Socket { inner: socket, place, stuck: None };
        let patience = gates.limits.head_patience;
        let (acceptor, handshakes, metrics) =
            (acceptor.clone(), Arc::clone(&handshakes), Arc::clone(&metrics));
        let (router, cancel, tracker) = (router.clone(), cancel.clone(), tasks.clone());
        tasks.spawn(async move {
            match handshake(&acceptor, socket, &handshakes, patience).await {
                Ok(stream) => {
                    tracker.spawn(connection(stream, peer, router, patience, cancel));
                }
                Err(error) => {
                    tracing::trace!(%peer, %error, "a handshake failed");
                    metrics.handshake_failures.inc();
                }
            }
        });
    }
    drop(listener);
    tasks.close();
    if timeout(Duration::from_secs(10), tasks.wait()).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
}

/// Shakes hands. Who says nothing takes nobody's turn, and who stalls loses his own.
async fn handshake(
    acceptor: &TlsAcceptor,
    socket: Socket,
    handshakes: &Semaphore,
    patience: Duration,
) -> io::Result<Stream> {
    timeout(patience, socket.inner.readable()).await??;
    let turn = handshakes.acquire().await.map_err(io::Error::other)?;
    let mut accepting = acceptor.accept(socket);
    if let Ok(done) = timeout(TURN, &mut accepting).await {
        return done;
    }
    drop(turn);
    timeout(patience, accepting).await?
}

async fn connection(
    stream: Stream,
    peer: std::net::SocketAddr,
    router: Router,
    patience: Duration,
    cancel: CancellationToken,
) {
    // One of the last connections can be closed by itself.
    let last = stream.get_ref().0.place.last.then(|| Last(cancel.child_token()));
    let cancel = last.as_ref().map_or(cancel, |last| last.0.clone());
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = TowerToHyperService::new(router.map_request(
        move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            last.iter().for_each(|last| drop(request.extensions_mut().insert(last.clone())));
            request
        },
    ));
    let outcome = if h2 {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEAD_BYTES as u32);
        builder.keep_alive_interval(PING.0).keep_alive_timeout(PING.1);
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
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_BYTES);
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

//! A WebSocket as a stream of bytes: binary messages in, binary messages out, counted, and cut at will.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures::{Sink as _, Stream as _};
use http::{HeaderMap, HeaderValue, header};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
pub use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The largest message either end takes.
const MAX_MESSAGE: usize = 1 << 20;
/// The most that is put into one message.
const WRITE: usize = 64 << 10;

/// Bytes that have passed.
#[derive(Debug, Default)]
pub struct Traffic {
    /// That came in.
    pub received: AtomicU64,
    /// That went out.
    pub sent: AtomicU64,
}

/// See the module.
pub struct Carrier<S> {
    socket: WebSocketStream<S>,
    rest: Bytes,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    traffic: Arc<Traffic>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carrier<S> {
    /// Over a connection on which the WebSocket's handshake is done.
    pub async fn new(io: S, role: Role, cut: CancellationToken, traffic: Arc<Traffic>) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE))
            .write_buffer_size(WRITE)
            .max_write_buffer_size(2 * MAX_MESSAGE);
        let socket = WebSocketStream::from_raw_socket(io, role, Some(config)).await;
        Self { socket, rest: Bytes::new(), cut: Box::pin(cut.cancelled_owned()), traffic }
    }

    /// Fails once it was cut.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Carrier<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.check(cx)?;
        while this.rest.is_empty() {
            match ready!(Pin::new(&mut this.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => {
                    this.traffic.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    this.rest = bytes;
                }
                // Answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Ok(_)) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        let length = this.rest.len().min(buffer.remaining());
        buffer.put_slice(&this.rest[..length]);
        this.rest.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Carrier<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.check(cx)?;
        ready!(Pin::new(&mut this.socket).poll_ready(cx)).map_err(io::Error::other)?;
        let part = &bytes[..bytes.len().min(WRITE)];
        let message = Message::Binary(Bytes::copy_from_slice(part));
        Pin::new(&mut this.socket).start_send(message).map_err(io::Error::other)?;
        this.traffic.sent.fetch_add(part.len() as u64, Ordering::Relaxed);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.socket).poll_close(cx).map_err(io::Error::other)
    }
}

/// The headers with which a client asks for a WebSocket, and what the server must answer in `Sec-WebSocket-Accept`.
#[must_use]
pub fn ask() -> (HeaderMap, String) {
    let key = generate_key();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    let value = HeaderValue::from_str(&key).expect("the key is base64");
    headers.insert(header::SEC_WEBSOCKET_KEY, value);
    (headers, derive_accept_key(key.as_bytes()))
}

/// The headers of the 101 to a request for a WebSocket; none when the request is no such thing.
#[must_use]
pub fn accept(request: &HeaderMap) -> Option<HeaderMap> {
    let is = |name, value: &str| {
        request.get(name).is_some_and(|v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    let key = request.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() <= 64)?;
    if !is(header::UPGRADE, "websocket") || !is(header::SEC_WEBSOCKET_VERSION, "13") {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let value = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()?;
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, value);
    Some(headers)
}

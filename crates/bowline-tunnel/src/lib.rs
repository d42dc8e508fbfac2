//! HTTP through an agent's own outbound connection: what both ends of a tunnel do.
//!
//! The agent opens a WebSocket to a server and is the HTTP/2 server inside of it; the Bowline server is the HTTP/2 client. An ordinary request maps one to one.
//! An upgrade (`exec`, `attach`, `port-forward`; WebSocket or SPDY) becomes an extended CONNECT (RFC 8441) that carries the bytes untouched.
//!
//! | module | what it holds |
//! |---|---|
//! | [`carrier`] | the WebSocket as a stream of bytes that can be cut and is counted |
//! | [`near`] | the server's end: sends requests into the tunnel |
//! | [`far`] | the agent's end: hands them to what is behind it, as the caller |
//! | [`headers`] | which headers pass, and how the caller's identity travels |
//! | [`status`] | refusals in the words that Kubernetes' clients read |
//!
//! # Who may say who somebody is
//! A caller's own `Impersonate-*`, `Authorization`, cookies, `X-Remote-*` and `X-Tunnel-*` headers end at [`near`], and once more at [`far`]. The server
//! says who calls in `x-tunnel-user` and `x-tunnel-group`; the agent makes `Impersonate-*` of them. Both refuse a name that begins with `system:`.
//!
//! # Design notes
//! - Dropping hyper's `Connection` leaves its streams alive, so a tunnel ends by its [`carrier`]: cancelled, each read and write of it fails.
//! - The window of the connection is larger than all streams' windows together, so that readers that stand still do not stop the others.
//! - A `content-length` on a CONNECT makes HTTP/2 reset the stream at its first byte (SPDY sends one): it is removed, and the method of the upgrade travels beside.
//! - What answers an upgrade with a 2xx that is no 101 would count as upgraded, and becomes 502.

pub mod carrier;
pub mod far;
pub mod headers;
pub mod near;
pub mod status;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// What a body fails with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of a request or an answer on its way.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Streams that a tunnel carries at once. The server counts and refuses before the protocol would let a stream wait silently.
pub const MAX_STREAMS: u32 = 500;
/// What the protocol allows: more than are ever sent.
const PROTOCOL_STREAMS: u32 = 1024;
/// Bytes that a stream carries towards the server before somebody reads them.
pub const DOWN_WINDOW: u32 = 256 << 10;
/// The same towards the agent, which is small.
pub const UP_WINDOW: u32 = 128 << 10;
/// Bytes of all streams together: more than the windows of as many as there may be.
const DOWN_CONNECTION: u32 = 256 << 20;
const UP_CONNECTION: u32 = 128 << 20;
/// Bytes of the headers of a request or an answer.
const HEADER_BYTES: u32 = 64 << 10;
/// How often either end asks whether the other lives, and how long it may take to answer.
const PING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(10));

/// No bytes.
#[must_use]
pub fn empty() -> Body {
    use http_body_util::BodyExt as _;
    http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Carries bytes both ways until both directions have ended, one breaks, or it is cut. How it ends is no failure of ours: whoever speaks through it knows.
pub async fn join(
    left: &mut (impl AsyncRead + AsyncWrite + Unpin),
    right: &mut (impl AsyncRead + AsyncWrite + Unpin),
    cut: &CancellationToken,
) {
    let ended = cut.run_until_cancelled(tokio::io::copy_bidirectional(left, right)).await;
    match ended {
        Some(Ok((up, down))) => tracing::trace!(up, down, "a stream ended"),
        Some(Err(error)) => tracing::debug!(%error, "a stream broke"),
        None => tracing::debug!("a stream was cut"),
    }
}

//! Tunnels: each is a WebSocket that this agent opens when the server asks for it, and lives beside the session.
//!
//! A tunnel outlives a session that reconnects. It ends when the server ends it, when it breaks, and with the identity: the future that holds them all is
//! dropped when [`run`](super::run()) returns.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bowline_link::{message::Tunnel, wire};
use bowline_tunnel::{Body, BoxError, carrier, far};
use futures::future::BoxFuture;
use http::{Request, Response};
use reqwest::{Method, StatusCode, header};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{client::RequestError, token::TokenError, watch::Uplink};

/// Requests for tunnels that wait.
pub(super) const WAITING: usize = 16;
/// Tunnels at once: one for each server, and those that end.
const MAX_TUNNELS: usize = 16;
/// How long a server may take to answer the handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is behind a tunnel.
pub trait Passage: Send + Sync {
    /// Sends a request in origin form.
    fn send(&self, request: Request<Body>) -> BoxFuture<'_, Result<Response<Body>, BoxError>>;
}

/// A tunnel that the server asks for, and the way to that server.
pub(super) struct Asked {
    pub(super) tunnel: Tunnel,
    pub(super) uplink: Uplink,
}

/// What is behind every tunnel of this agent.
struct Behind(Arc<dyn Passage>);

impl far::Upstream for Behind {
    fn send(&self, request: Request<Body>) -> impl Future<Output = Result<Response<Body>, BoxError>> + Send {
        self.0.send(request)
    }
}

/// Why a tunnel did not open.
#[derive(Debug, thiserror::Error)]
enum TunnelError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the answer was {0} and no WebSocket: something on the way does not pass them on")]
    NoWebSocket(StatusCode),
    #[error("the connection could not be taken over")]
    Upgrade(#[source] reqwest::Error),
}

/// Opens what it is asked for until nobody can ask any more.
pub(super) async fn open_when_asked(mut asked: mpsc::Receiver<Asked>, passage: Option<Arc<dyn Passage>>) {
    let Some(passage) = passage else { return std::future::pending().await };
    let behind = Arc::new(Behind(passage));
    let open = Arc::new(AtomicUsize::new(0));
    let mut tunnels = JoinSet::new();
    loop {
        let next = tokio::select! {
            next = asked.recv() => next,
            Some(_) = tunnels.join_next() => continue,
        };
        let Some(next) = next else { return };
        if tunnels.len() >= MAX_TUNNELS {
            tracing::warn!(most = MAX_TUNNELS, "the server asks for more tunnels than this agent has");
            continue;
        }
        let (behind, open) = (behind.clone(), open.clone());
        tunnels.spawn(async move {
            let stream = match connect(&next).await {
                Ok(stream) => stream,
                Err(error) => {
                    return tracing::warn!(
                        error = crate::home::chain(&error),
                        "a tunnel could not be opened"
                    );
                }
            };
            let now_open = open.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::info!(open = now_open, "a tunnel is open");
            // Dropped with this task, it ends everything in the tunnel.
            let cut = CancellationToken::new();
            let _guard = cut.clone().drop_guard();
            let ended = far::serve(stream, behind, cut).await;
            let left = open.fetch_sub(1, Ordering::Relaxed) - 1;
            let reason =
                ended.err().map_or_else(|| "the server closed it".to_owned(), |error| error.to_string());
            tracing::info!(open = left, reason, "a tunnel has ended");
        });
    }
}

async fn connect(asked: &Asked) -> Result<reqwest::Upgraded, TunnelError> {
    let Asked { tunnel, uplink } = asked;
    let bearer = uplink.tokens.bearer().await?;
    let (headers, accept) = carrier::ask();
    let request = uplink.client.request(Method::GET, wire::TUNNEL_PATH).headers(headers);
    let request = request.bearer_auth(bearer.secret()).header(wire::RENDEZVOUS_HEADER, &tunnel.rendezvous);
    let answer = uplink.client.send(request, PATIENCE).await?;
    let status = answer.status();
    if status.is_client_error() || status.is_server_error() {
        return Err(uplink.client.refusal(answer).await.into());
    }
    let accepted = answer.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    if status != StatusCode::SWITCHING_PROTOCOLS || accepted.is_none_or(|value| value != accept.as_str()) {
        return Err(TunnelError::NoWebSocket(status));
    }
    answer.upgrade().await.map_err(TunnelError::Upgrade)
}

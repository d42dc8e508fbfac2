//! The listener for other servers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bowline_control::fleet::Peer;
use bowline_control::sessions::SummonError;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{AGENT, JOIN, PROTOCOL, Peers, RENDEZVOUS, SUMMON, tls};
use crate::tunnel::{Tunnels, rendezvous};

/// Connections at once that have not said yet who they are.
const STRANGERS: usize = 64;
/// How long a handshake, and the head of a question, may take.
const PATIENCE: Duration = Duration::from_secs(5);

type Answer = Response<Empty<Bytes>>;

/// Serves other servers until cancelled.
pub async fn serve(
    listener: TcpListener,
    peers: Arc<Peers>,
    tunnels: Arc<Tunnels>,
    cancel: CancellationToken,
) {
    let acceptor = match peers.identity.server() {
        Ok(config) => TlsAcceptor::from(config),
        Err(error) => return tracing::error!(%error, "the listener for other servers cannot start"),
    };
    let strangers = Arc::new(Semaphore::new(STRANGERS));
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection of another server could not be accepted");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // One that is too many is closed.
        let Ok(place) = Arc::clone(&strangers).try_acquire_owned() else { continue };
        let (acceptor, peers, tunnels) = (acceptor.clone(), Arc::clone(&peers), Arc::clone(&tunnels));
        let cancel = cancel.clone();
        tokio::spawn(async move {
            let known = timeout(PATIENCE, greet(&acceptor, stream, &peers)).await;
            drop(place);
            match known {
                Ok(Some((stream, peer))) => {
                    let _ = cancel.run_until_cancelled(talk(stream, peer, tunnels)).await;
                }
                _ => tracing::warn!(%from, "somebody who is no server of this database was turned away"),
            }
        });
    }
}

/// Shakes hands and looks up whose certificate it is; none for a stranger.
async fn greet(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    peers: &Peers,
) -> Option<(tokio_rustls::server::TlsStream<TcpStream>, Peer)> {
    stream.set_nodelay(true).ok()?;
    let stream = acceptor.accept(stream).await.ok()?;
    let pin = tls::pin_of(stream.get_ref().1.peer_certificates()?.first()?);
    let known = peers.control.fleet().peers().await.ok()?;
    let peer = known.into_iter().find(|peer| peer.pin == pin)?;
    Some((stream, peer))
}

async fn talk(stream: tokio_rustls::server::TlsStream<TcpStream>, peer: Peer, tunnels: Arc<Tunnels>) {
    let service = service_fn(move |request| {
        let answer = answer(request, &peer, &tunnels);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a question of another server broke off");
    }
}

fn only(status: StatusCode) -> Answer {
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = status;
    answer
}

fn answer(request: Request<Incoming>, peer: &Peer, tunnels: &Tunnels) -> Answer {
    let text = |name: &HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let agent = text(&AGENT).and_then(|agent| agent.parse::<Uuid>().ok());
    let (Some(agent), Some(id)) = (agent, text(&RENDEZVOUS).map(str::to_owned)) else {
        return only(StatusCode::BAD_REQUEST);
    };
    match (request.method(), request.uri().path()) {
        (&Method::POST, SUMMON) => summon(tunnels, peer, agent, id),
        (&Method::GET, JOIN) => join(request, tunnels, agent, &id),
        _ => only(StatusCode::NOT_FOUND),
    }
}

fn summon(tunnels: &Tunnels, peer: &Peer, agent: Uuid, id: String) -> Answer {
    // A server asks for itself only.
    if rendezvous::server_of(&id) != Some(peer.server) {
        return only(StatusCode::FORBIDDEN);
    }
    only(match tunnels.summon_here(agent, id) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(SummonError::NotHere) => StatusCode::NOT_FOUND,
        Err(SummonError::NoTunnels) => StatusCode::CONFLICT,
        Err(SummonError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
    })
}

fn join(mut request: Request<Incoming>, tunnels: &Tunnels, agent: Uuid, id: &str) -> Answer {
    let takeover = hyper::upgrade::on(&mut request);
    let Some(landed) = tunnels.awaited.take(id, agent) else { return only(StatusCode::NOT_FOUND) };
    tokio::spawn(async move {
        match takeover.await {
            Ok(upgraded) => drop(landed.send(Box::new(TokioIo::new(upgraded)))),
            Err(error) => tracing::debug!(%error, "a tunnel of another server ended before it began"),
        }
    });
    let mut answer = only(StatusCode::SWITCHING_PROTOCOLS);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(PROTOCOL));
    answer
}

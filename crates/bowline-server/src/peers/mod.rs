//! What servers ask of each other: to tell an agent that it should open a tunnel, and to hand over the tunnel that arrived (wire.md §10).
//!
//! | file | what it holds |
//! |---|---|
//! | [`tls`] | the certificate of this server, and the pins of others |
//! | [`serve`] | the listener for other servers |
//!
//! # Design notes
//! - One connection for each question: there are as many as tunnels, and a tunnel's connection is the tunnel.
//! - A server believes another one what agent arrived there, because that one has proved the agent. It believes nobody anything about a caller: callers' requests
//!   never pass between servers.

pub mod serve;
pub mod tls;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bowline_control::Control;
use bowline_control::fleet::Peer;
use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use tls::Identity;

/// Which agent it is about.
const AGENT: HeaderName = HeaderName::from_static("x-bowline-agent-uid");
/// Where its tunnel is awaited.
const RENDEZVOUS: HeaderName = HeaderName::from_static("x-bowline-rendezvous");
/// Has an agent told to open a tunnel.
const SUMMON: &str = "/v1/summon";
/// Hands a tunnel over.
const JOIN: &str = "/v1/join";
/// What a connection becomes when a tunnel is handed over.
const PROTOCOL: &str = "bowline-tunnel";
/// How long another server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why another server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It is gone, or has no listener for servers.
    #[error("the server {0} is not there, or was started without --peer-listen")]
    Unknown(Uuid),
    /// The database does not say.
    #[error("the other servers cannot be read")]
    Store(#[from] bowline_store::StoreError),
    /// It does not answer, or is another one.
    #[error("the server {name} at {address} does not answer")]
    Unreachable {
        /// For people.
        name: String,
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// It said no.
    #[error("the server {name} answered {status}")]
    Refused {
        /// For people.
        name: String,
        /// Its answer.
        status: StatusCode,
    },
}

/// This server among those that listen for each other.
pub struct Peers {
    control: Arc<Control>,
    identity: Identity,
}

impl Peers {
    /// With a certificate of its own, which others are told.
    ///
    /// # Errors
    /// When none can be made.
    pub fn new(control: Arc<Control>, address: &str) -> anyhow::Result<Self> {
        let identity = Identity::make()?;
        control.fleet().listen_for_peers(address, &identity.pin);
        Ok(Self { control, identity })
    }

    /// Has another server tell an agent to open a tunnel.
    ///
    /// # Errors
    /// Why it did not.
    pub async fn summon(&self, server: Uuid, agent: Uuid, rendezvous: &str) -> Result<(), PeerError> {
        self.ask(server, Method::POST, SUMMON, agent, rendezvous, StatusCode::NO_CONTENT).await.map(drop)
    }

    /// Hands a tunnel to the server that waits for it: gives what its bytes are to be carried to.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn join(
        &self,
        server: Uuid,
        agent: Uuid,
        rendezvous: &str,
    ) -> Result<TokioIo<Upgraded>, PeerError> {
        let status = StatusCode::SWITCHING_PROTOCOLS;
        let (peer, mut response) = self.ask(server, Method::GET, JOIN, agent, rendezvous, status).await?;
        let upgraded = hyper::upgrade::on(&mut response).await;
        upgraded.map(TokioIo::new).map_err(|error| unreachable(&peer, io::Error::other(error)))
    }

    async fn ask(
        &self,
        server: Uuid,
        method: Method,
        path: &str,
        agent: Uuid,
        rendezvous: &str,
        wanted: StatusCode,
    ) -> Result<(Peer, Response<Incoming>), PeerError> {
        let peers = self.control.fleet().peers().await?;
        let peer = peers.into_iter().find(|peer| peer.server == server);
        let peer = peer.ok_or(PeerError::Unknown(server))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "peer")
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, PROTOCOL)
            .header(AGENT, agent.to_string())
            .header(RENDEZVOUS, rendezvous)
            .body(Empty::<Bytes>::new())
            .map_err(|error| unreachable(&peer, io::Error::other(error)))?;
        let sent = timeout(PATIENCE, self.send(&peer, request)).await;
        let response = sent
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| unreachable(&peer, error))?;
        if response.status() != wanted {
            return Err(PeerError::Refused { name: peer.name, status: response.status() });
        }
        Ok((peer, response))
    }

    async fn send(&self, peer: &Peer, request: Request<Empty<Bytes>>) -> io::Result<Response<Incoming>> {
        let stream = TcpStream::connect(&peer.address).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(self.identity.client(&peer.pin).map_err(io::Error::other)?);
        let stream = connector.connect(tls::name(), stream).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await.map_err(io::Error::other)
    }
}

fn unreachable(peer: &Peer, source: io::Error) -> PeerError {
    PeerError::Unreachable { name: peer.name.clone(), address: peer.address.clone(), source }
}

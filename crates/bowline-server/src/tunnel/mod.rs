//! Tunnels to agents: who waits for one, which are open, who streams through them, and what other servers do for it.
//!
//! | file | what it holds |
//! |---|---|
//! | [`rendezvous`] | tunnels that are awaited: a one-time id, good for one agent |
//! | [`open`] | tunnels that are open: one per agent, made when somebody needs it |
//! | [`streams`] | requests under way through them: counted, looked at again, cut |
//!
//! # Design notes
//! - The server that a caller asks is the one that waits for the tunnel and speaks through it. It has the agent told by whichever server holds its session; on
//!   whichever the agent's WebSocket lands, that one carries the bytes to it. So no server ever acts on what another says of a caller.
//! - A tunnel takes new requests for [`open::FRESH`]; later ones open another, with a new proof of the agent. It ends when it is idle, when the agent's key is
//!   replaced, and when the resource is deleted.

pub mod open;
pub mod rendezvous;
pub mod streams;

use std::sync::{Arc, OnceLock};

use bowline_control::Control;
use bowline_control::sessions::SummonError;
use bowline_tunnel::carrier::Traffic;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use crate::limits::Gates;
use crate::peers::Peers;

/// What an agent's bytes come over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// How many tunnels and streams there are, and what has passed.
#[derive(Debug, Default)]
pub struct Figures {
    /// Tunnels that are open.
    pub open: Gauge,
    /// Requests under way through them.
    pub streams: Gauge,
    /// Bytes.
    pub traffic: Arc<Traffic>,
}

impl Figures {
    /// Requests under way.
    #[must_use]
    pub fn streams(&self) -> usize {
        usize::try_from(self.streams.get()).unwrap_or_default()
    }
}

/// See the module.
pub struct Tunnels {
    control: Arc<Control>,
    /// Tunnels that are awaited here.
    pub awaited: rendezvous::Awaited,
    /// Requests under way.
    pub streams: Arc<streams::Streams>,
    figures: Arc<Figures>,
    open: open::Open,
    /// How other servers are asked, when there can be some.
    peers: OnceLock<Arc<Peers>>,
}

impl Tunnels {
    /// None is open.
    #[must_use]
    pub fn new(control: Arc<Control>, gates: &Gates) -> Self {
        let streams = Arc::new(streams::Streams::new(Arc::clone(&control), gates));
        let figures = Arc::clone(&gates.tunnels);
        let awaited = rendezvous::Awaited::new(control.fleet().member().id);
        Self { control, awaited, streams, figures, open: open::Open::default(), peers: OnceLock::new() }
    }

    /// From now on other servers can be asked.
    pub fn ask_through(&self, peers: Arc<Peers>) {
        let _ = self.peers.set(peers);
    }

    /// How other servers are asked.
    #[must_use]
    pub fn peers(&self) -> Option<&Arc<Peers>> {
        self.peers.get()
    }

    /// Has an agent of this server told to open a tunnel.
    ///
    /// # Errors
    /// Why it is not.
    pub fn summon_here(&self, agent: Uuid, rendezvous: String) -> Result<(), SummonError> {
        self.control.sessions().summon(agent, rendezvous)
    }

    /// Whether this id is of a tunnel that this server waits for, if it is one at all.
    #[must_use]
    pub fn is_own(&self, server: Uuid) -> bool {
        self.control.fleet().member().id == server
    }
}

//! What this server takes at once, and what it answers beyond: settings, the gates that hold them, and the reference page.
//!
//! # Design notes
//! - Load is refused where it is cheapest to refuse: a connection before its handshake, a request before its caller is proved when the house
//!   is full, and before its body is read when its caller has too many under way. What was let in is finished.
//! - Who asks for much waits behind himself: each principal has a line of its own, and the lines take turns ([`admission`]).
//! - An eighth of the connections is kept for agents, whose reports and sessions must get through a rush of clients.

pub mod admission;
pub mod connections;
mod page;
pub mod share;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use bowline_control::fleet::Used;
use bowline_control::query::Bounds;
use clap::Args;
use serde::Deserialize;

pub use page::page;
pub use streams::Open;

/// Requests may wait in all lines together, for each that may be under way.
const WAITING: usize = 4;
/// Requests may be in the house, for each that may be under way: those under way, those that wait, and those whose caller is not proved yet.
const INSIDE: usize = WAITING + 2;
/// Files that are none of the connections: databases, logs, certificates.
const OTHER_FILES: u64 = 256;
/// More would need more memory for their sessions than most hosts have.
const MOST_CONNECTIONS: u64 = 50_000;

/// What a server takes at once. In the file these are keys of the table `[limits]`.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitOptions {
    /// Connections at once, an eighth of them for agents only [default: the open files that the host allows, less 256; at most 50000].
    #[arg(long, env = "BOWLINE_MAX_CONNECTIONS")]
    max_connections: Option<usize>,
    /// Requests under way at once; four times as many may wait [default: 1024].
    #[arg(long, env = "BOWLINE_MAX_REQUESTS")]
    max_requests: Option<usize>,
    /// Requests of one principal under way at once [default: three quarters of --max-requests].
    #[arg(long, env = "BOWLINE_MAX_REQUESTS_PER_PRINCIPAL")]
    max_requests_per_principal: Option<usize>,
    /// Requests of one principal that wait [default: as many as --max-requests].
    #[arg(long, env = "BOWLINE_MAX_WAITING_PER_PRINCIPAL")]
    max_waiting_per_principal: Option<usize>,
    /// Event streams of one principal [default: 64].
    #[arg(long, env = "BOWLINE_MAX_STREAMS_PER_PRINCIPAL")]
    max_streams_per_principal: Option<usize>,
    /// Streams through tunnels to clusters [default: 2000].
    #[arg(long, env = "BOWLINE_MAX_TUNNEL_STREAMS")]
    max_tunnel_streams: Option<usize>,
    /// Streams through tunnels of one principal [default: 256].
    #[arg(long, env = "BOWLINE_MAX_TUNNEL_STREAMS_PER_PRINCIPAL")]
    max_tunnel_streams_per_principal: Option<usize>,
    /// Queries that run at once, of one principal one less; a hundred times as many may wait [default: 4].
    #[arg(long, env = "BOWLINE_MAX_QUERIES")]
    max_queries: Option<usize>,
    /// Seconds that a query may run, and that one waits for its turn [default: 30].
    #[arg(long, env = "BOWLINE_QUERY_SECONDS")]
    query_seconds: Option<u64>,
    /// Memory that one query may hold, in MiB [default: 1024].
    #[arg(long, env = "BOWLINE_QUERY_MEMORY_MIB")]
    query_memory_mib: Option<usize>,
    /// Memory for the bodies of all requests under way, in MiB [default: 256].
    #[arg(long, env = "BOWLINE_BODY_MEMORY_MIB")]
    body_memory_mib: Option<usize>,
    /// Seconds for a TLS handshake and for the head of a request [default: 15].
    #[arg(long, env = "BOWLINE_HEAD_SECONDS")]
    head_seconds: Option<u64>,
    /// Seconds for the body of a request, and one more for each 64 KiB that have come [default: 30].
    #[arg(long, env = "BOWLINE_BODY_SECONDS")]
    body_seconds: Option<u64>,
}

impl LimitOptions {
    /// These, and those of the file where these say nothing.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        Self {
            max_connections: self.max_connections.or(file.max_connections),
            max_requests: self.max_requests.or(file.max_requests),
            max_requests_per_principal: self.max_requests_per_principal.or(file.max_requests_per_principal),
            max_waiting_per_principal: self.max_waiting_per_principal.or(file.max_waiting_per_principal),
            max_streams_per_principal: self.max_streams_per_principal.or(file.max_streams_per_principal),
            max_tunnel_streams: self.max_tunnel_streams.or(file.max_tunnel_streams),
            max_tunnel_streams_per_principal: self
                .max_tunnel_streams_per_principal
                .or(file.max_tunnel_streams_per_principal),
            max_queries: self.max_queries.or(file.max_queries),
            query_seconds: self.query_seconds.or(file.query_seconds),
            query_memory_mib: self.query_memory_mib.or(file.query_memory_mib),
            body_memory_mib: self.body_memory_mib.or(file.body_memory_mib),
            head_seconds: self.head_seconds.or(file.head_seconds),
            body_seconds: self.body_seconds.or(file.body_seconds),
        }
    }

    /// The limits that hold on a host that allows so many open files.
    ///
    /// # Errors
    /// When one makes no sense.
    pub fn resolve(&self, files: Option<u64>) -> anyhow::Result<Limits> {
        let usual = Limits::default();
        let requests = self.max_requests.unwrap_or(usual.requests);
        let files = files.map_or(MOST_CONNECTIONS, |files| files.saturating_sub(OTHER_FILES));
        let connections = usize::try_from(files.clamp(64, MOST_CONNECTIONS)).unwrap_or(usual.connections);
        let limits = Limits {
            connections: self.max_connections.unwrap_or(connections),
            requests,
            requests_per_principal: self.max_requests_per_principal.unwrap_or((requests * 3 / 4).max(1)),
            waiting_per_principal: self.max_waiting_per_principal.unwrap_or(requests),
            streams_per_principal: self.max_streams_per_principal.unwrap_or(usual.streams_per_principal),
            tunnel_streams: self.max_tunnel_streams.unwrap_or(usual.tunnel_streams),
            tunnel_streams_per_principal: self
                .max_tunnel_streams_per_principal
                .unwrap_or(usual.tunnel_streams_per_principal),
            queries: Bounds {
                at_once: self.max_queries.unwrap_or(usual.queries.at_once),
                time: self.query_seconds.map_or(usual.queries.time, Duration::from_secs),
                bytes: self.query_memory_mib.map_or(usual.queries.bytes, |mib| mib << 20),
                ..usual.queries
            },
            body_memory: self.body_memory_mib.map_or(usual.body_memory, |mib| mib << 20),
            head_patience: self.head_seconds.map_or(usual.head_patience, Duration::from_secs),
            body_patience: self.body_seconds.map_or(usual.body_patience, Duration::from_secs),
        };
        let zero = [
            requests,
            limits.requests_per_principal,
            limits.waiting_per_principal,
            limits.streams_per_principal,
            limits.tunnel_streams,
            limits.tunnel_streams_per_principal,
            limits.queries.at_once,
            limits.queries.bytes,
            limits.body_memory,
        ];
        if zero.contains(&0) || limits.connections < 8 {
            bail!(
                "max-connections must be 8 or more, and max-requests, max-requests-per-principal, max-waiting-per-principal, \
                 max-streams-per-principal, max-tunnel-streams, max-tunnel-streams-per-principal, max-queries, query-memory-mib and \
                 body-memory-mib 1 or more"
            );
        }
        let times = [limits.head_patience, limits.body_patience, limits.queries.time];
        if times.iter().any(|time| !(1..=3600).contains(&time.as_secs())) {
            bail!("head-seconds, body-seconds and query-seconds must be 1 to 3600");
        }
        Ok(limits)
    }
}

/// See [`LimitOptions`].
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Requests under way at once.
    pub requests: usize,
    /// Of one principal.
    pub requests_per_principal: usize,
    /// Requests of one principal that wait.
    pub waiting_per_principal: usize,
    /// Event streams of one principal.
    pub streams_per_principal: usize,
    /// Streams through tunnels.
    pub tunnel_streams: usize,
    /// Of one principal.
    pub tunnel_streams_per_principal: usize,
    /// Queries.
    pub queries: Bounds,
    /// Bytes of the bodies of requests under way.
    pub body_memory: usize,
    /// For a handshake and for the head of a request.
    pub head_patience: Duration,
    /// For the body of a request.
    pub body_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 50_000,
            requests: 1024,
            requests_per_principal: 768,
            waiting_per_principal: 1024,
            streams_per_principal: 64,
            tunnel_streams: 2000,
            tunnel_streams_per_principal: 256,
            queries: Bounds { taken: crate::meter::taken, ..Bounds::default() },
            body_memory: 256 << 20,
            head_patience: Duration::from_secs(15),
            body_patience: Duration::from_secs(30),
        }
    }
}

/// What holds the limits.
pub struct Gates {
    /// The settings.
    pub limits: Limits,
    /// Connections.
    pub connections: Arc<connections::Connections>,
    /// Requests of proved callers.
    pub admission: Arc<admission::Admission>,
    /// Everything that was let in.
    pub(crate) inside: share::Inside,
    /// Event streams.
    pub streams: streams::Streams,
    /// Tunnels to clusters, and what goes through them.
    pub tunnels: Arc<crate::tunnel::Figures>,
}

impl Gates {
    /// Open ones.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            connections: Arc::new(connections::Connections::new(limits.connections)),
            admission: Arc::new(admission::Admission::new(&limits)),
            inside: share::Inside::default(),
            streams: streams::Streams::new(limits.streams_per_principal),
            tunnels: Arc::default(),
            limits,
        })
    }

    /// How much of each limit is used.
    #[must_use]
    pub fn used(&self) -> Vec<Used> {
        let (under_way, waiting) = self.admission.load();
        [
            ("connections", self.connections.open(), self.limits.connections),
            ("requests under way", under_way, self.limits.requests),
            ("requests that wait", waiting, self.limits.requests * WAITING),
            ("requests inside", self.inside.requests(), self.limits.requests * INSIDE),
            ("bytes of request bodies", self.inside.bytes(), self.limits.body_memory),
            ("streams through tunnels", self.tunnels.streams(), self.limits.tunnel_streams),
        ]
        .map(|(name, used, limit)| Used { name, used: used as u64, limit: limit as u64 })
        .into()
    }
}

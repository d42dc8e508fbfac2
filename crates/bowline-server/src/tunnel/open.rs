//! Tunnels that are open: one per agent, made when somebody needs it, by one of those who need it while the others wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bowline_arm::Error;
use bowline_control::providers::registered_key;
use bowline_control::sessions::SummonError;
use bowline_store::Record;
use bowline_tunnel::near::Tunnel;
use http::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::Tunnels;
use crate::metrics::Counted;
use crate::peers::PeerError;

/// How long an agent may take from being told until its tunnel is up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a tunnel takes new requests.
pub const FRESH: Duration = Duration::from_secs(30 * 60);
/// How long one without a request stays.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How soon an agent that changes servers is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a failure is told to those who ask next.
const FAILED: Duration = Duration::from_secs(1);

/// A tunnel and since when it is there.
#[derive(Clone)]
struct Current {
    tunnel: Arc<Tunnel>,
    opened: Instant,
    used: Instant,
}

#[derive(Default)]
struct Agent {
    current: Option<Current>,
    /// Those that take no new requests.
    older: Vec<Arc<Tunnel>>,
    failed: Option<(Instant, Error)>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Open {
    agents: Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<Agent>>>>,
}

impl Open {
    fn agents(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<tokio::sync::Mutex<Agent>>>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agent {
    fn usable(&mut self, now: Instant) -> Option<Arc<Tunnel>> {
        if let Some(current) = self.current.as_mut()
            && !current.tunnel.is_gone()
            && now < current.opened + FRESH
        {
            current.used = now;
            return Some(Arc::clone(&current.tunnel));
        }
        // What streams through the old one goes on.
        self.older.extend(self.current.take().map(|current| current.tunnel));
        None
    }

    /// Closes what nobody uses; true when there is nothing left.
    fn tidy(&mut self, now: Instant) -> bool {
        self.older.retain(|tunnel| !tunnel.is_gone() && Arc::strong_count(tunnel) > 1);
        self.current.take_if(|current| {
            let idle = Arc::strong_count(&current.tunnel) == 1 && now >= current.used + IDLE;
            current.tunnel.is_gone() || idle
        });
        self.current.is_none() && self.older.is_empty()
    }
}

impl Tunnels {
    /// The tunnel to a cluster's agent; opens it when there is none. Whoever streams through it holds it.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn to(&self, cluster: &Record) -> Result<Arc<Tunnel>, Error> {
        let slot = Arc::clone(self.open.agents().entry(cluster.uid).or_default());
        let mut agent = slot.lock().await;
        let now = Instant::now();
        if let Some(tunnel) = agent.usable(now) {
            return Ok(tunnel);
        }
        if let Some((at, error)) = &agent.failed
            && now < *at + FAILED
        {
            return Err(error.clone());
        }
        match self.open(cluster).await {
            Ok(tunnel) => {
                let tunnel = Arc::new(tunnel);
                let now = Instant::now();
                agent.failed = None;
                agent.current = Some(Current { tunnel: Arc::clone(&tunnel), opened: now, used: now });
                Ok(tunnel)
            }
            Err(error) => {
                agent.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn open(&self, cluster: &Record) -> Result<Tunnel, Error> {
        let until = Instant::now() + PATIENCE;
        let mut awaiting = self.awaited.begin(cluster.uid).ok_or_else(|| {
            Error::new(503, "ServerBusy", "This server waits for as many tunnels as it may. Try again.")
                .with_retry_after(2)
        })?;
        self.summon(cluster, awaiting.id.clone(), until).await?;
        let landed = tokio::time::timeout_at(until, &mut awaiting.landed).await;
        let landed = landed.map_err(|_| late(cluster))?.map_err(|_| late(cluster))?;
        let tunnel =
            Tunnel::open(landed, PATIENCE, Arc::clone(&self.figures.traffic)).await.map_err(|error| {
                Error::new(
                    502,
                    "TunnelFailed",
                    format!(
                        "The agent of '{}' opened a tunnel that does not work: {error}. Try again.",
                        cluster.id
                    ),
                )
                .with_context(error)
            })?;
        self.tie(cluster, &tunnel).await?;
        let (counted, ends) = (Counted::up(&self.figures.open), tunnel.ends());
        tokio::spawn(async move {
            ends.cancelled().await;
            drop(counted);
        });
        tracing::info!(cluster = cluster.id, "a tunnel is open");
        Ok(tunnel)
    }

    /// The tunnel lives as long as the agent has the key that it has now.
    async fn tie(&self, cluster: &Record, tunnel: &Tunnel) -> Result<(), Error> {
        let unreadable = |error| {
            Error::unavailable("The database cannot be read right now. Try again.", 2).with_context(error)
        };
        let record = self.control.store().get(&cluster.key).await.map_err(unreadable)?;
        let record = record.filter(|record| record.uid == cluster.uid);
        let record = record.ok_or_else(|| Error::resource_not_found(&cluster.id))?;
        let document: Value = serde_json::from_str(&record.document).map_err(Error::internal)?;
        self.control.sessions().tie(cluster.uid, registered_key(&document), tunnel.ends());
        Ok(())
    }

    /// Has the agent told, by whoever holds its session; one that changes servers in this moment is looked for again.
    async fn summon(&self, cluster: &Record, rendezvous: String, until: Instant) -> Result<(), Error> {
        loop {
            let failed = match self.summon_here(cluster.uid, rendezvous.clone()) {
                Ok(()) => return Ok(()),
                Err(SummonError::NoTunnels) => return Err(no_tunnels(&cluster.id)),
                Err(SummonError::Busy) => return Err(late(cluster)),
                Err(SummonError::NotHere) => self.summon_elsewhere(cluster, &rendezvous).await?,
            };
            let Some(failed) = failed else { return Ok(()) };
            if Instant::now() + LOOK_AGAIN >= until {
                return Err(failed);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Asks the server that holds the session; gives why that failed when it may be different in a moment.
    async fn summon_elsewhere(&self, cluster: &Record, rendezvous: &str) -> Result<Option<Error>, Error> {
        let found = self.control.fleet().find(cluster.uid).await.map_err(|error| {
            Error::unavailable("The database cannot be read right now. Try again.", 2).with_context(error)
        })?;
        let Some(found) = found else { return Err(away(&cluster.id)) };
        let Some(server) = found.server.filter(|server| !self.is_own(*server)) else {
            return Ok(Some(away(&cluster.id)));
        };
        let Some(peers) = self.peers() else { return Err(no_peers(&cluster.id)) };
        match peers.summon(server, cluster.uid, rendezvous).await {
            Ok(()) => Ok(None),
            Err(PeerError::Refused { status: StatusCode::CONFLICT, .. }) => Err(no_tunnels(&cluster.id)),
            Err(error) => {
                tracing::debug!(%error, "another server did not tell its agent to open a tunnel");
                let message = format!(
                    "The agent of '{}' is connected to another server, which did not do what it was asked: {error}. Try again.",
                    cluster.id
                );
                Ok(Some(Error::unavailable(message, 2).with_context(error)))
            }
        }
    }

    /// Closes what nobody uses, from time to time.
    pub(super) fn tidy(&self) {
        let now = Instant::now();
        self.open.agents().retain(|_, slot| {
            // Whoever holds it is using it.
            let empty = slot.try_lock().is_ok_and(|mut agent| {
                agent.tidy(now) && agent.failed.take_if(|(at, _)| now < *at + FAILED).is_none()
            });
            !empty || Arc::strong_count(slot) > 1
        });
    }

    /// Looks after tunnels and streams until cancelled; then ends all.
    pub async fn look_after(&self, cancel: &tokio_util::sync::CancellationToken) {
        let streams = self.streams.look_after(cancel);
        let tidying = async {
            while timeout(Duration::from_secs(5), cancel.cancelled()).await.is_err() {
                self.tidy();
            }
        };
        tokio::join!(streams, tidying);
        self.open.agents().clear();
    }
}

fn away(id: &str) -> Error {
    let message = format!(
        "The agent of '{id}' is not connected, so nothing can reach the cluster. 'bowline cluster show' says since when; look at the pod bowline-agent in its cluster."
    );
    Error::new(503, "AgentNotConnected", message).with_retry_after(5)
}

fn no_peers(id: &str) -> Error {
    let message = format!(
        "The agent of '{id}' is connected to another server, and this one was started without --peer-listen, so it cannot ask it. Give every server --peer-listen."
    );
    Error::new(503, "PeersNotConfigured", message)
}

fn no_tunnels(id: &str) -> Error {
    let message = format!(
        "The agent of '{id}' opens no tunnels: it is older than they are, or was told not to (clusterconnect-agent.enabled in its chart). Update it, or use a kubeconfig of the cluster itself."
    );
    Error::conflict("TunnelsNotSupported", message)
}

fn late(cluster: &Record) -> Error {
    let message = format!(
        "The agent of '{}' was told to open a tunnel and none arrived within {} s. Its log says why; a proxy that does not pass WebSockets on is the usual reason.",
        cluster.id,
        PATIENCE.as_secs()
    );
    Error::new(504, "TunnelNotOpened", message).with_retry_after(2)
}

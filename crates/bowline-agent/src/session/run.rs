//! The session's life: connects, reconnects with back-off, follows the server to another endpoint, and stops when the
//! resource is gone or another instance has taken its place.

use std::{sync::Arc, time::Duration};

use bowline_link::{
    Moment,
    backoff::Backoff,
    item::{DesiredDocument, Endpoint, kind},
    message::EndReason,
    wire,
};
use reqwest::Method;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    budget::Meter,
    channel::SessionEnd,
    client::{Client, RequestError},
    report::ReportLoop,
    rotate,
    status::StatusBoard,
    token::{TokenError, Tokens},
    tunnel::{self, Passage},
    watch::{Watch, WatchEnd},
};
use crate::{
    clock,
    home::{Enrolment, Home, HomeError},
    ledger::{Ledger, LedgerError},
};

/// What a session needs.
pub struct SessionConfig {
    pub home: Arc<dyn Home>,
    pub ledger: Box<dyn Ledger>,
    /// The name of what this role observes: `inventory`.
    pub source: String,
    /// Random per boot and state: a second one with the same key is a clone.
    pub instance: String,
    pub role: SessionEnd,
    pub status: StatusBoard,
    pub stop: CancellationToken,
    /// What is behind tunnels; without it the agent opens none.
    pub passage: Option<Arc<dyn Passage>>,
    /// A client that many sessions of one process share; made from the enrolment when absent.
    pub client: Option<Arc<Client>>,
}

/// Why a session ended for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The process was told to stop.
    Stopped,
    /// The resource was deleted.
    Deleted { message: String },
    /// Another instance uses the same identity: this one is the clone, or was cloned.
    Replaced { message: String },
}

/// Why a session could not even start.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("this agent is not connected to a server: run connect first")]
    NotEnrolled,
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Runs a session until the process stops or the server ends it for good.
pub async fn run(config: SessionConfig) -> Result<Outcome, SessionError> {
    let SessionConfig { home, mut ledger, source, instance, role, status, stop, passage, client } = config;
    let SessionEnd { reports, orders } = role;
    let enrolment = home.enrolment().await?.ok_or(SessionError::NotEnrolled)?;
    let document = Arc::new(ledger.load().await?.unwrap_or_default());
    let meter = Arc::new(Meter::new(orders.clone(), status.clone()));
    if document.generation > 0 {
        meter.follow(&document);
        status.update(|status| {
            status.epoch = Some(document.epoch);
            status.generation = document.generation;
        });
        orders.desired(document.clone());
    }
    orders.send_everything("the agent has started");

    let (uplink, uplink_out) = watch::channel(None);
    let (resyncs, resyncs_out) = mpsc::unbounded_channel();
    let (tunnels, tunnels_out) = mpsc::channel(tunnel::WAITING);
    let tunnels = passage.is_some().then_some(tunnels);
    let watch = Watch {
        ledger,
        document,
        instance,
        orders: orders.clone(),
        status: status.clone(),
        meter: meter.clone(),
        uplink,
        resyncs,
        tunnels,
        stop: stop.clone(),
        fallback_until: None,
        ask_whole: false,
    };
    let reporting =
        ReportLoop::new(&source, orders, status.clone(), meter).run(reports, resyncs_out, uplink_out.clone());
    let rotating = rotate::keep_key_fresh(home.clone(), uplink_out, status.clone());
    let tunnelling = tunnel::open_when_asked(tunnels_out, passage);
    let side_work = async { tokio::join!(reporting, rotating, tunnelling) };
    let endpoints = match client {
        Some(client) => Endpoints::over(client, &enrolment, &home),
        None => Endpoints::new(&enrolment, &home)?,
    };
    let watching =
        Connections { home, enrolment, watch, status, stop, clone_patience: ClonePatience::default() }
            .keep(endpoints);
    tokio::select! {
        outcome = watching => outcome,
        // It ends only when the role is gone, which is when the process stops.
        _ = side_work => Ok(Outcome::Stopped),
    }
}

/// How long another instance with the same key is put up with. A host that was reset finds its own old session still there
/// until three keep-alives were missed; after that it can only be a clone.
const CLONE_PATIENCE: Duration = Duration::from_secs(150);
/// How often it is looked again meanwhile.
const CLONE_LOOK: Duration = Duration::from_secs(15);

/// A client with the tokens for it.
struct Endpoints {
    client: Arc<Client>,
    tokens: Arc<Tokens>,
}

impl Endpoints {
    fn new(enrolment: &Enrolment, home: &Arc<dyn Home>) -> Result<Self, RequestError> {
        Ok(Self::over(Arc::new(Client::new(enrolment)?), enrolment, home))
    }

    fn over(client: Arc<Client>, enrolment: &Enrolment, home: &Arc<dyn Home>) -> Self {
        let tokens = Arc::new(Tokens::new(client.clone(), enrolment, home.clone()));
        Self { client, tokens }
    }

    /// Whether the server there knows this agent.
    async fn probe(&self) -> Result<(), TokenError> {
        let bearer = self.tokens.bearer().await?;
        let request = self.client.request(Method::GET, wire::SELF_PATH).bearer_auth(bearer.secret());
        self.client.call(request).await.map(drop).map_err(TokenError::Request)
    }
}

struct Connections {
    home: Arc<dyn Home>,
    enrolment: Enrolment,
    watch: Watch,
    status: StatusBoard,
    stop: CancellationToken,
    clone_patience: ClonePatience,
}

/// Tells a host that was reset from a clone: by how long the other instance stays.
#[derive(Debug, Default)]
struct ClonePatience {
    since: Option<Moment>,
}

impl ClonePatience {
    /// The server says that another instance is connected. True when it has been there for too long.
    fn is_over(&mut self, now: Moment) -> bool {
        now - *self.since.get_or_insert(now) >= CLONE_PATIENCE
    }

    /// The server said something else.
    fn reset(&mut self) {
        self.since = None;
    }
}

impl Connections {
    async fn keep(mut self, mut endpoints: Endpoints) -> Result<Outcome, SessionError> {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        loop {
            if let Some(moved) = self.follow_move().await? {
                endpoints = moved;
            }
            let end = self.watch.attempt(&endpoints.client, &endpoints.tokens).await;
            let wait = match end {
                WatchEnd::Stopped => return Ok(Outcome::Stopped),
                WatchEnd::Moved => Duration::ZERO,
                WatchEnd::Server(end) => {
                    tracing::info!(reason = ?end.reason, message = end.message, "the server ended the session");
                    let asked = end.reconnect_after_seconds.map(Duration::from_secs);
                    match end.reason {
                        EndReason::Deleted => return Ok(Outcome::Deleted { message: end.message }),
                        EndReason::Replaced => return Ok(Outcome::Replaced { message: end.message }),
                        EndReason::TokenExpired => {
                            endpoints.tokens.forget().await;
                            backoff.reset();
                            asked.unwrap_or_default()
                        }
                        EndReason::Revoked => {
                            endpoints.tokens.forget().await;
                            self.status
                                .failed(format!("the server withdrew this agent's access: {}", end.message));
                            backoff.next(clock::random(), asked)
                        }
                        EndReason::Draining | EndReason::Unknown => {
                            backoff.reset();
                            backoff.next(clock::random(), asked)
                        }
                    }
                }
                WatchEnd::Broken(error) => {
                    self.clone_patience.reset();
                    backoff.reset();
                    self.wait_after(&error.to_string(), None, &mut backoff)
                }
                WatchEnd::NotOpened(error) if super::watch::is_cloned(&error) => {
                    let message = error.to_string();
                    if self.clone_patience.is_over(clock::moment()) {
                        return Ok(Outcome::Replaced { message });
                    }
                    self.wait_after(&message, None, &mut backoff).min(CLONE_LOOK)
                }
                WatchEnd::NotOpened(error) => {
                    self.clone_patience.reset();
                    let asked = super::watch::retry_after(&error);
                    // A changed enrolment (connect ran again) takes effect with the next attempt.
                    if let Some(enrolment) = self.home.enrolment().await?.filter(|new| self.is_elsewhere(new))
                    {
                        endpoints = Endpoints::new(&enrolment, &self.home)?;
                        self.enrolment = enrolment;
                    }
                    self.wait_after(&error.to_string(), asked, &mut backoff)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return Ok(Outcome::Stopped),
            }
        }
    }

    fn wait_after(&self, error: &str, asked: Option<Duration>, backoff: &mut Backoff) -> Duration {
        let wait = backoff.next(clock::random(), asked);
        tracing::warn!(error, again_in = clock::seconds(wait), "not connected");
        self.status.failed(error.to_owned());
        wait
    }

    /// Whether an enrolment on disk leads somewhere else than the one in use; notes about the key do not count.
    fn is_elsewhere(&self, new: &Enrolment) -> bool {
        let old = &self.enrolment;
        (&new.server, &new.ca_pem, &new.proxy) != (&old.server, &old.ca_pem, &old.proxy)
            || (&new.principal_id, &new.tenant_id) != (&old.principal_id, &old.tenant_id)
    }

    /// When the document names another endpoint, tries it, and adopts it only if the server there knows this agent.
    async fn follow_move(&mut self) -> Result<Option<Endpoints>, SessionError> {
        let Some(moved) = wanted_endpoint(&self.watch.document).and_then(|to| self.enrolment.moved_to(&to))
        else {
            return Ok(None);
        };
        let tried = match Endpoints::new(&moved, &self.home) {
            Ok(endpoints) => endpoints.probe().await.map(|()| endpoints),
            Err(error) => Err(TokenError::Request(error)),
        };
        match tried {
            Ok(endpoints) => {
                tracing::info!(server = moved.server, "moved to the endpoint that the server names");
                self.home.write_enrolment(&moved).await?;
                self.enrolment = moved;
                Ok(Some(endpoints))
            }
            Err(error) => {
                tracing::warn!(server = moved.server, %error, "the new endpoint does not work yet; staying with the old one");
                self.status.failed(format!("the new endpoint {} does not work yet: {error}", moved.server));
                Ok(None)
            }
        }
    }
}

fn wanted_endpoint(document: &DesiredDocument) -> Option<Endpoint> {
    let content = document.content(kind::ENDPOINT)?;
    serde_json::from_value(content.clone())
        .inspect_err(|error| tracing::warn!(%error, "the endpoint item is malformed and is left alone"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_stays_is_a_clone_and_one_that_goes_was_an_old_session() {
        let mut patience = ClonePatience::default();
        let at = Duration::from_secs;
        assert!(!patience.is_over(at(10)));
        assert!(!patience.is_over(at(159)));
        patience.reset();
        assert!(!patience.is_over(at(160)), "it starts anew");
        assert!(patience.is_over(at(310)));
    }
}

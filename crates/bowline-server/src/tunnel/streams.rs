//! Requests under way through tunnels: counted before they begin, looked at again whenever roles have changed, cut when the right or its proof has gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bowline_arm::{Error, ResourceId};
use bowline_control::Control;
use bowline_control::context::OpContext;
use bowline_tunnel::MAX_STREAMS;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Figures;
use crate::http::budget::principal;
use crate::limits::Gates;
use crate::metrics::Counted;

/// How often ended proofs are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// Somebody's use of a cluster is told once in this time.
const VISIT: Duration = Duration::from_secs(10 * 60);
/// Visits that are remembered; more are told again.
const MAX_VISITS: usize = 20_000;

struct Watched {
    context: OpContext,
    id: ResourceId,
    agent: Uuid,
    principal: String,
    until: Instant,
    cut: CancellationToken,
}

type Visitor = (Uuid, Uuid, Option<String>);

/// See the module.
pub struct Streams {
    control: Arc<Control>,
    open: Mutex<HashMap<u64, Watched>>,
    next: AtomicU64,
    /// Who was told of, and when.
    visits: Mutex<HashMap<Visitor, Instant>>,
    figures: Arc<Figures>,
    most: usize,
    most_of_principal: usize,
}

/// A request under way; it has ended when this is dropped.
pub struct Stream {
    streams: Arc<Streams>,
    number: u64,
    _counted: Counted,
    /// Cancelled when it must end.
    pub cut: CancellationToken,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.number);
    }
}

fn too_many(message: String) -> Error {
    Error::new(429, "TooManyStreams", message).with_retry_after(2)
}

impl Streams {
    pub(super) fn new(control: Arc<Control>, gates: &Gates) -> Self {
        let limits = &gates.limits;
        Self {
            figures: Arc::clone(&gates.tunnels),
            control,
            open: Mutex::default(),
            next: AtomicU64::new(0),
            visits: Mutex::default(),
            most: limits.tunnel_streams,
            most_of_principal: limits.tunnel_streams_per_principal,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Watched>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more in.
    ///
    /// # Errors
    /// `TooManyStreams` (429) when the server, the agent or the caller has as many as it may.
    pub fn open(
        self: &Arc<Self>,
        context: &OpContext,
        id: &ResourceId,
        agent: Uuid,
        until: Instant,
    ) -> Result<Stream, Error> {
        let principal = principal(&context.actor);
        let mut open = self.lock();
        let (mut of_agent, mut of_principal) = (0, 0);
        for watched in open.values() {
            of_agent += usize::from(watched.agent == agent);
            of_principal += usize::from(watched.principal == principal);
        }
        if open.len() >= self.most {
            return Err(too_many(format!(
                "This server has {} streams through tunnels open, as many as it takes. Try again.",
                self.most
            )));
        }
        if of_agent >= MAX_STREAMS as usize {
            return Err(too_many(format!(
                "{MAX_STREAMS} streams to this cluster are open, as many as its agent takes. Close one, and try again."
            )));
        }
        if of_principal >= self.most_of_principal {
            return Err(too_many(format!(
                "You have {} streams to clusters open, as many as one principal may. Close one, and try again.",
                self.most_of_principal
            )));
        }
        let (number, cut) = (self.next.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        let watched =
            Watched { context: context.clone(), id: id.clone(), agent, principal, until, cut: cut.clone() };
        open.insert(number, watched);
        let _counted = Counted::up(&self.figures.streams);
        Ok(Stream { streams: Arc::clone(self), number, _counted, cut })
    }

    /// Whether the activity log is to be told that this caller uses a cluster.
    #[must_use]
    pub fn is_new_visit(&self, context: &OpContext, agent: Uuid) -> bool {
        let visitor = (context.actor.object_id, agent, context.client.clone());
        let visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.get(&visitor).is_none_or(|told| Instant::now() >= *told + VISIT)
    }

    /// The activity log was told.
    pub fn note_visit(&self, context: &OpContext, agent: Uuid) {
        let now = Instant::now();
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        if visits.len() >= MAX_VISITS {
            visits.retain(|_, told| now < *told + VISIT);
        }
        if visits.len() < MAX_VISITS {
            visits.insert((context.actor.object_id, agent, context.client.clone()), now);
        }
    }

    /// Looks again at who may, until cancelled; then cuts all.
    pub(super) async fn look_after(&self, cancel: &CancellationToken) {
        let mut rights = self.control.authorization().watch();
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                changed = rights.changed() => match changed {
                    Ok(()) => self.look_again().await,
                    Err(_) => break,
                },
                _ = tick.tick() => {
                    let now = Instant::now();
                    self.lock().values().filter(|one| one.until <= now).for_each(|one| one.cut.cancel());
                }
            }
        }
        self.lock().values().for_each(|one| one.cut.cancel());
    }

    /// Cuts the streams of those who may no longer.
    async fn look_again(&self) {
        let mut asked: HashMap<(Uuid, String), bool> = HashMap::new();
        let open: Vec<(OpContext, ResourceId, CancellationToken)> = {
            let open = self.lock();
            open.values().map(|one| (one.context.clone(), one.id.clone(), one.cut.clone())).collect()
        };
        for (context, id, cut) in open {
            let who = (context.actor.object_id, id.key().to_owned());
            let may = match asked.get(&who) {
                Some(may) => *may,
                None => {
                    let may = self.control.may_stay(&context, &id).await;
                    if let Err(error) = &may {
                        tracing::info!(caller = context.actor.name, cluster = %id, code = error.code, "streams through a tunnel are cut");
                    }
                    asked.insert(who, may.is_ok());
                    may.is_ok()
                }
            };
            if !may {
                cut.cancel();
            }
        }
    }
}

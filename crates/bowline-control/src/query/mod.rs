//! KQL over what the caller may see: the request of Azure Resource Graph, its tables, and the answer in its shape.
//!
//! # Design notes
//! A table has only rows that the caller may read ([`mask`]), so that counts, joins, facets and errors cannot tell of others. The engine and
//! what holds the tables are handed in by the server; nothing here knows what they are. One task fills the tables ([`mod@follow`]); a query waits until
//! they are as new as the record was when it came. Queries take turns by principal and run within [`Bounds`] ([`run`]).

mod answer;
mod follow;
mod included;
mod log;
mod mask;
mod objects;
mod order;
mod pins;
mod reporter;
mod request;
mod resources;
mod run;
mod schema;
mod software;
mod tables;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bowline_arm::Error;
use bowline_kql::engine::Engine;
pub use bowline_kql::tables::Figures;
use bowline_kql::tables::Tables;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Control;
use crate::pipeline::store_error;
use crate::turns::{Rule, Turns};
use pins::Pins;
pub(crate) use run::resources;
pub(crate) use schema::schema;
pub use tables::{catalogue, layouts};

/// Queries of one principal that wait for their turn, and all that do for each that may run.
pub const WAITING: usize = 100;

/// How long a query waits for what was written before it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the tables are.
#[derive(Clone, Copy, Debug)]
struct Reached {
    epoch: Uuid,
    revision: u64,
    /// The place in the observation log.
    observations: u64,
}

/// How much queries may take of a server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Queries that run at once; of one principal one less, so that there is always a place for somebody else's.
    pub at_once: usize,
    /// How long one runs, and how long one waits for its turn.
    pub time: Duration,
    /// Bytes that one holds.
    pub bytes: usize,
    /// Reads what the thread has taken of memory and not given back.
    pub taken: fn() -> i64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { at_once: 4, time: Duration::from_secs(30), bytes: 1 << 30, taken: || 0 }
    }
}

/// What the server hands in.
#[derive(Clone)]
struct Parts {
    engine: Arc<dyn Engine>,
    tables: Arc<dyn Tables>,
    bounds: Bounds,
    turns: Arc<Turns>,
}

/// Runs queries for callers.
#[derive(Default)]
pub struct Queries {
    parts: OnceLock<Parts>,
    reached: watch::Sender<Option<Reached>>,
    pins: Pins,
}

impl Queries {
    /// Hands in what runs queries, what holds their tables, which have [`layouts`], and how much they may take; once.
    pub fn set(&self, engine: Arc<dyn Engine>, tables: Arc<dyn Tables>, bounds: Bounds) {
        let turns = Arc::new(Turns::new(Rule {
            at_once: bounds.at_once,
            per_principal: bounds.at_once.saturating_sub(1).max(1),
            waiting: bounds.at_once * WAITING,
            waiting_per_principal: WAITING,
            patience: bounds.time,
        }));
        let _ = self.parts.set(Parts { engine, tables, bounds, turns });
    }

    /// What each table takes.
    #[must_use]
    pub fn figures(&self) -> Vec<(String, Figures)> {
        self.parts.get().map(|parts| parts.tables.figures()).unwrap_or_default()
    }

    /// Queries that run, and those that wait for their turn.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        self.parts.get().map(|parts| parts.turns.load()).unwrap_or_default()
    }

    /// The revision that the tables have reached; none before they were filled.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        self.reached.borrow().as_ref().map(|reached| reached.revision)
    }

    /// Waits until the tables have what was written before now, at most [`PATIENCE`]; gives their revision.
    async fn wait(&self, control: &Control) -> Result<u64, Error> {
        let head = control.store().head().await.map_err(|e| store_error(&e))?;
        let newest = *control.store().watch_observations().borrow();
        let enough = |reached: &Option<Reached>| {
            reached.as_ref().is_some_and(|reached| {
                reached.epoch == head.epoch
                    && reached.revision >= head.revision.0
                    && reached.observations >= newest
            })
        };
        let mut reached = self.reached.subscribe();
        let _ = tokio::time::timeout(PATIENCE, reached.wait_for(enough)).await;
        let reached = *reached.borrow();
        reached.filter(|reached| reached.epoch == head.epoch).map(|reached| reached.revision).ok_or_else(
            || {
                Error::unavailable(
                    "The tables of queries are being filled after a start. Try again in a moment.",
                    2,
                )
            },
        )
    }
}

/// Fills the tables and keeps them in step until cancelled.
pub(crate) async fn follow(control: Arc<Control>, cancel: &CancellationToken) {
    let parts = control.queries().parts.get().cloned();
    if let Some(Parts { tables, .. }) = parts {
        let following = Arc::clone(&control);
        follow::follow(following, tables, &control.queries().reached, cancel).await;
    }
}

impl Control {
    /// What runs queries.
    #[must_use]
    pub fn queries(&self) -> &Queries {
        &self.queries
    }
}

//! KQL over what the caller may see: the request of Azure Resource Graph, its tables, and the answer in its shape.
//!
//! # Design notes
//! A table has only rows that the caller may read ([`mask`]), so that counts, joins, facets and errors cannot tell of others. The engine and
//! what holds the tables are handed in by the server; nothing here knows what they are. One task fills the tables ([`mod@follow`]); a query waits until
//! they are as new as the record was when it came.

mod answer;
mod follow;
mod log;
mod mask;
mod objects;
mod pins;
mod reporter;
mod request;
mod resources;
mod schema;
mod software;
mod tables;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use std::time::Duration;

use bowline_arm::Error;
use bowline_kql::bind;
use bowline_kql::engine::{Engine, EngineError, Failure, Limits, Moment};
pub use bowline_kql::tables::Figures;
use bowline_kql::tables::Tables;
use bowline_kql::value::{SECOND, UNIX_EPOCH};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Control;
use crate::context::OpContext;
use crate::pipeline::store_error;
use pins::{Owner, Pins};
use request::Request;
pub(crate) use schema::schema;
pub use tables::{catalogue, layouts};

/// Queries that run at once; the others wait for their turn.
const AT_ONCE: usize = 4;
/// Rows that one query may hold, over all its steps.
const ROWS: usize = 2_000_000;

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

/// Runs queries for callers.
pub struct Queries {
    parts: OnceLock<(Arc<dyn Engine>, Arc<dyn Tables>)>,
    reached: watch::Sender<Option<Reached>>,
    turns: Semaphore,
    pins: Pins,
}

impl Default for Queries {
    fn default() -> Self {
        Self {
            parts: OnceLock::new(),
            reached: watch::Sender::new(None),
            turns: Semaphore::new(AT_ONCE),
            pins: Pins::default(),
        }
    }
}

impl Queries {
    /// Hands in what runs queries and what holds their tables, which have [`layouts`]; once.
    pub fn set(&self, engine: Arc<dyn Engine>, tables: Arc<dyn Tables>) {
        let _ = self.parts.set((engine, tables));
    }

    /// What each table takes.
    #[must_use]
    pub fn figures(&self) -> Vec<(String, Figures)> {
        self.parts.get().map(|(_, tables)| tables.figures()).unwrap_or_default()
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
    if let Some((_, tables)) = parts {
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

/// Ends a query when the request that waits for it is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Answers a request of Resource Graph; with the revision that the answer shows.
///
/// # Errors
/// ARM errors for the caller.
pub(crate) async fn resources(
    control: &Control,
    context: &OpContext,
    body: &Value,
) -> Result<(Value, u64), Error> {
    let request = Request::parse(body)?;
    let queries = control.queries();
    let (engine, tables) = queries
        .parts
        .get()
        .cloned()
        .ok_or_else(|| Error::new(503, "ServiceUnavailable", "This server runs no queries."))?;
    let caller = mask::Caller::of(control, context, &request).await?;
    let owner = Owner {
        principal: context.actor.object_id,
        fingerprint: request.question(),
        rights: control.authorization().snapshot().await,
    };
    let kept = request.pin.and_then(|pin| Some((pin, queries.pins.find(pin, &owner, context.now)?)));
    // First: a query that is wrong waits for nothing.
    let request = blocking(move || match bind(&request.query, tables::dialect(), &catalogue()) {
        Ok(_) => Ok(request),
        Err(found) => Err(refuse(&Failure::Query(found), &request.query)),
    })
    .await?;
    let revision = match &kept {
        Some((_, (_, revision))) => *revision,
        None => queries.wait(control).await?,
    };
    let turn = queries.turns.acquire().await.map_err(Error::internal)?;
    let ended = Arc::new(AtomicBool::new(false));
    let waiting = Waiting(Arc::clone(&ended));
    let limits = Limits { rows: ROWS, ended, ..Limits::default() };
    let now = UNIX_EPOCH + context.now.as_microsecond() * (SECOND / 1_000_000);
    let moment = Moment { now, seed: context.correlation_id.as_u64_pair().0 };
    let fresh = kept.is_none();
    let answered = blocking(move || {
        let (pin, answer) = match kept {
            Some((pin, (answer, _))) => (pin, answer),
            None => {
                let view = tables.view(Box::new(caller));
                let answers = engine
                    .answer(&request.query, tables::dialect(), &catalogue(), &*view, moment, &limits)
                    .map_err(|failure| refuse(&failure, &request.query))?;
                let answer = answers.into_iter().next_back();
                let nothing = || Error::bad_request("BadRequest", "The query asks for nothing.");
                (bowline_auth::random::guid().as_u64_pair().0, answer.ok_or_else(nothing)?)
            }
        };
        let shown = answer::shape(&request, &answer, pin, &*engine, moment, &limits);
        Ok((pin, answer, shown))
    })
    .await;
    drop((waiting, turn));
    let (pin, answer, shown) = answered?;
    if fresh && shown.get("$skipToken").is_some() {
        queries.pins.keep(pin, owner, &answer, revision, context.now);
    }
    Ok((shown, revision))
}

/// Work that takes the processor for a while.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// In the words that clients of Resource Graph read: a code that says it is the query, and a detail for each finding.
fn refuse(failure: &Failure, query: &str) -> Error {
    match failure {
        Failure::Query(found) => {
            let first = found.first().map(|one| one.report(query).to_string()).unwrap_or_default();
            let error = Error::bad_request("BadRequest", format!("The query is not valid: {first}"));
            let error =
                error.with_detail("InvalidQuery", "The query is not valid; the details say where.", None);
            found.iter().map(|one| one.report(query)).fold(error, |error, one| {
                let at = format!("{}:{}", one.line, one.column);
                error.with_detail(one.code, one.to_string(), Some(at))
            })
        }
        Failure::Run(error @ (EngineError::TooLarge { .. } | EngineError::Unsupported { .. })) => {
            Error::bad_request("BadRequest", format!("The query cannot be answered: {error}.")).with_detail(
                "InvalidQuery",
                error.to_string(),
                None,
            )
        }
        Failure::Run(EngineError::Ended) => Error::new(
            408,
            "QueryEnded",
            "The query was ended before it had an answer; narrow it and ask again.",
        ),
        Failure::Run(EngineError::Failed { message }) => Error::bad_request(
            "BadRequest",
            format!("The query failed: {message}."),
        )
        .with_detail("InvalidQuery", message.clone(), None),
    }
}

//! KQL over what the caller may see: the request of Azure Resource Graph, its tables, and the answer in its shape.
//!
//! # Design notes
//! A table has only rows that the caller may read, so that counts, joins, facets and errors cannot tell of others. The engine is handed in
//! by the server; nothing here knows what it is.
//! Tables are read from the record for each query ([`tables`]): an answer is as new as the record, and costs as much as there is to
//! read. The index that will follow the feed takes the place of that reading.

mod answer;
mod request;
mod tables;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bowline_arm::Error;
use bowline_kql::bind;
use bowline_kql::engine::{Engine, EngineError, Failure, Limits, Moment};
use bowline_kql::value::{SECOND, UNIX_EPOCH};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::Control;
use crate::context::OpContext;
use request::Request;

/// Queries that run at once; the others wait for their turn.
const AT_ONCE: usize = 4;
/// Rows that one query may hold, over all its steps.
const ROWS: usize = 2_000_000;

/// Runs queries for callers.
pub struct Queries {
    engine: OnceLock<Arc<dyn Engine>>,
    turns: Semaphore,
}

impl Default for Queries {
    fn default() -> Self {
        Self { engine: OnceLock::new(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl Queries {
    /// Hands in what runs them; once.
    pub fn set_engine(&self, engine: Arc<dyn Engine>) {
        let _ = self.engine.set(engine);
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

/// Answers a request of Resource Graph.
///
/// # Errors
/// ARM errors for the caller.
pub(crate) async fn resources(control: &Control, context: &OpContext, body: &Value) -> Result<Value, Error> {
    let request = Request::parse(body)?;
    let engine = control
        .queries()
        .engine
        .get()
        .map(Arc::clone)
        .ok_or_else(|| Error::new(503, "ServiceUnavailable", "This server runs no queries."))?;
    let scopes = tables::Scopes::of(control, context, &request).await?;
    // Before anything is read: a query that is wrong costs nothing more.
    let (request, named) =
        blocking(move || match bind(&request.query, tables::dialect(), &tables::catalogue()) {
            Ok(query) => Ok((request, query.tables)),
            Err(found) => Err(refuse(&Failure::Query(found), &request.query)),
        })
        .await?;
    // What is read is held as long as the query runs, so that the turn covers both.
    let turn = control.queries().turns.acquire().await.map_err(Error::internal)?;
    let found = tables::read(control, context, &scopes, &named).await?;
    let ended = Arc::new(AtomicBool::new(false));
    let waiting = Waiting(Arc::clone(&ended));
    let limits = Limits { rows: ROWS, ended, ..Limits::default() };
    let now = UNIX_EPOCH + context.now.as_microsecond() * (SECOND / 1_000_000);
    let moment = Moment { now, seed: context.correlation_id.as_u64_pair().0 };
    let answered = blocking(move || {
        let dialect = tables::dialect();
        engine
            .answer(&request.query, dialect, &tables::catalogue(), &found, moment, &limits)
            .map_err(|failure| refuse(&failure, &request.query))
            .and_then(|answers| answer::shape(&request, answers, &*engine, moment, &limits))
    })
    .await;
    drop((waiting, turn));
    answered
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

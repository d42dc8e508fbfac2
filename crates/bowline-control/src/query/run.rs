//! One question from its request to its answer: its turn, its time, its memory, its end.
//!
//! # Design notes
//! A query runs on one thread, which asks again and again whether it may go on: nobody waits for it, its time is over and it holds too much
//! all end it there. It gives back its turn when it has really ended, not when its client has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bowline_arm::Error;
use bowline_kql::bind;
use bowline_kql::engine::{Answer, EngineError, Failure, Limits, Meter, Moment, Source};
use bowline_kql::value::{SECOND, UNIX_EPOCH};
use serde_json::Value;

use super::answer::Over;
use super::order::{Key, Order};
use super::pins::Owner;
use super::request::Request;
use super::{Bounds, Parts, answer, catalogue, included, mask, tables};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline::store_error;
use crate::turns::{Refused, Ticket};

/// Rows that one query may hold, over all its steps; its memory is bounded beside that.
const ROWS: usize = 10_000_000;

/// Ends a query when the request that waits for it is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An answer, what it shows, and how it follows the page before.
pub(crate) struct Answered {
    pub(crate) body: String,
    pub(crate) revision: u64,
    /// `kept`, `key` or `position`; none where no link was followed.
    pub(crate) page: Option<&'static str>,
}

/// An answer from which pages are taken.
#[derive(Clone)]
pub(super) struct Whole {
    pub(super) name: u64,
    pub(super) answer: Answer,
    key: Option<Arc<Key>>,
}

/// Answers a request of Resource Graph.
///
/// # Errors
/// ARM errors for the caller.
pub(crate) async fn resources(
    control: &Control,
    context: &OpContext,
    body: &Value,
) -> Result<Answered, Error> {
    let placed = included::place(control, context, body).await?;
    let request = Request::parse(placed.as_ref().unwrap_or(body))?;
    let queries = control.queries();
    let parts = queries.parts.get().cloned();
    let parts = parts.ok_or_else(|| Error::new(503, "ServiceUnavailable", "This server runs no queries."))?;
    // First: a query that is wrong waits for nothing.
    let (request, order) = blocking(move || match bind(&request.query, tables::dialect(), &catalogue()) {
        Ok(query) => {
            let order = query.outputs.last().map_or(Order::Hidden, |output| Order::of(&output.plan));
            Ok((request, order))
        }
        Err(found) => Err(refuse(&Failure::Query(found), &request.query)),
    })
    .await?;
    let turn = parts.turn(context).await?;
    // Rights are those of now, not of when the line was entered.
    if control.store().fleet().is_some() {
        // What another server gave or took away counts from the answer on that it gave.
        let _ = control.authorization().refresh().await.map_err(|error| store_error(&error))?;
    }
    let caller = mask::Caller::of(control, context, &request).await?;
    let owner = Owner {
        principal: context.actor.object_id,
        fingerprint: request.question(),
        rights: control.authorization().snapshot().await,
    };
    let kept = request.link.as_ref().and_then(|link| queries.pins.find(link.pin, &owner, context.now));
    let revision = match &kept {
        Some((_, revision)) => *revision,
        None => queries.wait(control).await?,
    };
    let now = UNIX_EPOCH + context.now.as_microsecond() * (SECOND / 1_000_000);
    let moment = Moment { now, seed: context.correlation_id.as_u64_pair().0 };
    let Parts { engine, tables, bounds, .. } = parts;
    let (fresh, kept) = (kept.is_none(), kept.map(|(whole, _)| whole));
    let (whole, shown) = within(bounds, turn, move |limits| {
        let over = Over { engine: &*engine, moment, limits };
        let whole = match kept {
            Some(whole) => Ok(whole),
            None => run(&request, &order, &*tables.view(Box::new(caller)), &over),
        }?;
        let shown = page(&request, &whole, fresh, &over)?;
        Ok((whole, shown))
    })
    .await?;
    let (body, page, more) = shown;
    if fresh && more {
        queries.pins.keep(&whole, owner, revision, context.now);
    }
    Ok(Answered { body, revision, page })
}

/// The whole answer.
fn run(request: &Request, order: &Order, view: &dyn Source, over: &Over<'_>) -> Result<Whole, Error> {
    let answers =
        over.engine.answer(&request.query, tables::dialect(), &catalogue(), view, over.moment, over.limits);
    let answers = answers.map_err(|failure| refuse(&failure, &request.query))?;
    let nothing = || Error::bad_request("BadRequest", "The query asks for nothing.");
    let mut answer = answers.into_iter().next_back().ok_or_else(nothing)?;
    let pages = request.link.is_some() || answer.rows.len() > request.skip.saturating_add(request.top);
    let key = if pages { Key::arrange(&mut answer, order).map(Arc::new) } else { None };
    Ok(Whole { name: bowline_auth::random::guid().as_u64_pair().0, answer, key })
}

/// A page of it, how it was found, and whether there is another one.
fn page(
    request: &Request,
    whole: &Whole,
    fresh: bool,
    over: &Over<'_>,
) -> Result<(String, Option<&'static str>, bool), Error> {
    let Whole { name, answer, key } = whole;
    let behind = || key.as_ref()?.behind(answer, request.link.as_ref()?.key.as_ref()?);
    let (from, page) = match &request.link {
        None => (request.skip, None),
        Some(_) if !fresh => (request.skip, Some("kept")),
        Some(_) => behind().map_or((request.skip, Some("position")), |from| (from, Some("key"))),
    };
    let end = from.saturating_add(request.top);
    let more = end < answer.rows.len();
    let link = more.then(|| {
        let last = key.as_ref().and_then(|key| key.write(&answer.rows[end - 1]));
        request.token(end, *name, last.as_deref())
    });
    Ok((answer::shape(request, answer, from, link, over)?, page, more))
}

impl Parts {
    /// Waits for the caller's turn.
    async fn turn(&self, context: &OpContext) -> Result<Ticket, Error> {
        let seconds = self.bounds.time.as_secs();
        self.turns.enter(&context.actor.object_id.to_string()).await.map_err(|refused| {
            let (why, after) = match refused {
                Refused::TooMany { under_way, waiting } => (
                    format!("You have {under_way} queries that run and {waiting} that wait, as many as one principal may"),
                    1,
                ),
                Refused::Full => (
                    format!("The queries before yours left no room, or took longer than the {seconds} s for which one waits"),
                    5,
                ),
            };
            Error::new(429, "RateLimiting", format!("{why}. Nothing was done; send fewer at once, and try again after {after} s."))
                .with_retry_after(after)
        })
    }
}

/// Work on a thread of its own, within its time and memory. The turn is given back when the work has ended, whoever waits for it.
async fn within<T: Send + 'static>(
    bounds: Bounds,
    turn: Ticket,
    work: impl FnOnce(&Limits) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = Arc::new(AtomicBool::new(false));
    let _waiting = Waiting(Arc::clone(&ended));
    let running = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let meter = Meter::begin(bounds.taken);
        let limits = Limits { rows: ROWS, bytes: bounds.bytes, meter, ended, ..Limits::default() };
        work(&limits)
    });
    match tokio::time::timeout(bounds.time, running).await {
        Ok(done) => done.map_err(Error::internal)?,
        Err(_) => Err(too_long(bounds.time)),
    }
}

fn too_long(time: Duration) -> Error {
    let message = format!(
        "The query was ended after {} s, as long as one may take on this server. Narrow it with 'where' before joins and sorts, or ask for less at once.",
        time.as_secs()
    );
    Error::bad_request("BadRequest", message.clone()).with_detail("QueryTimeout", message, None)
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

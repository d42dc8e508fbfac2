//! One kind of one cluster (or one object), from a list and then a watch, without keeping an object.
//!
//! [`watch_scope`] lists in pages and hands each object on as it is read, then watches from the list's revision. A watch
//! that ends is resumed; one whose revision is gone (410) is listed anew. What was deleted meanwhile shows by its absence
//! between [`Event::ListBegan`] and [`Event::ListEnded`]; comparing is the sink's part, because only it knows what it keeps.
//!
//! Design notes: `kube`'s own watcher decodes whole pages into typed objects, holds a page of them twice and buffers
//! in its store; this loop holds the text of one page and one parsed object. Lists go to the API server without
//! `resourceVersion=0`, which would ignore the page size and answer with everything at once. The sink's future is awaited
//! before the next object is read, so that a slow receiver slows the API server down and nothing queues up in between.

use std::time::Duration;

use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::connection::Connection;
use crate::error::{ClusterError, from_transport};
use crate::kinds::ServedKind;

/// How many objects a page holds.
const PAGE_SIZE: u32 = 500;
/// The longest line of a watch; the API server stores objects up to 1.5 MiB.
const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;
/// How long one watch request lasts; the API server ends it, so that load spreads again after its restart.
const WATCH_SECONDS: u64 = 290;
/// Without a byte for so long (bookmarks come about each minute), the connection counts as dead.
const SILENCE: Duration = Duration::from_secs(150);
/// The first and the longest wait after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// What happens to a kind.
#[derive(Debug)]
pub enum Event {
    /// Every object of the kind follows as [`Event::Object`]; a list that failed midway begins again with this.
    ListBegan,
    /// The list was complete: what was not mentioned since it began is gone.
    ListEnded,
    /// An object that exists, as the API server wrote it. Items of a list may lack `kind` and `apiVersion`.
    Object(Value),
    /// An object that was deleted, in its last state.
    Deleted(Value),
    /// The API server refused or did not answer; the loop goes on after `retry_in`.
    Failed { error: ClusterError, retry_in: Duration },
}

/// The receiver does not want any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// Who takes the events of one kind.
pub trait Sink: Send {
    /// Takes one event; the next object is read when this is done.
    fn take(&mut self, event: Event) -> impl Future<Output = Result<(), Stopped>> + Send;
}

/// Which objects are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    path: String,
    selector: String,
    name: String,
}

impl Scope {
    /// Every object of a kind, in all namespaces.
    pub fn all(kind: &ServedKind) -> Self {
        Self { path: kind.collection_path(None), selector: String::new(), name: kind.name.to_string() }
    }

    /// The one object of this name, whether it exists yet or not. A right on that name alone is enough for this.
    pub fn one(kind: &ServedKind, namespace: &str, name: &str) -> Self {
        let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        Self {
            path: kind.collection_path(Some(namespace)),
            selector: format!("&fieldSelector=metadata.name%3D{encoded}"),
            name: format!("{} {namespace}/{name}", kind.name),
        }
    }
}

/// Watches a scope until the sink has enough. `listing` is the permit to list: with one permit among all kinds, one
/// page is in memory at a time.
pub async fn watch_scope(
    connection: &Connection,
    scope: &Scope,
    listing: &Semaphore,
    sink: &mut impl Sink,
) -> Stopped {
    let mut revision: Option<String> = None;
    let mut failures: u32 = 0;
    loop {
        let error = match round(connection, scope, listing, &mut revision, &mut failures, sink).await {
            Ok(()) => continue,
            Err(Interrupted::Stopped) => return Stopped,
            Err(Interrupted::Failed(error)) => error,
        };
        // After a refusal that a person has to mend, the next list shows that it has been mended.
        if matches!(error, ClusterError::Gone { .. }) || !error.is_transient() {
            revision = None;
        }
        failures += 1;
        let retry_in = back_off(failures, &error, &scope.path);
        if sink.take(Event::Failed { error, retry_in }).await.is_err() {
            return Stopped;
        }
        tokio::time::sleep(retry_in).await;
    }
}

enum Interrupted {
    Stopped,
    Failed(ClusterError),
}

impl From<Stopped> for Interrupted {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<ClusterError> for Interrupted {
    fn from(error: ClusterError) -> Self {
        Self::Failed(error)
    }
}

/// A list when there is no revision to go on from, then one watch.
async fn round(
    connection: &Connection,
    scope: &Scope,
    listing: &Semaphore,
    revision: &mut Option<String>,
    failures: &mut u32,
    sink: &mut impl Sink,
) -> Result<(), Interrupted> {
    let from = match revision {
        Some(from) => from.clone(),
        None => {
            let _permit = listing.acquire().await.map_err(|_| Stopped)?;
            let listed = list(connection, scope, sink).await?;
            revision.insert(listed).clone()
        }
    };
    let began = Instant::now();
    let progressed = watch(connection, scope, from, revision, sink).await?;
    // A watch that ends at once and says nothing would turn this loop into a storm of requests.
    if progressed || began.elapsed() > Duration::from_secs(5) {
        *failures = 0;
        return Ok(());
    }
    let why = "the watch ended at once without an event".to_owned();
    Err(ClusterError::Unreachable { server: connection.server().to_owned(), why }.into())
}

#[derive(Deserialize)]
struct Page<'a> {
    metadata: PageMetadata,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    r#continue: String,
}

/// Lists every object and returns the revision to watch from.
async fn list(connection: &Connection, scope: &Scope, sink: &mut impl Sink) -> Result<String, Interrupted> {
    sink.take(Event::ListBegan).await?;
    let Scope { path, selector, .. } = scope;
    let mut next = String::new();
    loop {
        let text = connection.get_bytes(&format!("{path}?limit={PAGE_SIZE}{selector}{next}")).await?;
        let page: Page<'_> = serde_json::from_slice(&text).map_err(|error| misunderstood(scope, &error))?;
        for item in page.items.iter().flatten() {
            let object = serde_json::from_str(item.get()).map_err(|error| misunderstood(scope, &error))?;
            sink.take(Event::Object(object)).await?;
        }
        if page.metadata.r#continue.is_empty() {
            sink.take(Event::ListEnded).await?;
            return Ok(page.metadata.resource_version);
        }
        next = continue_parameter(&page.metadata.r#continue);
    }
}

/// The query parameter that asks for the next page.
pub(crate) fn continue_parameter(token: &str) -> String {
    let token = percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC);
    format!("&continue={token}")
}

#[derive(Deserialize)]
struct Line<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Reads one watch to its end. Keeps `revision` at the last event, and says whether there was any.
async fn watch(
    connection: &Connection,
    scope: &Scope,
    from: String,
    revision: &mut Option<String>,
    sink: &mut impl Sink,
) -> Result<bool, Interrupted> {
    let path = format!(
        "{}?watch=true&allowWatchBookmarks=true{}&timeoutSeconds={}&resourceVersion={from}",
        scope.path,
        scope.selector,
        WATCH_SECONDS + spread(&scope.path) % 60,
    );
    let mut body = connection.open_stream(&path).await?.into_body();
    let mut buffer: Vec<u8> = Vec::new();
    let mut progressed = false;
    loop {
        // An end, a broken connection and a silent one are the same: the watch is resumed from the last event.
        let Ok(Some(frame)) = timeout(SILENCE, body.frame()).await else { return Ok(progressed) };
        let frame = match frame {
            Ok(frame) => frame,
            Err(_) if progressed => return Ok(true),
            Err(error) => return Err(from_transport(&error, connection.server()).into()),
        };
        let Ok(data) = frame.into_data() else { continue };
        buffer.extend_from_slice(&data);
        let mut start = 0;
        while let Some(length) = buffer[start..].iter().position(|byte| *byte == b'\n') {
            let line = &buffer[start..start + length];
            start += length + 1;
            if !line.is_empty() {
                take_line(scope, line, revision, sink).await?;
                progressed = true;
            }
        }
        buffer.drain(..start);
        if buffer.is_empty() && buffer.capacity() > 256 * 1024 {
            // One large object must not keep its room for as long as the watch lasts.
            buffer = Vec::new();
        }
        if buffer.len() > MAX_LINE_BYTES {
            return Err(
                ClusterError::BadAnswer(format!("an event longer than {MAX_LINE_BYTES} bytes")).into()
            );
        }
    }
}

async fn take_line(
    scope: &Scope,
    line: &[u8],
    revision: &mut Option<String>,
    sink: &mut impl Sink,
) -> Result<(), Interrupted> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| misunderstood(scope, &error))?;
    let object: Value =
        serde_json::from_str(line.object.get()).map_err(|error| misunderstood(scope, &error))?;
    let seen = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
    match line.r#type {
        "ADDED" | "MODIFIED" => sink.take(Event::Object(object)).await?,
        "DELETED" => sink.take(Event::Deleted(object)).await?,
        "BOOKMARK" => {}
        "ERROR" => return Err(refusal(&object).into()),
        other => return Err(ClusterError::BadAnswer(format!("an event of type {other}")).into()),
    }
    // Only now: an event that the sink did not take has to come again.
    if let Some(seen) = seen {
        *revision = Some(seen);
    }
    Ok(())
}

fn refusal(status: &Value) -> ClusterError {
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    match status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0) {
        410 => ClusterError::Gone { message: text("message") },
        code => ClusterError::Refused { code, reason: text("reason"), message: text("message") },
    }
}

fn misunderstood(scope: &Scope, error: &serde_json::Error) -> ClusterError {
    ClusterError::BadAnswer(format!("{}: {error}", scope.name))
}

/// Doubles up to a minute. What a person has to mend (a missing right, a missing kind) is asked for rarely from the start;
/// a lost revision is no failure at all and is listed again at once, the first time.
fn back_off(failures: u32, error: &ClusterError, seed: &str) -> Duration {
    let (first, longest) = BACK_OFF;
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(10))).min(longest);
    let wait = match error {
        ClusterError::Gone { .. } if failures <= 1 => return Duration::ZERO,
        ClusterError::Busy { retry_after: Some(seconds), .. } => {
            doubled.max(Duration::from_secs(u64::from(*seconds))).min(longest)
        }
        error if error.is_transient() => doubled,
        _ => doubled.max(Duration::from_secs(15)),
    };
    // Kinds that failed together do not come back together.
    wait + wait.mul_f64((spread(seed) % 100) as f64 / 200.0)
}

/// A number that differs between kinds: spreading needs no more randomness than that.
fn spread(seed: &str) -> u64 {
    seed.bytes().fold(17, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_need_a_person_are_retried_rarely() {
        let forbidden = ClusterError::Forbidden { message: String::new() };
        assert!(back_off(1, &forbidden, "pods") >= Duration::from_secs(15));
        let gone = || ClusterError::Gone { message: String::new() };
        assert_eq!(back_off(1, &gone(), "pods"), Duration::ZERO);
        assert!(back_off(2, &gone(), "pods") >= Duration::from_secs(1));
        let away = ClusterError::Unreachable { server: String::new(), why: String::new() };
        assert!(back_off(1, &away, "pods") < Duration::from_secs(1));
        assert!(back_off(50, &away, "pods") <= Duration::from_secs(90));
        let busy = ClusterError::Busy { message: String::new(), retry_after: Some(7) };
        assert!(back_off(1, &busy, "pods") >= Duration::from_secs(7));
    }
}

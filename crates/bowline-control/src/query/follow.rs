//! Fills the tables: everything once at the start, then each change of the record and each batch of the observation log.
//!
//! # Design notes
//! One task reads both logs, the record's first: an object is seen only after its cluster or machine. What is read again after a failure or a gap is put
//! again, which changes nothing. An object of a full sync is shown at once; what the sync left out goes when its last batch has come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bowline_kql::tables::{Change, Tables};
use bowline_link::observed::ObservedBatch;
use bowline_store::{Head, List, Observation, Record, Segment, Store, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::reporter::Reporter;
use super::tables::Of;
use super::{Reached, log, resources};
use crate::Control;
use crate::inventory::{Seen, TakeError, read_batch, read_segment, source_of};

/// Read at once.
const RECORDS: u32 = 1000;
const BATCHES: u32 = 100;
const SEGMENTS: u32 = 8;
/// Pages on their way into the tables at a start.
const AHEAD: usize = 2;
/// The stream of objects.
const INVENTORY: &str = "inventory";
/// Entries of the activity log that are held: the newest.
const LOGGED: u64 = 100_000;
/// Rest between two looks: many commits in a row are read together.
const BREATH: Duration = Duration::from_millis(10);
/// Without a change for so long the tables tidy up; how often to look which entries of the activity log are past their time.
const RETENTION: Duration = Duration::from_secs(5);
/// Rest after a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// How far a source was read.
#[derive(Default)]
struct Source {
    epoch: Uuid,
    seq: u64,
    /// The keys of a full sync that has not ended.
    staged: Option<HashSet<String>>,
}

struct Follower {
    control: Arc<Control>,
    tables: Arc<dyn Tables>,
    reporters: HashMap<Uuid, Reporter>,
    sources: HashMap<String, Source>,
    head: Head,
    /// The place in the observation log, and what was announced when it was read last.
    position: u64,
    announced: Option<u64>,
    /// The last entry of the activity log, and the first that is held.
    logged: u64,
    logged_from: u64,
    /// When it was last looked which of them are past their time.
    looked: Instant,
}

/// Keeps the tables in step until cancelled; says after each step how far they are.
pub(super) async fn follow(
    control: Arc<Control>,
    tables: Arc<dyn Tables>,
    reached: &watch::Sender<Option<Reached>>,
    cancel: &CancellationToken,
) {
    let store = Arc::clone(control.store());
    let (mut heads, mut observations) = (store.watch(), store.watch_observations());
    let mut follower = None;
    loop {
        let (head, newest) = (*heads.borrow_and_update(), *observations.borrow_and_update());
        match step(&mut follower, &control, &tables, (head, newest)).await {
            Ok(Head { epoch, revision }) => {
                let revision = revision.0;
                let _ = reached.send_replace(Some(Reached { epoch, revision, observations: newest }));
            }
            Err(error) => {
                tracing::warn!(%error, "the tables of queries cannot follow the record; trying again");
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(AGAIN) => continue,
                }
            }
        }
        tokio::time::sleep(BREATH).await;
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(RETENTION) => {
                let tables = Arc::clone(&tables);
                let _ = tokio::task::spawn_blocking(move || tables.rest()).await;
            }
            changed = heads.changed() => if changed.is_err() { return },
            changed = observations.changed() => if changed.is_err() { return },
        }
    }
}

/// Everything up to now; begins anew in another epoch and where changes are no longer kept.
async fn step(
    follower: &mut Option<Follower>,
    control: &Arc<Control>,
    tables: &Arc<dyn Tables>,
    (head, newest): (Head, u64),
) -> Result<Head, TakeError> {
    if follower.as_ref().is_some_and(|follower| follower.head.epoch != head.epoch) {
        *follower = None;
    }
    let known = match follower {
        Some(known) => known,
        None => follower.insert(Follower::load(control, tables).await?),
    };
    match known.catch_up(newest).await {
        Err(TakeError::Store(StoreError::Compacted { .. })) => {
            *follower = None;
            Err(StoreError::Unreadable { what: "changes that are no longer kept".to_owned() }.into())
        }
        Err(error) => Err(error),
        Ok(()) => Ok(known.head),
    }
}

impl Follower {
    async fn load(control: &Arc<Control>, tables: &Arc<dyn Tables>) -> Result<Self, TakeError> {
        let store = Arc::clone(control.store());
        let head = store.head().await?;
        let logged = store.activity_head().await?.0.saturating_sub(LOGGED);
        tables.apply(vec![Change::Clear]);
        let mut new = Self {
            control: Arc::clone(control),
            tables: Arc::clone(tables),
            reporters: HashMap::new(),
            sources: HashMap::new(),
            head,
            position: 0,
            announced: None,
            logged,
            logged_from: logged + 1,
            looked: Instant::now(),
        };
        new.load_records().await?;
        new.load_segments().await?;
        Ok(new)
    }

    /// All records: pages are read, made into rows and taken in at the same time, each step waiting for the one before it.
    async fn load_records(&mut self) -> Result<(), TakeError> {
        let (sender, mut pages) = mpsc::channel(AHEAD);
        let store = Arc::clone(self.control.store());
        let reading = tokio::spawn(async move {
            let mut after = None;
            loop {
                let list = List { after: after.take(), limit: RECORDS, ..List::default() };
                let records = store.list(&list).await?;
                after = records.last().map(|last| last.key.clone());
                let end = records.len() < RECORDS as usize;
                if sender.send(records).await.is_err() || end {
                    return Ok::<_, StoreError>(());
                }
            }
        });
        let mut making = VecDeque::new();
        while let Some(records) = pages.recv().await {
            self.note(&records);
            let control = Arc::clone(&self.control);
            making.push_back(tokio::task::spawn_blocking(move || put(&control, &records)));
            self.take(&mut making, AHEAD).await;
        }
        self.take(&mut making, 0).await;
        Ok(reading.await.map_err(|_| interrupted())??)
    }

    /// The same of what agents saw.
    async fn load_segments(&mut self) -> Result<(), TakeError> {
        let store = Arc::clone(self.control.store());
        let mut making = VecDeque::new();
        let mut after = None;
        loop {
            let segments = store.segments(after.as_deref(), SEGMENTS).await?;
            after = segments.last().map(|last| last.source.clone());
            let end = segments.len() < SEGMENTS as usize;
            for segment in segments {
                let Some(reporter) = self.reporter_of(&segment.source) else { continue };
                let source = Source { epoch: segment.source_epoch, seq: segment.seq, staged: None };
                let _ = self.sources.insert(segment.source.clone(), source);
                let objects = move || match read_segment(&segment) {
                    Ok(objects) => shown(&reporter, &objects),
                    Err(error) => {
                        tracing::warn!(%error, "what an agent saw is missing from the tables of queries");
                        Vec::new()
                    }
                };
                making.push_back(tokio::task::spawn_blocking(objects));
                self.take(&mut making, AHEAD).await;
            }
            if end {
                self.take(&mut making, 0).await;
                return Ok(());
            }
        }
    }

    /// Takes in, in their order, until so many are left on their way.
    async fn take(&self, making: &mut VecDeque<JoinHandle<Vec<Change>>>, left: usize) {
        while making.len() > left {
            let Some(made) = making.pop_front() else { return };
            match made.await {
                Ok(changes) => self.apply(move || changes).await,
                Err(error) => tracing::error!(%error, "rows could not be made for the tables of queries"),
            }
        }
    }

    fn note(&mut self, records: &[Record]) {
        self.reporters.extend(records.iter().filter_map(|record| Some((record.uid, Reporter::of(record)?))));
    }

    /// Rows of records.
    async fn put(&self, records: Vec<Record>) {
        let control = Arc::clone(&self.control);
        self.apply(move || put(&control, &records)).await;
    }

    /// Makes changes and takes them in, beside the requests.
    async fn apply(&self, changes: impl FnOnce() -> Vec<Change> + Send + 'static) {
        let tables = Arc::clone(&self.tables);
        let applied = tokio::task::spawn_blocking(move || {
            let changes = changes();
            if !changes.is_empty() {
                tables.apply(changes);
            }
        });
        if let Err(error) = applied.await {
            tracing::error!(%error, "rows could not be taken into the tables of queries");
        }
    }

    /// The newest entries of the activity log: after the changes, so that none is shown before its entry.
    async fn take_log(&mut self) -> Result<(), TakeError> {
        let store = Arc::clone(self.control.store());
        loop {
            let entries = store.activity_chain(self.logged, RECORDS).await?;
            let end = entries.len() < RECORDS as usize;
            self.logged = entries.last().map_or(self.logged, |last| last.seq);
            let old = self.logged_from..=self.logged.saturating_sub(LOGGED);
            self.logged_from = self.logged_from.max(old.end() + 1);
            let control = Arc::clone(&self.control);
            self.apply(move || {
                let table = Of::Log.position();
                let gone = old.map(|seq| Change::Remove { table, key: log::key(seq) });
                entries.iter().filter_map(|entry| log::put(&control, entry)).chain(gone).collect()
            })
            .await;
            if end {
                return self.drop_log().await;
            }
        }
    }

    /// Entries that are no longer kept go, now and then: nothing announces it.
    async fn drop_log(&mut self) -> Result<(), TakeError> {
        if self.looked.elapsed() < RETENTION {
            return Ok(());
        }
        self.looked = Instant::now();
        let oldest = self.control.store().activity_chain(self.logged_from - 1, 1).await?;
        let oldest = oldest.first().map_or(self.logged + 1, |oldest| oldest.seq);
        let gone = self.logged_from..oldest;
        self.logged_from = self.logged_from.max(oldest);
        let table = Of::Log.position();
        self.apply(move || gone.map(|seq| Change::Remove { table, key: log::key(seq) }).collect()).await;
        Ok(())
    }

    async fn catch_up(&mut self, newest: u64) -> Result<(), TakeError> {
        let store = Arc::clone(self.control.store());
        loop {
            let changes = store.changes(self.head.revision, RECORDS).await?;
            let end = changes.len() < RECORDS as usize;
            self.take_changes(&changes).await;
            if let Some(last) = changes.last() {
                self.head.revision = last.revision;
            }
            if end {
                break;
            }
        }
        if self.announced == Some(newest) {
            return self.take_log().await;
        }
        loop {
            let batches = store.observations(self.position, BATCHES).await?;
            let end = batches.len() < BATCHES as usize;
            for (position, observation) in batches {
                self.take_batch(&observation).await?;
                self.position = position;
            }
            if end {
                self.announced = Some(newest);
                return self.take_log().await;
            }
        }
    }

    async fn take_changes(&mut self, changes: &[bowline_store::Change]) {
        // Of each record only its newest state.
        let mut newest: HashMap<&str, &bowline_store::Change> = HashMap::new();
        for change in changes {
            let _ = newest.insert(&change.key, change);
        }
        let (mut records, mut gone) = (Vec::new(), Vec::new());
        for change in changes {
            if change.document.is_none()
                && let Some(reporter) = self.reporters.remove(&change.uid)
            {
                self.sources.retain(|name, _| source_of(name).is_none_or(|(uid, _)| uid != change.uid));
                let (table, owner) = (reporter.table(), reporter.host().owner());
                gone.push(Change::Keep { table, owner, keys: HashSet::new() });
            }
            if newest.get(change.key.as_str()).is_none_or(|newest| newest.revision != change.revision) {
                continue;
            }
            match resources::record_of(change) {
                Some(record) => records.push(record),
                None => gone.extend(resources::remove(&self.control, &change.key, &change.resource_type)),
            }
        }
        self.note(&records);
        self.apply(move || gone).await;
        self.put(records).await;
    }

    async fn take_segment(&mut self, segment: Segment) -> Result<(), TakeError> {
        let Some(reporter) = self.reporter_of(&segment.source) else { return Ok(()) };
        let source = Source { epoch: segment.source_epoch, seq: segment.seq, staged: None };
        let _ = self.sources.insert(segment.source.clone(), source);
        let objects = read_segment(&segment)?;
        self.apply(move || seen(&reporter, &objects)).await;
        Ok(())
    }

    /// Whose objects a source has.
    fn reporter_of(&self, source: &str) -> Option<Reporter> {
        let (uid, stream) = source_of(source)?;
        self.reporters.get(&uid).filter(|_| stream == INVENTORY).cloned()
    }

    async fn take_batch(&mut self, observation: &Observation) -> Result<(), TakeError> {
        let Some(reporter) = self.reporter_of(&observation.source) else { return Ok(()) };
        let known = self.sources.entry(observation.source.clone()).or_default();
        let same = known.epoch == observation.source_epoch;
        if same && observation.seq <= known.seq {
            return Ok(());
        }
        let batch = read_batch(observation)?;
        let follows = batch.full || (same && observation.seq == known.seq + 1);
        if !follows {
            // A segment took the place of what is missing here.
            let store = Arc::clone(self.control.store());
            return self.reload(&*store, &observation.source).await;
        }
        (known.epoch, known.seq) = (observation.source_epoch, observation.seq);
        if batch.full {
            known.staged = Some(HashSet::new());
        }
        if let Some(staged) = &mut known.staged {
            staged.extend(batch.objects.iter().map(|delta| reporter.host().key(&delta.key)));
        }
        let staged = if batch.more { None } else { known.staged.take() };
        self.apply(move || rows(&reporter, &batch, staged)).await;
        Ok(())
    }

    async fn reload(&mut self, store: &dyn Store, source: &str) -> Result<(), TakeError> {
        if let Some(segment) = store.segment(source).await? {
            self.take_segment(segment).await?;
        }
        loop {
            let after = self.sources.get(source).map_or(0, |source| source.seq);
            let tail = store.observations_of(source, after, BATCHES).await?;
            let end = tail.len() < BATCHES as usize;
            for observation in &tail {
                Box::pin(self.take_tail(observation)).await?;
            }
            if end {
                return Ok(());
            }
        }
    }

    /// A batch of a source's own log, which has no gap behind its segment.
    async fn take_tail(&mut self, observation: &Observation) -> Result<(), TakeError> {
        let known = self.sources.entry(observation.source.clone()).or_default();
        if known.epoch != observation.source_epoch || known.seq + 1 < observation.seq {
            (known.epoch, known.seq) = (observation.source_epoch, observation.seq - 1);
        }
        self.take_batch(observation).await
    }
}

/// Rows of records. What cannot be shown is said, and keeps nothing else out.
fn put(control: &Control, records: &[Record]) -> Vec<Change> {
    let row = |record: &Record| match resources::put(control, record) {
        Ok(row) => row,
        Err(error) => {
            tracing::warn!(key = record.key, %error, "a record is missing from the tables of queries");
            None
        }
    };
    records.iter().filter_map(row).collect()
}

/// All that a source has, and nothing else of it.
fn seen(reporter: &Reporter, objects: &[(String, Seen)]) -> Vec<Change> {
    let host = reporter.host();
    let keys = objects.iter().map(|(key, _)| host.key(key)).collect();
    let keep = Change::Keep { table: reporter.table(), owner: host.owner(), keys };
    std::iter::once(keep).chain(shown(reporter, objects)).collect()
}

fn shown(reporter: &Reporter, objects: &[(String, Seen)]) -> Vec<Change> {
    objects.iter().filter_map(|(key, seen)| reporter.put(key, &seen.object)).collect()
}

fn interrupted() -> StoreError {
    StoreError::Unreadable { what: "the record: the reading of it was interrupted".to_owned() }
}

/// What a batch changes; after the last one of a full sync only what it named is left.
fn rows(reporter: &Reporter, batch: &ObservedBatch, staged: Option<HashSet<String>>) -> Vec<Change> {
    let (table, host) = (reporter.table(), reporter.host());
    let one = |delta: &bowline_link::observed::Delta| match &delta.object {
        Some(object) if !delta.deleted => reporter.put(&delta.key, &object.to_string()),
        _ => Some(Change::Remove { table, key: host.key(&delta.key) }),
    };
    let keep = staged.map(|keys| Change::Keep { table, owner: host.owner(), keys });
    batch.objects.iter().filter_map(one).chain(keep).collect()
}

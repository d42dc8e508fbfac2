//! What agents saw: the current objects of each source, rebuilt from its segment and the tail of the observation log.
//!
//! # Design notes
//! Objects are kept as JSON text, one allocation each. A source is loaded when it is first asked for. A full sync is staged
//! beside the old state and replaces it when its last batch has arrived, so that a reader never sees half a cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bowline_link::observed::{Delta, LogPosition, ObservedBatch, Verdict};
use bowline_store::{Observation, ObservationError, Segment, Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The sources that an agent reports under.
pub const SOURCES: [&str; 1] = ["inventory"];
/// A segment is written after so many batches.
const BATCHES_PER_SEGMENT: u64 = 64;
/// The compression level of what is kept.
const LEVEL: i32 = 3;

/// One object as it was seen last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// JSON text of the object.
    pub object: Arc<str>,
    /// When the server took it.
    pub at: Timestamp,
}

type Objects = BTreeMap<String, Seen>;

/// The state of one source.
#[derive(Debug, Default)]
pub struct Source {
    position: LogPosition,
    objects: Objects,
    staged: Option<Objects>,
    since_segment: u64,
    /// The newest position of the log when this was known to be all.
    checked_at: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredSegment {
    objects: Vec<(String, Seen)>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The source must send everything again.
    #[error("the log of this source continues at {expected}")]
    Resync {
        /// The next number.
        expected: u64,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's writer.
    #[error(transparent)]
    Write(#[from] ObservationError),
    /// A kept batch cannot be read.
    #[error("a kept batch of {name} cannot be read: {reason}")]
    Unreadable {
        /// The source.
        name: String,
        /// Why.
        reason: String,
    },
}

type Shared = Arc<tokio::sync::Mutex<Option<Source>>>;

/// All sources.
pub struct Inventory {
    store: Arc<dyn Store>,
    sources: Mutex<HashMap<String, Shared>>,
}

impl Inventory {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, sources: Mutex::default() }
    }

    fn slot(&self, name: &str) -> Shared {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sources.entry(name.to_owned()).or_default())
    }

    /// Takes a batch: durable in the log, then visible. Gives the number that is acknowledged.
    ///
    /// # Errors
    /// See [`TakeError`]; after [`TakeError::Resync`] the agent sends a full sync.
    pub async fn take(&self, uid: Uuid, batch: &ObservedBatch, now: Timestamp) -> Result<u64, TakeError> {
        let name = source_name(uid, &batch.source);
        let slot = self.slot(&name);
        let mut guard = slot.lock().await;
        let source = self.fresh(&name, &mut guard, true).await?;
        let position = match source.position.judge(batch.source_epoch, batch.seq, batch.full) {
            Verdict::Append(position) => position,
            Verdict::Duplicate { acknowledged } => return Ok(acknowledged),
            Verdict::Resync { expected } => return Err(TakeError::Resync { expected }),
        };
        let bytes = compress(batch, &name)?;
        let observation = Observation {
            source: name.clone(),
            source_epoch: batch.source_epoch,
            seq: batch.seq,
            time: now,
            bytes,
        };
        if let Err(error) = self.store.append_observation(observation).await {
            // What the log holds may differ from what was believed: read it again at the next batch.
            *guard = None;
            return Err(match error {
                ObservationError::OutOfOrder { expected } => TakeError::Resync { expected },
                error => TakeError::Write(error),
            });
        }
        source.apply(batch, now);
        source.position = position;
        source.since_segment += 1;
        if source.since_segment >= BATCHES_PER_SEGMENT && source.staged.is_none() {
            self.write_segment(&name, source, now).await?;
        }
        Ok(position.seq)
    }

    async fn write_segment(&self, name: &str, source: &mut Source, now: Timestamp) -> Result<(), TakeError> {
        let stored =
            StoredSegment { objects: source.objects.iter().map(|(k, v)| (k.clone(), v.clone())).collect() };
        let bytes = compress(&stored, name)?;
        if bytes.len() < bowline_store::MAX_DOCUMENT_BYTES {
            let LogPosition { source_epoch, seq } = source.position;
            self.store
                .put_segment(Segment { source: name.to_owned(), source_epoch, seq, time: now, bytes })
                .await?;
        }
        source.since_segment = 0;
        Ok(())
    }

    /// The source with all that servers took of it; `certain` asks the database even when nothing new was announced.
    async fn fresh<'a>(
        &self,
        name: &str,
        slot: &'a mut Option<Source>,
        certain: bool,
    ) -> Result<&'a mut Source, TakeError> {
        // Read before the rows: what comes later is looked for the next time.
        let newest = *self.store.watch_observations().borrow();
        let behind = match slot {
            // One server alone took everything itself.
            Some(_) if self.store.fleet().is_none() => false,
            Some(source) if !certain && source.checked_at >= newest => false,
            Some(source) => {
                let LogPosition { source_epoch, seq } = source.position;
                let found = self.store.source_position(name).await?;
                found.is_some_and(|found| found != (source_epoch, seq)) || (found.is_none() && seq > 0)
            }
            None => true,
        };
        if behind {
            *slot = Some(self.load(name).await?);
        }
        let source = slot.get_or_insert_default();
        source.checked_at = newest;
        Ok(source)
    }

    async fn load(&self, name: &str) -> Result<Source, TakeError> {
        let mut source = Source::default();
        if let Some(segment) = self.store.segment(name).await? {
            let stored: StoredSegment = decompress(&segment.bytes, name)?;
            source.objects = stored.objects.into_iter().collect();
            source.position = LogPosition { source_epoch: segment.source_epoch, seq: segment.seq };
        }
        loop {
            let tail = self.store.observations_of(name, source.position.seq, 200).await?;
            let end = tail.len() < 200;
            for observation in tail {
                let batch: ObservedBatch = decompress(&observation.bytes, name)?;
                source.apply(&batch, observation.time);
                source.position =
                    LogPosition { source_epoch: observation.source_epoch, seq: observation.seq };
                source.since_segment += 1;
            }
            if end {
                return Ok(source);
            }
        }
    }

    /// Objects of a source in the order of their keys, after a key; `wanted` sees the key and the object's text.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub async fn list(
        &self,
        uid: Uuid,
        source: &str,
        after: Option<&str>,
        limit: usize,
        wanted: impl Fn(&str, &str) -> bool,
    ) -> Result<Vec<(String, Seen)>, TakeError> {
        let name = source_name(uid, source);
        let slot = self.slot(&name);
        let mut guard = slot.lock().await;
        let source = self.fresh(&name, &mut guard, false).await?;
        let from = match after {
            Some(after) => (std::ops::Bound::Excluded(after.to_owned()), std::ops::Bound::Unbounded),
            None => (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded),
        };
        Ok(source
            .objects
            .range(from)
            .filter(|(k, v)| wanted(k, &v.object))
            .take(limit)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect())
    }

    /// Forgets a source of a deleted resource.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn remove(&self, uid: Uuid, source: &str) -> Result<(), StoreError> {
        let name = source_name(uid, source);
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        self.store.remove_source(&name).await
    }

    /// Forgets what is in memory; it is read again when it is asked for.
    pub fn forget(&self) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Source {
    fn apply(&mut self, batch: &ObservedBatch, now: Timestamp) {
        if batch.full {
            self.staged = Some(Objects::new());
        }
        let target = self.staged.as_mut().unwrap_or(&mut self.objects);
        for delta in &batch.objects {
            apply_delta(target, delta, now);
        }
        if !batch.more
            && let Some(staged) = self.staged.take()
        {
            self.objects = staged;
        }
    }
}

fn apply_delta(objects: &mut Objects, delta: &Delta, now: Timestamp) {
    match &delta.object {
        Some(object) if !delta.deleted => {
            objects.insert(delta.key.clone(), Seen { object: object.to_string().into(), at: now });
        }
        _ => {
            objects.remove(&delta.key);
        }
    }
}

/// What a kept batch says.
pub(crate) fn read_batch(observation: &Observation) -> Result<ObservedBatch, TakeError> {
    decompress(&observation.bytes, &observation.source)
}

/// The objects of a kept segment, by their keys.
pub(crate) fn read_segment(segment: &Segment) -> Result<Vec<(String, Seen)>, TakeError> {
    decompress::<StoredSegment>(&segment.bytes, &segment.source).map(|stored| stored.objects)
}

/// The resource and the stream of a source.
pub(crate) fn source_of(name: &str) -> Option<(Uuid, &str)> {
    let (uid, stream) = name.split_once('/')?;
    Some((Uuid::parse_str(uid).ok()?, stream))
}

fn source_name(uid: Uuid, source: &str) -> String {
    format!("{}/{source}", uid.simple())
}

fn compress(value: &impl Serialize, name: &str) -> Result<Vec<u8>, TakeError> {
    let unreadable = |reason: String| TakeError::Unreadable { name: name.to_owned(), reason };
    let plain = serde_json::to_vec(value).map_err(|e| unreadable(e.to_string()))?;
    zstd::bulk::compress(&plain, LEVEL).map_err(|e| unreadable(e.to_string()))
}

fn decompress<T: serde::de::DeserializeOwned>(bytes: &[u8], name: &str) -> Result<T, TakeError> {
    let unreadable = |reason: String| TakeError::Unreadable { name: name.to_owned(), reason };
    let plain = zstd::stream::decode_all(bytes).map_err(|e| unreadable(e.to_string()))?;
    serde_json::from_slice(&plain).map_err(|e| unreadable(e.to_string()))
}

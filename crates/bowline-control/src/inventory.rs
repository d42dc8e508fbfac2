//! What agents saw: the current objects of each source, rebuilt from its segment and the tail of the observation log.
//!
//! # Design notes
//! Of a source that only reports, no more is in memory than where it is: its objects are in the tables of queries already. They are loaded,
//! as JSON text, when somebody lists them or a segment is written, and of those that were listed last some stay. A full sync is staged beside the old state and
//! replaces it when its last batch has arrived, so that a reader never sees half a cluster.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bowline_link::observed::{Delta, LogPosition, ObservedBatch, Verdict};
use bowline_store::{Observation, ObservationError, Segment, Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The sources that an agent reports under.
pub const SOURCES: [&str; 1] = ["inventory"];
/// Every so manieth batch a segment is written.
const BATCHES_PER_SEGMENT: u64 = 64;
/// Bytes of objects that stay in memory after they were listed; those of the source that was listed last stay anyway.
const LISTED: usize = 64 << 20;
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

/// The objects of one source.
#[derive(Debug, Default)]
struct Content {
    objects: Objects,
    staged: Option<Objects>,
}

/// The state of one source.
#[derive(Debug, Default)]
struct Source {
    position: LogPosition,
    /// While they are in memory.
    content: Option<Content>,
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
    /// Sources whose objects are in memory, and their bytes; the one that was listed last is the last.
    listed: Mutex<VecDeque<(String, usize)>>,
}

impl Inventory {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, sources: Mutex::default(), listed: Mutex::default() }
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
        if let Some(content) = &mut source.content {
            content.apply(batch, now);
        }
        source.position = position;
        if position.seq.is_multiple_of(BATCHES_PER_SEGMENT) {
            self.write_segment(&name, now).await?;
        }
        Ok(position.seq)
    }

    /// Of the whole log; none while a full sync is under way, the next one then.
    async fn write_segment(&self, name: &str, now: Timestamp) -> Result<(), TakeError> {
        let whole = self.load(name).await?;
        let Some(Content { objects, staged: None }) = whole.content else { return Ok(()) };
        let bytes = compress(&StoredSegment { objects: objects.into_iter().collect() }, name)?;
        if bytes.len() < bowline_store::MAX_DOCUMENT_BYTES {
            let LogPosition { source_epoch, seq } = whole.position;
            self.store
                .put_segment(Segment { source: name.to_owned(), source_epoch, seq, time: now, bytes })
                .await?;
        }
        Ok(())
    }

    /// Where the source is with all that servers took of it; `certain` asks the database even when nothing new was announced.
    async fn fresh<'a>(
        &self,
        name: &str,
        slot: &'a mut Option<Source>,
        certain: bool,
    ) -> Result<&'a mut Source, TakeError> {
        // Read before the rows: what comes later is looked for the next time.
        let newest = *self.store.watch_observations().borrow();
        let known = match slot {
            // One server alone took everything itself.
            Some(_) if self.store.fleet().is_none() => true,
            Some(source) => !certain && source.checked_at >= newest,
            None => false,
        };
        if !known {
            let found = self.store.source_position(name).await?;
            let position =
                found.map(|(source_epoch, seq)| LogPosition { source_epoch, seq }).unwrap_or_default();
            if slot.as_ref().is_none_or(|source| source.position != position) {
                *slot = Some(Source { position, ..Source::default() });
            }
        }
        let source = slot.get_or_insert_default();
        source.checked_at = newest;
        Ok(source)
    }

    async fn load(&self, name: &str) -> Result<Source, TakeError> {
        let (mut source, mut content) = (Source::default(), Content::default());
        if let Some(segment) = self.store.segment(name).await? {
            let stored: StoredSegment = decompress(&segment.bytes, name)?;
            content.objects = stored.objects.into_iter().collect();
            source.position = LogPosition { source_epoch: segment.source_epoch, seq: segment.seq };
        }
        loop {
            let tail = self.store.observations_of(name, source.position.seq, 200).await?;
            let end = tail.len() < 200;
            for observation in tail {
                let batch: ObservedBatch = decompress(&observation.bytes, name)?;
                content.apply(&batch, observation.time);
                source.position =
                    LogPosition { source_epoch: observation.source_epoch, seq: observation.seq };
            }
            if end {
                source.content = Some(content);
                return Ok(source);
            }
        }
    }

    /// Makes room for what was listed: the objects of those that were not listed for longest go, unless they are in use.
    fn note_listed(&self, name: &str, bytes: usize) {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.retain(|(other, _)| other != name);
        let mut held = bytes + listed.iter().map(|(_, bytes)| bytes).sum::<usize>();
        for _ in 0..listed.len() {
            if held <= LISTED {
                break;
            }
            let Some((other, bytes)) = listed.pop_front() else { break };
            match self.slot(&other).try_lock() {
                Ok(mut slot) => {
                    held -= bytes;
                    if let Some(source) = &mut *slot {
                        source.content = None;
                    }
                }
                Err(_) => listed.push_back((other, bytes)),
            }
        }
        listed.push_back((name.to_owned(), bytes));
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
        if self.fresh(&name, &mut guard, false).await?.content.is_none() {
            let checked_at = guard.as_ref().map_or(0, |source| source.checked_at);
            *guard = Some(Source { checked_at, ..self.load(&name).await? });
        }
        let content = guard.as_ref().and_then(|source| source.content.as_ref());
        let Some(Content { objects, .. }) = content else { return Ok(Vec::new()) };
        self.note_listed(&name, objects.values().map(|seen| seen.object.len()).sum());
        let from = match after {
            Some(after) => (std::ops::Bound::Excluded(after.to_owned()), std::ops::Bound::Unbounded),
            None => (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded),
        };
        Ok(objects
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

impl Content {
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

#[cfg(test)]
mod tests {
    use bowline_store::{SqliteOptions, open_sqlite};
    use serde_json::json;

    use super::*;

    const UID: Uuid = Uuid::from_u128(5);
    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn batch(seq: u64, full: bool, more: bool, keys: std::ops::Range<u64>) -> ObservedBatch {
        let object = |key: u64| {
            let object = json!({"n": key, "seq": seq});
            Delta { key: format!("k{key:03}"), hash: None, object: Some(object), deleted: false }
        };
        let (session, source_epoch, source) = (Uuid::nil(), Uuid::from_u128(9), SOURCES[0].to_owned());
        let objects = keys.map(object).collect();
        ObservedBatch { session, source, source_epoch, seq, full, more, status: None, objects }
    }

    async fn listed(inventory: &Inventory) -> Vec<(String, String)> {
        let all = inventory.list(UID, SOURCES[0], None, usize::MAX, |_, _| true).await.unwrap();
        all.into_iter().map(|(key, seen)| (key, seen.object.to_string())).collect()
    }

    fn held(inventory: &Inventory) -> bool {
        let slot = inventory.slot(&source_name(UID, SOURCES[0]));
        slot.try_lock().unwrap().as_ref().is_some_and(|source| source.content.is_some())
    }

    /// Nothing of it is in memory until it is listed; then it is followed, also through segments and a full sync in two parts, and another
    /// server's memory of the same log is the same.
    #[tokio::test]
    async fn objects_are_in_memory_when_somebody_lists_them() {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = open_sqlite(SqliteOptions::new(folder.path())).await.unwrap();
        let inventory = Inventory::new(Arc::clone(&store));
        let mut seq = 0;
        let mut take = async |full, more, keys| {
            seq += 1;
            assert_eq!(inventory.take(UID, &batch(seq, full, more, keys), AT).await.unwrap(), seq);
        };
        take(true, false, 0..20).await;
        for n in 0..BATCHES_PER_SEGMENT + 5 {
            take(false, false, n % 30..n % 30 + 1).await;
        }
        assert!(!held(&inventory));
        assert!(store.segment(&source_name(UID, SOURCES[0])).await.unwrap().is_some());
        let before = listed(&inventory).await;
        assert_eq!((before.len(), held(&inventory)), (30, true));
        take(false, false, 40..41).await;
        take(true, true, 0..3).await;
        assert_eq!(listed(&inventory).await.len(), 31, "half of a sync is not seen");
        assert_eq!(listed(&Inventory::new(Arc::clone(&store))).await, listed(&inventory).await);
        take(false, false, 7..9).await;
        let after = listed(&inventory).await;
        assert_eq!(after.len(), 5);
        assert_eq!(listed(&Inventory::new(Arc::clone(&store))).await, after);
        // Another one that is as large as all that may stay takes its place.
        inventory.note_listed("other", LISTED);
        assert!(!held(&inventory));
        assert_eq!(listed(&inventory).await, after);
        // A batch that was lost is asked for, and a duplicate is acknowledged, whatever is in memory.
        let far = inventory.take(UID, &batch(500, false, false, 0..1), AT).await;
        assert!(matches!(far, Err(TakeError::Resync { .. })));
        assert_eq!(inventory.take(UID, &batch(1, false, false, 0..1), AT).await.unwrap(), seq);
    }
}

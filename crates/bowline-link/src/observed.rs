//! What an agent saw, in batches: their sequence, epochs and resync rules, as pure state machines for both ends.
//!
//! # Rules
//! - A source numbers its batches from 1 in a `sourceEpoch`; a source that lost its state draws a new epoch.
//! - The first batch of an epoch, and whatever answers `ResyncRequired`, is a *full sync*: its first batch carries
//!   `full` and replaces everything the server had of that source; all but its last carry `more`.
//! - One batch is in flight per source. A lost answer is healed by sending the same batch again: the server
//!   acknowledges a number it already has without appending it twice.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::item::ContentHash;

/// The most that a batch may take on the wire, compressed.
pub const MAX_WIRE_BYTES: usize = 4 * 1024 * 1024;
/// The most that a batch may take unpacked.
pub const MAX_UNPACKED_BYTES: usize = 32 * 1024 * 1024;
/// Where an agent cuts its batches, unpacked: a small agent holds no more than this.
pub const DEFAULT_BATCH_BYTES: usize = 1024 * 1024;

/// One batch, as it is posted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedBatch {
    pub session: Uuid,
    pub source: String,
    pub source_epoch: Uuid,
    pub seq: u64,
    #[serde(default)]
    pub full: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The resource's reported properties; only when they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Delta>,
}

/// A whole object or a tombstone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ContentHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl Delta {
    /// The object exists with this content.
    pub fn object(key: impl Into<String>, hash: ContentHash, object: Value) -> Self {
        Self { key: key.into(), hash: Some(hash), object: Some(object), deleted: false }
    }

    /// The object is gone.
    pub fn tombstone(key: impl Into<String>) -> Self {
        Self { key: key.into(), hash: None, object: None, deleted: true }
    }

    /// Its size as JSON, near enough to cut batches by.
    pub fn size(&self) -> usize {
        let object = self.object.as_ref().map_or(0, json_size);
        self.key.len() + object + 112
    }
}

/// The length of a value as JSON, without writing it anywhere.
pub fn json_size(value: &Value) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value)
        .expect("a JSON value has string keys and the counter never fails");
    counter.0
}

/// The answer to a batch that was appended or had been before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub acknowledged: u64,
}

/// The code of the answer 409 that asks for a full sync.
pub const RESYNC_REQUIRED: &str = "ResyncRequired";

/// The body of the answer 409.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncRequired {
    pub error: ResyncCode,
    pub expected: u64,
}

/// The error inside [`ResyncRequired`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResyncCode {
    pub code: String,
    #[serde(default)]
    pub message: String,
}

impl ResyncRequired {
    /// The answer for a source whose next number the server expects to be this.
    pub fn new(expected: u64) -> Self {
        let message =
            format!("The log of this source does not continue here (expected {expected}); send a full sync.");
        Self { error: ResyncCode { code: RESYNC_REQUIRED.to_owned(), message }, expected }
    }
}

/// The server's end: how far the log of one source reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogPosition {
    pub source_epoch: Uuid,
    /// 0 when there is nothing.
    pub seq: u64,
}

/// What the server does with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Append it; the log then reaches this position.
    Append(LogPosition),
    /// It is there already: acknowledge this number.
    Duplicate { acknowledged: u64 },
    /// It does not continue the log: answer 409.
    Resync { expected: u64 },
}

impl LogPosition {
    /// Judges a batch by its header.
    pub fn judge(&self, source_epoch: Uuid, seq: u64, full: bool) -> Verdict {
        let next = LogPosition { source_epoch, seq };
        if source_epoch != self.source_epoch {
            return if full && seq > 0 { Verdict::Append(next) } else { Verdict::Resync { expected: 1 } };
        }
        if seq <= self.seq {
            return Verdict::Duplicate { acknowledged: self.seq };
        }
        if seq == self.seq + 1 || full {
            Verdict::Append(next)
        } else {
            Verdict::Resync { expected: self.seq + 1 }
        }
    }
}

/// Why an agent could not put a delta into a batch.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QueueError {
    #[error("the object {key} takes {size} bytes; a batch holds at most {limit}")]
    ObjectTooLarge { key: String, size: usize, limit: usize },
}

/// What the agent's end wants now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The role must deliver everything again, then say [`ObservedLog::finish_full`].
    NeedsFull,
    /// A full sync is being delivered.
    Full,
    /// Deltas follow.
    Deltas,
}

/// What a batch takes of what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// The status and as many objects as fit.
    Everything,
    /// The status alone; objects go on waiting.
    Status,
}

/// What there is to post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A batch that was cut already, or a piece of a full delivery: it should not wait.
    Batch,
    /// Deltas.
    Deltas { objects: bool, status: bool },
}

/// The agent's end for one source: turns deltas into numbered batches, one in flight at a time.
#[derive(Debug)]
pub struct ObservedLog {
    source: String,
    source_epoch: Uuid,
    next_seq: u64,
    phase: Phase,
    /// The next batch opens a full sync.
    opens_full: bool,
    /// The role has delivered the last object of the full sync.
    full_delivered: bool,
    limit: usize,
    /// What was reported last, kept because every full sync repeats it.
    status: Option<Value>,
    status_unsent: bool,
    queue: VecDeque<Delta>,
    queued_bytes: usize,
    in_flight: Option<ObservedBatch>,
}

impl ObservedLog {
    /// A source that has just started, and hence needs a full sync.
    pub fn new(source: impl Into<String>, source_epoch: Uuid, limit: usize) -> Self {
        Self {
            source: source.into(),
            source_epoch,
            next_seq: 1,
            phase: Phase::NeedsFull,
            opens_full: true,
            full_delivered: false,
            limit: limit.min(MAX_WIRE_BYTES - 4096),
            status: None,
            status_unsent: false,
            queue: VecDeque::new(),
            queued_bytes: 0,
            in_flight: None,
        }
    }

    /// The name of the source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What this end wants now.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Bytes that wait to be sent; the caller stops taking from the role above its own limit.
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Everything queued so far is void: the role starts delivering everything.
    pub fn begin_full(&mut self) {
        self.phase = Phase::Full;
        self.opens_full = true;
        self.full_delivered = false;
        self.status_unsent = self.status.is_some();
        self.in_flight = None;
        self.queue.clear();
        self.queued_bytes = 0;
    }

    /// The role has delivered everything.
    pub fn finish_full(&mut self) {
        if self.phase == Phase::Full {
            self.full_delivered = true;
        }
    }

    /// The server cannot continue this log.
    pub fn resync(&mut self) {
        self.phase = Phase::NeedsFull;
        self.in_flight = None;
        self.queue.clear();
        self.queued_bytes = 0;
    }

    /// The resource's reported properties, which are sent only if they differ from those before.
    pub fn set_status(&mut self, status: Value) {
        if self.status.as_ref() != Some(&status) {
            self.status = Some(status);
            self.status_unsent = true;
        }
    }

    /// Queues a delta.
    pub fn push(&mut self, delta: Delta) -> Result<(), QueueError> {
        let size = delta.size();
        if size > self.limit {
            return Err(QueueError::ObjectTooLarge { key: delta.key, size, limit: self.limit });
        }
        self.queued_bytes += size;
        self.queue.push_back(delta);
        Ok(())
    }

    /// What there is to post, without cutting a batch: what arrives before it is cut still gets in. `None` when there is
    /// nothing to say.
    pub fn waiting(&self) -> Option<Waiting> {
        if self.in_flight.is_some() {
            return Some(Waiting::Batch);
        }
        match self.phase {
            Phase::NeedsFull => None,
            Phase::Full => (self.full_delivered || self.queued_bytes >= self.limit).then_some(Waiting::Batch),
            Phase::Deltas => {
                let (objects, status) = (!self.queue.is_empty(), self.status_unsent);
                (objects || status).then_some(Waiting::Deltas { objects, status })
            }
        }
    }

    /// The batch to post now: the one in flight again, or the next one. `None` when there is nothing to say.
    pub fn next_batch(&mut self, session: Uuid, share: Share) -> Option<&ObservedBatch> {
        if self.in_flight.is_none() && self.waiting().is_some() {
            self.in_flight = Some(self.cut_batch(session, share));
        }
        if let Some(batch) = &mut self.in_flight {
            batch.session = session;
        }
        self.in_flight.as_ref()
    }

    fn cut_batch(&mut self, session: Uuid, share: Share) -> ObservedBatch {
        let in_full = self.phase == Phase::Full;
        let status = std::mem::take(&mut self.status_unsent).then(|| self.status.clone()).flatten();
        let objects = if in_full || share == Share::Everything {
            self.take_objects(status.as_ref().map_or(0, json_size))
        } else {
            Vec::new()
        };
        let last = in_full && self.full_delivered && self.queue.is_empty();
        let batch = ObservedBatch {
            session,
            source: self.source.clone(),
            source_epoch: self.source_epoch,
            seq: self.next_seq,
            full: in_full && self.opens_full,
            more: in_full && !last,
            status,
            objects,
        };
        self.opens_full = false;
        if last {
            self.phase = Phase::Deltas;
        }
        self.next_seq += 1;
        batch
    }

    fn take_objects(&mut self, mut used: usize) -> Vec<Delta> {
        let mut objects = Vec::new();
        while let Some(next) = self.queue.front() {
            let size = next.size();
            if !objects.is_empty() && used + size > self.limit {
                break;
            }
            used += size;
            self.queued_bytes -= size;
            objects.extend(self.queue.pop_front());
        }
        objects
    }

    /// The batch in flight.
    pub fn in_flight(&self) -> Option<&ObservedBatch> {
        self.in_flight.as_ref()
    }

    /// The server has this number. Says whether it was the batch in flight.
    pub fn acknowledged(&mut self, seq: u64) -> bool {
        let ours = self.in_flight.as_ref().is_some_and(|batch| batch.seq <= seq);
        if ours {
            self.in_flight = None;
        }
        ours
    }
}

//! A commit: what one caller wants to be written together, under which conditions, and how it may be refused.

use crate::model::{
    Activity, Draft, Entry, Head, MAX_ACTIVITY_BYTES, MAX_DOCUMENT_BYTES, MAX_KEY_BYTES, Observation,
    Revision,
};
use jiff::Timestamp;
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// Everything that one caller changes at once: all of it or nothing.
///
/// Guards and preconditions are judged on the state before this commit's own writes. Each write gets one revision, and
/// the revisions of one commit follow each other. A commit without writes gets none.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The tenant of created records.
    pub tenant: Uuid,
    /// Who does it, for the feed.
    pub actor: String,
    /// The request it belongs to, for the feed.
    pub correlation_id: Uuid,
    /// The caller's one reading of the clock: times of records and changes, expiry of entries.
    pub now: Timestamp,
    /// What must hold.
    pub guards: Vec<Guard>,
    /// Records; at most one write per key.
    pub writes: Vec<Write>,
    /// Entries.
    pub entries: Vec<EntryWrite>,
    /// Watermarks that are raised to this commit's last revision; needs at least one write.
    pub watermarks: Vec<String>,
    /// Where it comes from, for the feed.
    pub origin: Option<String>,
    /// What it leaves in the activity log.
    pub activity: Vec<Activity>,
}

/// One write of a record.
#[derive(Debug, Clone)]
pub enum Write {
    /// The key must be free.
    Create(Draft),
    /// The record must exist with the draft's uid and, where given, at this revision.
    Update {
        /// The new content.
        draft: Draft,
        /// The revision that it replaces.
        expected: Option<Revision>,
    },
    /// The record must exist with this uid and, where given, at this revision.
    Delete {
        /// The record's key.
        key: String,
        /// The record's uid.
        uid: Uuid,
        /// The revision that is deleted.
        expected: Option<Revision>,
    },
}

impl Write {
    /// The key that is written.
    pub fn key(&self) -> &str {
        match self {
            Write::Create(draft) | Write::Update { draft, .. } => &draft.key,
            Write::Delete { key, .. } => key,
        }
    }

    /// What it carries, if it carries anything.
    pub(crate) fn draft(&self) -> Option<&Draft> {
        match self {
            Write::Create(draft) | Write::Update { draft, .. } => Some(draft),
            Write::Delete { .. } => None,
        }
    }
}

/// A condition, checked inside the transaction.
#[derive(Debug, Clone)]
pub enum Guard {
    /// The record is still this one at this revision.
    Unchanged {
        /// Its key.
        key: String,
        /// Its uid.
        uid: Uuid,
        /// Its revision.
        revision: Revision,
    },
    /// The record exists and is not being deleted.
    Alive {
        /// Its key.
        key: String,
    },
    /// There is no such record.
    Absent {
        /// Its key.
        key: String,
    },
    /// No key starts with this key and a slash.
    NoDescendants {
        /// The upper key.
        key: String,
    },
    /// The named watermark is not newer than `at`: nothing was raised since the caller read it.
    Watermark {
        /// Its name.
        name: String,
        /// The revision at which the caller read.
        at: Revision,
    },
    /// The lease was not released, and nobody acquired it since: the fence of background tasks.
    Lease {
        /// Its name.
        name: String,
        /// The epoch that the caller got with it.
        epoch: u64,
    },
}

/// One write of an entry. Several commits may write the same entry at once: they take turns.
#[derive(Debug, Clone)]
pub enum EntryWrite {
    /// Written whatever was there.
    Put {
        /// The new content.
        entry: Entry,
    },
    /// Refused when a live one exists.
    Insert {
        /// The new content.
        entry: Entry,
    },
    /// Refused unless a live one of this version exists.
    Replace {
        /// The new content.
        entry: Entry,
        /// The version that it replaces.
        expected_version: u64,
    },
    /// Must exist live; it is removed.
    Take {
        /// First half of its name.
        kind: String,
        /// Second half of its name.
        key: String,
    },
    /// One more use; refused when `max` uses were counted, and when no live one exists.
    Count {
        /// First half of its name.
        kind: String,
        /// Second half of its name.
        key: String,
        /// The most uses.
        max: u64,
    },
    /// Removed if it is there.
    Remove {
        /// First half of its name.
        kind: String,
        /// Second half of its name.
        key: String,
    },
}

impl EntryWrite {
    /// Kind and key of the entry.
    pub fn name(&self) -> (&str, &str) {
        match self {
            EntryWrite::Put { entry } | EntryWrite::Insert { entry } | EntryWrite::Replace { entry, .. } => {
                (&entry.kind, &entry.key)
            }
            EntryWrite::Take { kind, key }
            | EntryWrite::Count { kind, key, .. }
            | EntryWrite::Remove { kind, key } => (kind, key),
        }
    }

    pub(crate) fn entry(&self) -> Option<&Entry> {
        match self {
            EntryWrite::Put { entry } | EntryWrite::Insert { entry } | EntryWrite::Replace { entry, .. } => {
                Some(entry)
            }
            _ => None,
        }
    }
}

/// What a commit became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// One per write, in the order of the writes.
    pub revisions: Vec<Revision>,
    /// The head of the store after the transaction that contains the commit.
    pub head: Head,
}

/// Why a commit was not written. Unless it is [`CommitError::OutcomeUnknown`], nothing of it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A guard, write or entry did not hold.
    #[error("the commit was refused: {0}")]
    Refused(Refusal),
    /// Too much waits already.
    #[error("too many commits wait for the database; try again in {} ms", retry_after.as_millis())]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The commit itself cannot be right.
    #[error("the commit is malformed: {0}")]
    Invalid(String),
    /// The disk is nearly full; reads go on, writes resume by themselves once there is space.
    #[error(
        "the disk of the database has {available} bytes left, below the reserve of {reserve}: free some space, writing resumes by itself"
    )]
    DiskFull {
        /// What is left.
        available: u64,
        /// What must be left.
        reserve: u64,
    },
    /// The database accepts no writes.
    #[error("the database is read-only ({reason}); writing resumes when it accepts writes again")]
    ReadOnly {
        /// What the database said.
        reason: String,
    },
    /// The database could not be reached or failed; nothing was written.
    #[error("the database is not available ({reason}); nothing was written, try again")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// The connection broke while the transaction was being committed, and did not come back in time.
    #[error("the database was lost while it committed ({reason}); read the resource again before you retry")]
    OutcomeUnknown {
        /// What happened.
        reason: String,
    },
}

/// Which part of a commit did not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The part.
    pub place: Place,
    /// The reason.
    pub reason: Reason,
    /// The uid of the record that is there now, if one is.
    pub uid: Option<Uuid>,
    /// The revision of the record or watermark that is there now, if one is.
    pub revision: Option<Revision>,
}

/// A part of a commit, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `guards[n]`
    Guard(usize),
    /// `writes[n]`
    Write(usize),
    /// `entries[n]`
    Entry(usize),
}

/// Why a part of a commit did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A record of this key exists.
    #[error("the record exists already")]
    Exists,
    /// No record of this key exists.
    #[error("the record does not exist")]
    Missing,
    /// The record was deleted and made again.
    #[error("another record has taken this id")]
    OtherUid,
    /// The record has another revision.
    #[error("the record was changed meanwhile")]
    Changed,
    /// The record is being deleted.
    #[error("the record is being deleted")]
    Deleting,
    /// There are records below.
    #[error("there are records below this one")]
    HasDescendants,
    /// The principal belongs to another record.
    #[error("the principal belongs to another record")]
    PrincipalTaken,
    /// What the commit was decided by has changed.
    #[error("what the decision rests on was changed meanwhile")]
    WatermarkMoved,
    /// The lease is held by somebody else or by nobody.
    #[error("the lease was lost")]
    LeaseLost,
    /// A live entry exists.
    #[error("the entry exists already")]
    EntryExists,
    /// No live entry exists.
    #[error("the entry does not exist")]
    EntryMissing,
    /// The entry was there until it expired.
    #[error("the entry has expired")]
    EntryExpired,
    /// The entry has another version.
    #[error("the entry was changed meanwhile")]
    EntryChanged,
    /// All uses are counted.
    #[error("the entry was used as often as it may be")]
    EntryUsedUp,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, index) = match self.place {
            Place::Guard(index) => ("guard", index),
            Place::Write(index) => ("write", index),
            Place::Entry(index) => ("entry", index),
        };
        write!(f, "{part} {index}: {}", self.reason)
    }
}

impl Commit {
    /// Refuses what no database state could make right, before it takes a place in the queue.
    pub(crate) fn check(&self) -> Result<(), CommitError> {
        let mut keys = HashSet::new();
        for write in &self.writes {
            check_name("key", write.key())?;
            if !keys.insert(write.key()) {
                return invalid(format!("{} is written twice", write.key()));
            }
            if let Some(draft) = write.draft() {
                check_draft(draft)?;
            }
        }
        if self.writes.is_empty() && !self.watermarks.is_empty() {
            return invalid("a watermark is raised by a commit without writes".to_owned());
        }
        for name in &self.watermarks {
            check_name("watermark", name)?;
        }
        check_text("actor", &self.actor, MAX_KEY_BYTES)?;
        check_text("origin", self.origin.as_deref().unwrap_or_default(), MAX_KEY_BYTES)?;
        for entry in &self.entries {
            let (kind, key) = entry.name();
            check_name("entry kind", kind)?;
            check_name("entry key", key)?;
            check_size("entry", entry.entry().map_or(0, |entry| entry.data.len()))?;
        }
        for activity in &self.activity {
            check_name("activity's key", &activity.key)?;
            check_text("activity", &activity.text, MAX_ACTIVITY_BYTES)?;
        }
        self.guards.iter().try_for_each(check_guard)
    }

    /// How many bytes it keeps in memory while it waits, roughly.
    pub(crate) fn weight(&self) -> usize {
        let drafts = self.writes.iter().filter_map(Write::draft);
        let written: usize = drafts
            .map(|d| d.document.len() + d.protected.as_ref().map_or(0, Vec::len) + d.key.len() * 2)
            .sum();
        let entries: usize =
            self.entries.iter().filter_map(EntryWrite::entry).map(|entry| entry.data.len() + 100).sum();
        let told: usize =
            self.activity.iter().map(|activity| activity.text.len() + activity.key.len() + 100).sum();
        written + entries + told + 500 + (self.guards.len() + self.writes.len()) * 200
    }
}

fn check_guard(guard: &Guard) -> Result<(), CommitError> {
    match guard {
        Guard::Unchanged { key, .. }
        | Guard::Alive { key }
        | Guard::Absent { key }
        | Guard::NoDescendants { key } => check_name("guarded key", key),
        Guard::Watermark { name, .. } => check_name("guarded watermark", name),
        Guard::Lease { name, .. } => check_name("guarded lease", name),
    }
}

fn check_draft(draft: &Draft) -> Result<(), CommitError> {
    check_name("id", &draft.id)?;
    check_name("resource type", &draft.resource_type)?;
    check_text("parent", draft.parent.as_deref().unwrap_or_default(), MAX_KEY_BYTES)?;
    check_text("etag", &draft.etag, MAX_KEY_BYTES)?;
    check_text("document", &draft.document, MAX_DOCUMENT_BYTES)?;
    check_size("protected part", draft.protected.as_ref().map_or(0, Vec::len))
}

fn check_name(what: &str, name: &str) -> Result<(), CommitError> {
    if name.is_empty() {
        return invalid(format!("an empty {what}"));
    }
    check_text(what, name, MAX_KEY_BYTES)
}

fn check_text(what: &str, text: &str, limit: usize) -> Result<(), CommitError> {
    if text.len() > limit {
        return invalid(format!("the {what} has {} bytes; {limit} are possible", text.len()));
    }
    // PostgreSQL keeps no NUL in a text.
    if text.contains('\0') {
        return invalid(format!("the {what} contains a NUL character"));
    }
    Ok(())
}

fn check_size(what: &str, bytes: usize) -> Result<(), CommitError> {
    if bytes > MAX_DOCUMENT_BYTES {
        return invalid(format!("the {what} has {bytes} bytes; {MAX_DOCUMENT_BYTES} are possible"));
    }
    Ok(())
}

fn invalid(what: String) -> Result<(), CommitError> {
    Err(CommitError::Invalid(what))
}

/// As [`Commit::check`].
pub(crate) fn check_observation(observation: &Observation) -> Result<(), CommitError> {
    check_name("source", &observation.source)?;
    check_size("observation", observation.bytes.len())
}

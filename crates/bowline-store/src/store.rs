//! The port: what every database behind it must do. [`mod@crate::conformance`] says it as tests.

use crate::commit::{Commit, CommitError, Committed};
use crate::figures::Figures;
use crate::fleet::Fleet;
use crate::model::{
    ActivityQuery, Change, Entry, Head, Lease, List, Load, MAX_KEY_BYTES, MAX_ROWS, MAX_SEGMENT_BYTES,
    Observation, Record, Revision, Segment, Stamp, Statement,
};
use async_trait::async_trait;
use bowline_arm::chain::{Link, LoggedEntry};
use jiff::Timestamp;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// The record of one control plane.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The newest head that this process knows. It says "look again" and never carries data: what another server
    /// committed shows up here within the poll interval at the latest.
    fn watch(&self) -> watch::Receiver<Head>;

    /// The newest position of the observation log that this process knows; as [`Store::watch`].
    fn watch_observations(&self) -> watch::Receiver<u64>;

    /// The head, from the database.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Writes a commit, or nothing of it. It is durable when this returns.
    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError>;

    /// How much the writer and the readers of this process have before them.
    fn load(&self) -> Load;

    /// What was counted since this process began.
    fn figures(&self) -> &Figures;

    /// The record of a key.
    async fn get(&self, key: &str) -> Result<Option<Record>, StoreError>;

    /// Which version of a key's record there is, without reading the document.
    async fn stamp(&self, key: &str) -> Result<Option<Stamp>, StoreError>;

    /// The records of these keys (at most [`MAX_ROWS`]), in no order; what is gone is left out.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Record>, StoreError>;

    /// The record that owns a principal.
    async fn get_by_principal(&self, principal: Uuid) -> Result<Option<Record>, StoreError>;

    /// Records in the order of their keys (by bytes). Fewer than `limit` means that there are no more.
    async fn list(&self, list: &List) -> Result<Vec<Record>, StoreError>;

    /// As [`Store::list`], without reading the documents.
    async fn stamps(&self, list: &List) -> Result<Vec<Stamp>, StoreError>;

    /// The feed after a revision, without a gap and in order. Fewer than `limit` means that there are no more yet.
    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError>;

    /// As [`Store::changes`]: of each change only its revision and the type of its record.
    async fn changed_types(&self, after: Revision, limit: u32)
    -> Result<Vec<(Revision, String)>, StoreError>;

    /// Forgets changes up to a revision (which must have been kept elsewhere), at most `limit` rows at a time;
    /// says how many went. Reading from before the forgotten ones is answered by [`StoreError::Compacted`].
    async fn compact_changes(&self, up_to: Revision, limit: u32) -> Result<u64, StoreError>;

    /// The revision to which a watermark was last raised; 0 when never.
    async fn watermark(&self, name: &str) -> Result<Revision, StoreError>;

    /// An entry, also when it has expired and was not yet removed: see [`Entry::is_live`].
    async fn entry(&self, kind: &str, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Entries of a kind in the order of their keys, also expired ones.
    async fn entries(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, StoreError>;

    /// Removes at most `limit` entries that have expired at `now`; says how many.
    async fn expire_entries(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Appends one batch of a source and says its position in the log. It is durable when this returns.
    async fn append_observation(&self, observation: Observation) -> Result<u64, ObservationError>;

    /// The log after a position. A gap between positions means that rows were replaced by a segment or removed with
    /// their source.
    async fn observations(
        &self,
        after_position: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Observation)>, StoreError>;

    /// The kept batches of the current epoch of a source after a sequence number.
    async fn observations_of(
        &self,
        source: &str,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<Observation>, StoreError>;

    /// Where the log of a source is: its epoch and its last number.
    async fn source_position(&self, source: &str) -> Result<Option<(Uuid, u64)>, StoreError>;

    /// Keeps a segment in place of the older one and of the batches it contains. One that is older than what is kept,
    /// or of an epoch that is not the source's current one, changes nothing.
    async fn put_segment(&self, segment: Segment) -> Result<(), StoreError>;

    /// The segment of a source.
    async fn segment(&self, source: &str) -> Result<Option<Segment>, StoreError>;

    /// Segments in the order of their sources: what a starting server loads before it reads the log's tail.
    async fn segments(&self, after: Option<&str>, limit: u32) -> Result<Vec<Segment>, StoreError>;

    /// Forgets a source: its segment, its batches and where it was.
    async fn remove_source(&self, source: &str) -> Result<(), StoreError>;

    /// The activity log, newest first.
    async fn activity(&self, query: &ActivityQuery) -> Result<Vec<LoggedEntry>, StoreError>;

    /// The activity log in the order of its chain, after an entry.
    async fn activity_chain(&self, after_seq: u64, limit: u32) -> Result<Vec<LoggedEntry>, StoreError>;

    /// The number of the newest entry of the activity log, and the link after it.
    async fn activity_head(&self) -> Result<(u64, Link), StoreError>;

    /// What was signed about the activity log.
    async fn statements(&self) -> Result<Vec<Statement>, StoreError>;

    /// Keeps a statement in place of the one that the same key signed before.
    async fn put_statement(&self, statement: Statement) -> Result<(), StoreError>;

    /// Keeps a checkpoint and forgets the entries up to it; says how many went.
    async fn prune_activity(&self, checkpoint: Statement) -> Result<u64, StoreError>;

    /// Takes a lease that is free or ended; none while somebody holds it. A holder that asks again gets a new epoch. It ends by the
    /// database's clock.
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError>;

    /// Prolongs a lease; false when it was lost or has ended.
    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError>;

    /// Gives a lease back; nothing happens when it was lost.
    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError>;

    /// What several servers on this database know of each other; none where there can be one only.
    fn fleet(&self) -> Option<&dyn Fleet> {
        None
    }

    /// Starts a new epoch: after a restore, at promotion, and when a cursor proves that the record went back.
    async fn new_epoch(&self) -> Result<Head, StoreError>;

    /// A setting that never changes once it is set.
    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Sets a setting unless it is set; says the value that holds.
    async fn set_setting_once(&self, name: &str, value: &str) -> Result<String, StoreError>;
}

/// Why a read or a small write failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The changes that were asked for are not kept any more.
    #[error(
        "changes after revision {after} are no longer kept; the oldest that can be read follow revision {oldest}: take a snapshot and go on from there"
    )]
    Compacted {
        /// What was asked for.
        after: Revision,
        /// The oldest revision to ask for.
        oldest: Revision,
    },
    /// The question itself cannot be right.
    #[error("the request to the store is malformed: {0}")]
    Invalid(String),
    /// The database could not be reached or failed.
    #[error("the database is not available ({reason}); try again")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// The disk is full or the database read-only.
    #[error("the database accepts no writes ({reason})")]
    NotWritable {
        /// What happened.
        reason: String,
    },
    /// A row is not what this program writes.
    #[error(
        "the database holds a row that this program cannot read ({what}); was it changed by hand, or written by a newer version?"
    )]
    Unreadable {
        /// Which.
        what: String,
    },
}

/// Why an observation was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ObservationError {
    /// It is not the next one of its source. When `expected` is greater than its number, it was taken before.
    #[error("the source's next batch is {expected}")]
    OutOfOrder {
        /// The number that is next in this source epoch.
        expected: u64,
    },
    /// It could not be written, for a reason that has nothing to do with its content.
    #[error(transparent)]
    NotWritten(#[from] CommitError),
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the data directory.
    #[error(
        "the data directory {directory} is in use by process {holder}: stop that server first, or give this one another directory"
    )]
    Locked {
        /// The directory.
        directory: String,
        /// Its pid, or `unknown`.
        holder: String,
    },
    /// The directory or a file in it cannot be used.
    #[error("{path} cannot be used: {source}")]
    Files {
        /// The path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database was written by a newer version.
    #[error(
        "the database has migration {found}, which leaves out programs that know only up to {known}: start a version at least as new as the one that wrote it, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The newest migration in the database.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// A migration that was applied is not the one that this program carries.
    #[error(
        "migration {number} was applied with another text (checksum {applied}, this program has {known}): the database was made by a build that was never released, or its history was edited"
    )]
    OtherMigration {
        /// Its number.
        number: u32,
        /// What the database recorded.
        applied: String,
        /// What this program carries.
        known: String,
    },
    /// The database is of a version that is not supported.
    #[error("PostgreSQL {found} is too old: version 15 or newer is needed")]
    TooOld {
        /// What it says of itself.
        found: String,
    },
    /// The address of the database cannot be understood.
    #[error(
        "the database URL cannot be understood ({reason}): expected postgres://user:password@host:port/database"
    )]
    BadUrl {
        /// Why (never with the URL itself: it may hold a password).
        reason: String,
    },
    /// The database could not be reached or failed.
    #[error("the database could not be opened: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
}

/// Refuses to read more than [`MAX_ROWS`] at once.
pub(crate) fn check_limit(limit: u32) -> Result<(), StoreError> {
    if limit == 0 || limit > MAX_ROWS {
        return Err(StoreError::Invalid(format!("a limit of {limit}; 1 to {MAX_ROWS} are possible")));
    }
    Ok(())
}

/// Refuses to read more than [`MAX_ROWS`] keys at once.
pub(crate) fn check_keys(keys: &[String]) -> Result<(), StoreError> {
    if keys.len() > MAX_ROWS as usize {
        return Err(StoreError::Invalid(format!("{} keys; at most {MAX_ROWS} are possible", keys.len())));
    }
    Ok(())
}

/// Refuses a segment that the databases would not take.
pub(crate) fn check_segment(segment: &Segment) -> Result<(), StoreError> {
    let (bytes, name) = (segment.bytes.len(), segment.source.len());
    if bytes > MAX_SEGMENT_BYTES || name > MAX_KEY_BYTES {
        let limits = format!("{MAX_SEGMENT_BYTES} and {MAX_KEY_BYTES}");
        return Err(StoreError::Invalid(format!(
            "a segment of {bytes} bytes for a source whose name has {name}; {limits} are possible"
        )));
    }
    Ok(())
}

/// The keys below a key: greater than the first and smaller than the second. `0` is the character after `/`.
pub(crate) fn below(key: &str) -> (String, String) {
    (format!("{key}/"), format!("{key}0"))
}

/// The keys that a list may contain.
pub(crate) struct Bounds<'a> {
    /// This key itself. It is apart, because keys such as `a-b` lie between `a` and `a/…`.
    pub(crate) first: Option<&'a str>,
    /// Then those greater than this …
    pub(crate) above: String,
    /// … and smaller than this.
    pub(crate) below: String,
}

impl<'a> Bounds<'a> {
    pub(crate) fn of(list: &'a List) -> Bounds<'a> {
        let after = list.after.as_deref().unwrap_or_default();
        match &list.prefix {
            None => Bounds { first: None, above: after.to_owned(), below: char::MAX.to_string() },
            Some(prefix) => {
                let (above, below) = below(prefix);
                let first = (after < prefix.as_str()).then_some(prefix.as_str());
                Bounds { first, above: above.max(after.to_owned()), below }
            }
        }
    }
}

/// Whether a record passes the filters of a list that are not about its key.
pub(crate) fn matches(list: &List, record: &Record) -> bool {
    list.resource_type.as_ref().is_none_or(|kind| *kind == record.resource_type)
        && (list.parent.is_none() || list.parent == record.parent)
        && list.created_until.is_none_or(|until| record.created_revision <= until)
}

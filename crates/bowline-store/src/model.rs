//! What the store keeps: records, changes, entries, observations, leases.
//!
//! These are plain values. Nothing here knows SQL, and nothing here reads a clock: times come from the caller and
//! are kept to the microsecond (see [`to_micros`]), on both databases alike.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The largest document, sealed part or observation that the store takes, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 4 << 20;
/// The largest segment, in bytes.
pub const MAX_SEGMENT_BYTES: usize = 256 << 20;
/// The longest key, id or name that the store takes, in bytes: two of them fit one index entry of PostgreSQL.
pub const MAX_KEY_BYTES: usize = 1300;
/// The longest text of an entry of the activity log, in bytes.
pub const MAX_ACTIVITY_BYTES: usize = 16 << 10;
/// The most rows that one read returns; asking for more is an error, so that a short page always means the last page.
pub const MAX_ROWS: u32 = 10_000;

/// The store-wide counter of changes. 0 means that nothing has changed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the store is: a revision means something only together with the epoch it was counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Head {
    /// Random; new at creation, restore and promotion. Cursors of another epoch are void.
    pub epoch: Uuid,
    /// The newest revision.
    pub revision: Revision,
}

/// One stored resource.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The tenant it belongs to.
    pub tenant: Uuid,
    /// New at each creation: a resource that was deleted and made again is another one.
    pub uid: Uuid,
    /// The id as its creator wrote it.
    pub id: String,
    /// The normalised id; unique.
    pub key: String,
    /// The resource type in lower case.
    pub resource_type: String,
    /// The key of the parent.
    pub parent: Option<String>,
    /// The identity that this resource owns; unique where present.
    pub principal: Option<Uuid>,
    /// The revision of the last change.
    pub revision: Revision,
    /// The revision of the creation.
    pub created_revision: Revision,
    /// The entity tag that clients see.
    pub etag: String,
    /// The version of the document's model.
    pub model: u32,
    /// A deletion is under way.
    pub deleting: bool,
    /// JSON text.
    pub document: String,
    /// Sealed bytes: what must not be readable at rest.
    pub protected: Option<Vec<u8>>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What tells one version of a record from every other: a reader that has kept something made of that version may go on using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// See [`Record::key`].
    pub key: String,
    /// See [`Record::uid`].
    pub uid: Uuid,
    /// See [`Record::revision`].
    pub revision: Revision,
    /// See [`Record::etag`]: it differs where a restored database counts the same revision again.
    pub etag: String,
}

/// What a commit leaves in the activity log. Its time is the commit's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The key of the resource that it is about.
    pub key: String,
    /// What happened, as JSON; kept to the byte.
    pub text: String,
}

/// Which entries of the activity log, newest first.
#[derive(Debug, Clone)]
pub struct ActivityQuery {
    /// Not before this.
    pub from: Timestamp,
    /// Older than this entry: time and number.
    pub before: (Timestamp, u64),
    /// At most so many.
    pub limit: u32,
}

/// What a server signed about the activity log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// `head`: so far it was. `checkpoint`: here it begins.
    pub kind: String,
    /// The id of the key.
    pub signer: String,
    /// The entry whose link is signed.
    pub seq: u64,
    /// A compact JWS.
    pub signed: String,
}

/// What a write carries: a record without what the store assigns.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// See [`Record::uid`].
    pub uid: Uuid,
    /// See [`Record::id`].
    pub id: String,
    /// See [`Record::key`].
    pub key: String,
    /// See [`Record::resource_type`].
    pub resource_type: String,
    /// See [`Record::parent`].
    pub parent: Option<String>,
    /// See [`Record::principal`].
    pub principal: Option<Uuid>,
    /// See [`Record::etag`].
    pub etag: String,
    /// See [`Record::model`].
    pub model: u32,
    /// See [`Record::deleting`].
    pub deleting: bool,
    /// See [`Record::document`].
    pub document: String,
    /// See [`Record::protected`].
    pub protected: Option<Vec<u8>>,
}

impl Record {
    /// Which version this is.
    pub fn stamp(&self) -> Stamp {
        Stamp { key: self.key.clone(), uid: self.uid, revision: self.revision, etag: self.etag.clone() }
    }

    /// The draft that would write this record again unchanged; the usual start of an update.
    pub fn to_draft(&self) -> Draft {
        Draft {
            uid: self.uid,
            id: self.id.clone(),
            key: self.key.clone(),
            resource_type: self.resource_type.clone(),
            parent: self.parent.clone(),
            principal: self.principal,
            etag: self.etag.clone(),
            model: self.model,
            deleting: self.deleting,
            document: self.document.clone(),
            protected: self.protected.clone(),
        }
    }
}

// Documents may hold what a log must not: these show sizes in place of contents.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("key", &self.key)
            .field("uid", &self.uid)
            .field("revision", &self.revision)
            .field("created_revision", &self.created_revision)
            .field("etag", &self.etag)
            .field("deleting", &self.deleting)
            .field("document_bytes", &self.document.len())
            .field("protected_bytes", &self.protected.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("key", &self.key)
            .field("uid", &self.uid)
            .field("etag", &self.etag)
            .field("deleting", &self.deleting)
            .field("document_bytes", &self.document.len())
            .field("protected_bytes", &self.protected.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It came into being.
    Created,
    /// It was replaced.
    Updated,
    /// It is gone.
    Deleted,
}

impl ChangeKind {
    /// As the databases keep it.
    pub(crate) fn code(self) -> i16 {
        match self {
            ChangeKind::Created => 0,
            ChangeKind::Updated => 1,
            ChangeKind::Deleted => 2,
        }
    }

    /// The reverse of [`ChangeKind::code`].
    pub(crate) fn of_code(code: i16) -> Option<ChangeKind> {
        [ChangeKind::Created, ChangeKind::Updated, ChangeKind::Deleted]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// One line of the feed: one revision.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the feed.
    pub revision: Revision,
    /// The tenant of the record.
    pub tenant: Uuid,
    /// The uid of the record.
    pub uid: Uuid,
    /// The key of the record.
    pub key: String,
    /// The id as written.
    pub id: String,
    /// The type of the record, in lower case.
    pub resource_type: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Who did it.
    pub actor: String,
    /// The request it belongs to.
    pub correlation_id: Uuid,
    /// Where it came from, as the commit said.
    pub origin: Option<String>,
    /// When.
    pub time: Timestamp,
    /// The entity tag after the change; the last one for a deletion.
    pub etag: String,
    /// The version of the document's model.
    pub model: u32,
    /// The document after the change; none for a deletion.
    pub document: Option<String>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("revision", &self.revision)
            .field("kind", &self.kind)
            .field("key", &self.key)
            .field("uid", &self.uid)
            .field("document_bytes", &self.document.as_ref().map(String::len))
            .finish_non_exhaustive()
    }
}

/// A small durable row that is not a resource: an operation, a device code, a refresh token, a used `jti`, a portal session.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is; the first half of its name.
    pub kind: String,
    /// The second half of its name.
    pub key: String,
    /// Its content.
    pub data: Vec<u8>,
    /// How often it was counted.
    pub uses: u64,
    /// Raised by every write; assigned by the store, ignored when written.
    pub version: u64,
    /// From then on it counts as absent.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys of tokens and sessions are secrets or their digests, so that not even they are shown.
        f.debug_struct("Entry")
            .field("kind", &self.kind)
            .field("data_bytes", &self.data.len())
            .field("uses", &self.uses)
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Entry {
    /// Whether it still counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// Which records to list, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Only the record of this key and those under it.
    pub prefix: Option<String>,
    /// Only this type (lower case).
    pub resource_type: Option<String>,
    /// Only the direct children of this key.
    pub parent: Option<String>,
    /// Only keys greater than this one: where the page before ended.
    pub after: Option<String>,
    /// At most so many (≤ [`MAX_ROWS`]).
    pub limit: u32,
    /// Only records created at or before this revision, so that pages do not grow while they are read.
    pub created_until: Option<Revision>,
}

impl Default for List {
    fn default() -> List {
        List { prefix: None, resource_type: None, parent: None, after: None, limit: 100, created_until: None }
    }
}

/// One batch of what a source reports, compressed by the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct Observation {
    /// Resource uid, `/`, stream.
    pub source: String,
    /// Random; new when the source lost its state. Sequence numbers restart at 1.
    pub source_epoch: Uuid,
    /// Counts from 1 without a gap inside a source epoch.
    pub seq: u64,
    /// When the server took it.
    pub time: Timestamp,
    /// The batch.
    pub bytes: Vec<u8>,
}

/// The whole state of a source at one sequence number; the observations up to it are not needed any more.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// See [`Observation::source`].
    pub source: String,
    /// See [`Observation::source_epoch`].
    pub source_epoch: Uuid,
    /// The last observation that is contained.
    pub seq: u64,
    /// When it was made.
    pub time: Timestamp,
    /// The state.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Observation({} {}#{}, {} bytes)",
            self.source,
            self.source_epoch,
            self.seq,
            self.bytes.len()
        )
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({} {}#{}, {} bytes)", self.source, self.source_epoch, self.seq, self.bytes.len())
    }
}

/// How much the store has before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Commits and observations that wait.
    pub waiting: usize,
    /// So many may wait; more are refused.
    pub waiting_limit: usize,
    /// Their bytes.
    pub bytes: usize,
    /// So many bytes may wait.
    pub bytes_limit: usize,
    /// Connections that read right now.
    pub readers: usize,
    /// So many connections may read at once.
    pub readers_limit: usize,
    /// Reads that wait for a connection.
    pub reads_waiting: usize,
}

/// The right to do one background task, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Raised by every acquisition: the fence that [`crate::Guard::Lease`] checks.
    pub epoch: u64,
}

/// A time as the databases keep it: microseconds since 1970, so that both give back what they were given.
pub(crate) fn to_micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The reverse of [`to_micros`]; a number that is no time (a damaged row) becomes the nearest one.
pub(crate) fn from_micros(micros: i64) -> Timestamp {
    let nearest = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(nearest)
}

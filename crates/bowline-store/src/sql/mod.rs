//! Every statement of the store. One text serves both databases unless they must differ: then it is in `sqlite` or
//! `postgres`.
//!
//! Parameters are `$1`, `$2`, … in the order of their first appearance: PostgreSQL goes by the number, SQLite numbers them as
//! they appear.

// Before the modules, so that they see it.
macro_rules! record {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, uid, id, key, resource_type, parent, principal, revision, created_revision, etag, model, ",
            "deleting, document, protected, created_at, updated_at FROM resource ",
            $rest
        )
    };
}

/// No column from the document on: those may lie on other pages.
macro_rules! stamp {
    ($rest:literal) => {
        concat!("SELECT key, uid, revision, etag FROM resource ", $rest)
    };
}

pub(crate) mod copy;
pub(crate) mod fleet;
pub(crate) mod postgres;
pub(crate) mod sqlite;

/// The same question about whole records and about their stamps.
pub(crate) struct Twin {
    pub(crate) records: &'static str,
    pub(crate) stamps: &'static str,
}

macro_rules! twin {
    ($rest:literal) => {
        Twin { records: record!($rest), stamps: stamp!($rest) }
    };
}

pub(crate) const GET: &str = record!("WHERE key = $1");
pub(crate) const STAMP: &str = stamp!("WHERE key = $1");
pub(crate) const GET_BY_PRINCIPAL: &str = record!("WHERE principal = $1");
pub(crate) const LIST: Twin =
    twin!("WHERE key > $1 AND key < $2 AND created_revision <= $3 ORDER BY key LIMIT $4");
pub(crate) const LIST_TYPE: Twin = twin!(
    "WHERE resource_type = $1 AND key > $2 AND key < $3 AND created_revision <= $4 ORDER BY key LIMIT $5"
);
pub(crate) const LIST_PARENT: Twin =
    twin!("WHERE parent = $1 AND key > $2 AND key < $3 AND created_revision <= $4 ORDER BY key LIMIT $5");
pub(crate) const LIST_PARENT_TYPE: Twin = twin!(
    "WHERE parent = $1 AND resource_type = $2 AND key > $3 AND key < $4 AND created_revision <= $5 ORDER BY key LIMIT $6"
);

pub(crate) const RULE_MIGRATION: &str = "UPDATE migration SET oldest = $1 WHERE number = $2";

pub(crate) const HEAD: &str = "SELECT epoch, revision, position FROM counter";
pub(crate) const CHANGES: &str = "SELECT revision, kind, tenant, uid, key, id, resource_type, actor, correlation_id, \
    origin, time, etag, model, document FROM change WHERE revision > $1 ORDER BY revision LIMIT $2";
pub(crate) const CHANGED_TYPES: &str =
    "SELECT revision, resource_type FROM change WHERE revision > $1 ORDER BY revision LIMIT $2";
pub(crate) const COMPACTED: &str = "SELECT compacted FROM counter";
pub(crate) const DROP_CHANGES: &str = "DELETE FROM change WHERE revision <= $1";
pub(crate) const RAISE_COMPACTED: &str = "UPDATE counter SET compacted = $1 WHERE compacted < $1";
pub(crate) const WATERMARK: &str = "SELECT revision FROM watermark WHERE name = $1";

pub(crate) const ACTIVITY: &str = "SELECT seq, revision, time, key, text, link FROM activity \
    WHERE (time, seq) < ($1, $2) AND time >= $3 ORDER BY time DESC, seq DESC LIMIT $4";
pub(crate) const ACTIVITY_CHAIN: &str =
    "SELECT seq, revision, time, key, text, link FROM activity WHERE seq > $1 ORDER BY seq LIMIT $2";
pub(crate) const ACTIVITY_HEAD: &str = "SELECT activity, activity_link FROM counter";
pub(crate) const STATEMENTS: &str =
    "SELECT kind, signer, seq, signed FROM activity_statement ORDER BY seq, kind";
pub(crate) const PUT_STATEMENT: &str = "INSERT INTO activity_statement (kind, signer, seq, signed) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (kind, signer) DO UPDATE SET seq = excluded.seq, signed = excluded.signed \
    WHERE activity_statement.seq <= excluded.seq";
pub(crate) const PRUNE_ACTIVITY: &str = "DELETE FROM activity WHERE seq <= $1";

pub(crate) const ENTRY: &str =
    "SELECT kind, key, data, uses, version, expires_at FROM entry WHERE kind = $1 AND key = $2";
pub(crate) const ENTRIES: &str = "SELECT kind, key, data, uses, version, expires_at FROM entry \
    WHERE kind = $1 AND key > $2 ORDER BY key LIMIT $3";
pub(crate) const EXPIRE_ENTRIES: &str = "DELETE FROM entry WHERE (kind, key) IN \
    (SELECT kind, key FROM entry WHERE expires_at <= $1 LIMIT $2) AND expires_at <= $1";

pub(crate) const SOURCE_POSITION: &str = "SELECT source_epoch, seq FROM source WHERE source = $1";
pub(crate) const OBSERVATIONS: &str = "SELECT position, source, source_epoch, seq, time, bytes FROM observation \
    WHERE position > $1 ORDER BY position LIMIT $2";
pub(crate) const OBSERVATIONS_OF: &str = "SELECT o.position, o.source, o.source_epoch, o.seq, o.time, o.bytes \
    FROM source s JOIN observation o ON o.source = s.source AND o.source_epoch = s.source_epoch \
    WHERE s.source = $1 AND o.seq > $2 ORDER BY o.seq LIMIT $3";
pub(crate) const SEGMENT: &str =
    "SELECT source, source_epoch, seq, time, bytes FROM segment WHERE source = $1";
pub(crate) const SEGMENTS: &str =
    "SELECT source, source_epoch, seq, time, bytes FROM segment WHERE source > $1 ORDER BY source LIMIT $2";
/// Nothing unless the segment is of the source's current epoch and newer than the one that is kept.
pub(crate) const PUT_SEGMENT: &str = "INSERT INTO segment (source, source_epoch, seq, time, bytes) \
    SELECT source, $1, $2, $3, $4 FROM source WHERE source = $5 AND source_epoch = $1 \
    ON CONFLICT (source) DO UPDATE SET source_epoch = excluded.source_epoch, seq = excluded.seq, \
    time = excluded.time, bytes = excluded.bytes \
    WHERE segment.source_epoch <> excluded.source_epoch OR segment.seq < excluded.seq";
pub(crate) const DROP_CONTAINED: &str =
    "DELETE FROM observation WHERE source = $1 AND (source_epoch <> $2 OR seq <= $3)";
pub(crate) const REMOVE_SOURCE: [&str; 3] = [
    "DELETE FROM source WHERE source = $1",
    "DELETE FROM observation WHERE source = $1",
    "DELETE FROM segment WHERE source = $1",
];

pub(crate) const RELEASE_LEASE: &str =
    "UPDATE lease SET holder = NULL WHERE name = $1 AND holder = $2 AND epoch = $3";

pub(crate) const SETTING: &str = "SELECT value FROM setting WHERE name = $1";
pub(crate) const SET_SETTING: &str =
    "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

/// The new epoch counts only while the old one is still there, so that several servers make one new epoch, not several.
pub(crate) const NEW_EPOCH: &str = "UPDATE counter SET epoch = $1 WHERE epoch = $2";

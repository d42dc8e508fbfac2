//! What only SQLite is asked: row by row, through the writer's cached statements.

pub(crate) const MIGRATION_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration \
    (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)";
pub(crate) const RECORD_MIGRATION: &str =
    "INSERT INTO migration (number, name, checksum, applied_at) VALUES (?1, ?2, ?3, datetime('now'))";

/// A database from before the rule lacks the column `oldest`.
pub(crate) const IS_RULED: &str = "SELECT count(*) FROM pragma_table_info('migration') WHERE name = 'oldest'";
pub(crate) const RECORDED: &str = "SELECT number, checksum, oldest FROM migration";
pub(crate) const RECORDED_BEFORE: &str = "SELECT number, checksum, NULL FROM migration";

pub(crate) const COUNTER: &str =
    "SELECT epoch, revision, position, batch, activity, activity_link FROM counter";
pub(crate) const RAISE_COUNTER: &str = "UPDATE counter SET revision = ?1, position = ?2, watermarked = max(watermarked, ?3), batch = batch + 1, \
    activity = ?4, activity_link = ?5";
pub(crate) const LOG: &str =
    "INSERT INTO activity (seq, revision, time, key, text, link) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
/// As on PostgreSQL, by the clock of this host: the file has no other.
pub(crate) const ACQUIRE_LEASE: &str = "INSERT INTO lease (name, holder, epoch, expires_at) \
    VALUES (?1, ?2, 1, CAST(unixepoch('subsec') * 1000000 AS INTEGER) + ?3) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = lease.epoch + 1, \
    expires_at = excluded.expires_at \
    WHERE lease.holder IS NULL OR lease.holder = excluded.holder \
      OR lease.expires_at <= CAST(unixepoch('subsec') * 1000000 AS INTEGER) RETURNING epoch";
pub(crate) const RENEW_LEASE: &str = "UPDATE lease SET expires_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + ?1 \
    WHERE name = ?2 AND holder = ?3 AND epoch = ?4 AND expires_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

pub(crate) const ROW: &str =
    "SELECT tenant, uid, id, resource_type, etag, model, revision, deleting FROM resource WHERE key = ?1";
pub(crate) const PRINCIPAL: &str = "SELECT key FROM resource WHERE principal = ?1";
pub(crate) const DESCENDANT: &str = "SELECT 1 FROM resource WHERE key > ?1 AND key < ?2 LIMIT 1";
pub(crate) const LEASE: &str = "SELECT epoch FROM lease WHERE name = ?1 AND holder IS NOT NULL";

pub(crate) const CREATE: &str = "INSERT INTO resource (tenant, uid, id, key, resource_type, parent, principal, \
    revision, created_revision, etag, model, deleting, document, protected, created_at, updated_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)";
pub(crate) const UPDATE: &str = "UPDATE resource SET id = ?1, resource_type = ?2, parent = ?3, principal = ?4, \
    revision = ?5, etag = ?6, model = ?7, deleting = ?8, document = ?9, protected = ?10, updated_at = ?11 \
    WHERE key = ?12";
pub(crate) const DELETE: &str = "DELETE FROM resource WHERE key = ?1";
pub(crate) const CHANGE: &str = "INSERT INTO change (revision, kind, tenant, uid, key, id, resource_type, actor, \
    correlation_id, origin, time, etag, model, document) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
pub(crate) const RAISE_WATERMARK: &str = "INSERT INTO watermark (name, revision) VALUES (?1, ?2) \
    ON CONFLICT (name) DO UPDATE SET revision = excluded.revision";

pub(crate) const PUT_ENTRY: &str = "INSERT OR REPLACE INTO entry (kind, key, data, uses, version, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(crate) const REMOVE_ENTRY: &str = "DELETE FROM entry WHERE kind = ?1 AND key = ?2";

pub(crate) const OBSERVE: &str = "INSERT INTO observation (position, source, source_epoch, seq, time, bytes) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(crate) const PUT_SOURCE: &str =
    "INSERT OR REPLACE INTO source (source, source_epoch, seq) VALUES (?1, ?2, ?3)";

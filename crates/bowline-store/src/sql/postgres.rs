//! What only PostgreSQL is asked: a batch at a time, as arrays.

pub(crate) const MIGRATION_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration \
    (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())";
pub(crate) const RECORD_MIGRATION: &str =
    "INSERT INTO migration (number, name, checksum) VALUES ($1, $2, $3)";
/// Through JSON, because a database from before the rule lacks the column.
pub(crate) const RECORDED: &str =
    "SELECT number, checksum, (to_jsonb(m) ->> 'oldest')::int4 FROM migration m";
/// Longer than a batch and shorter than a caller waits: while a migration waits for a lock, everybody waits behind it.
pub(crate) const MIGRATE_SOON: &str = "SET LOCAL lock_timeout = '5s'";

/// Begins a new epoch when the database is not where it was: cluster, database, timeline.
pub(crate) const SETTLE: &str = "WITH here AS (\
      SELECT c.system_identifier || ' ' || d.oid || ' ' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS identity \
      FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()), \
    moved AS (UPDATE place SET identity = here.identity FROM here, place was \
      WHERE was.one = place.one AND place.identity <> here.identity RETURNING was.identity) \
    UPDATE counter SET epoch = $1 FROM moved WHERE moved.identity <> '' RETURNING revision";
/// Servers that start at once bring the schema up to date one after the other. The number is "bowline" in ASCII.
pub(crate) const LOCK_MIGRATIONS: &str = "SELECT pg_advisory_xact_lock(27710124484816485)";

pub(crate) const SIGN_IN: &str = "INSERT INTO writer (instance, name, batch, time) VALUES ($1, $2, 0, now()) ON CONFLICT (instance) DO NOTHING";
pub(crate) const FORGET_OLD_WRITERS: &str =
    "DELETE FROM writer WHERE name = $1 AND instance <> $2 AND time < now() - interval '30 days'";
/// Waits until a transaction of the lost connection has ended, then says the last batch that was committed.
pub(crate) const LAST_BATCH: &str = "SELECT batch FROM writer WHERE instance = $1 FOR UPDATE";

pub(crate) const GET_MANY: &str = record!("WHERE key = ANY($1)");

/// What is read of a row that is locked; the first column tells it from a fact ([`FACTS`]).
macro_rules! lock_rows {
    ($keys:literal) => {
        concat!(
            "SELECT 5::int2 AS kind, key, uid, revision, 0::int8 AS other, model, tenant, id, resource_type, etag, deleting \
             FROM resource WHERE key = ANY(", $keys, "::text[]) ORDER BY key FOR UPDATE"
        )
    };
}
/// In the order of the keys, so that servers wait for each other and never in a circle.
pub(crate) const LOCK_ROWS: &str = lock_rows!("$1");
/// The same with facts, as they were before the first lock was waited for.
pub(crate) const LOCK_ROWS_AND_FACTS: &str = concat!(
    "WITH r AS (",
    lock_rows!("$3"),
    ") \
    SELECT 0::int2 AS kind, NULL::text AS name, NULL::uuid AS id, revision AS number, watermarked AS other, \
      NULL::int4, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::bool FROM counter \
    UNION ALL SELECT 1::int2, name, NULL, revision, 0, NULL, NULL, NULL, NULL, NULL, NULL FROM watermark WHERE name = ANY($1) \
    UNION ALL SELECT 2::int2, key, principal, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL FROM resource WHERE principal = ANY($2) \
    UNION ALL SELECT * FROM r"
);
pub(crate) const LOCK_ENTRIES: &str = "SELECT kind, key, data, uses, version, expires_at FROM entry \
    WHERE (kind, key) IN (SELECT * FROM UNNEST($1::text[], $2::text[])) ORDER BY kind, key FOR UPDATE";
/// The weakest lock: a heartbeat prolongs the lease meanwhile, and only taking it conflicts.
pub(crate) const LOCK_LEASES: &str =
    "SELECT name, epoch FROM lease WHERE name = ANY($1) AND holder IS NOT NULL ORDER BY name FOR KEY SHARE";
pub(crate) const LOCK_SOURCES: &str =
    "SELECT source, source_epoch, seq FROM source WHERE source = ANY($1) ORDER BY source FOR UPDATE";
pub(crate) const LOCK_COUNTER: &str = "SELECT 1 FROM counter WHERE one = 1 FOR UPDATE";

/// What has no row to lock, together with where the counter stood: while it stands there, all of this still holds.
pub(crate) const FACTS: &str = "SELECT 0::int2 AS kind, NULL::text AS name, NULL::uuid AS id, revision AS number, \
      watermarked AS other FROM counter \
    UNION ALL SELECT 1::int2, name, NULL, revision, 0 FROM watermark WHERE name = ANY($1) \
    UNION ALL SELECT 2::int2, key, principal, 0, 0 FROM resource WHERE principal = ANY($2) \
    UNION ALL SELECT 3::int2, k, NULL, 0, 0 FROM UNNEST($3::text[]) k WHERE EXISTS \
      (SELECT 1 FROM resource r WHERE r.key > k || '/' AND r.key < k || '0') \
    UNION ALL SELECT 4::int2, key, NULL, 0, 0 FROM resource WHERE key = ANY($4)";

/// Raises the counter, writes records and feed, notes the batch, tells the other servers: one statement.
///
/// The counter's row is raised only while the record has not gone back ($4, $5) and what was read without a lock still
/// holds ($6, $7): PostgreSQL checks the condition again on the row's newest version after it waited for the lock. When
/// it does not hold, no part of the statement writes anything and no row is returned.
macro_rules! write {
    ($new:literal, $gone:literal, $written:literal) => {
        concat!(
            "WITH c AS (\
      UPDATE counter SET revision = revision + $1, position = position + $2, \
        watermarked = CASE WHEN $3::bigint > 0 THEN revision + $3 ELSE watermarked END, \
        activity = activity + $28::bigint, \
        activity_link = CASE WHEN $28::bigint > 0 THEN sha256(activity_link || int8send(activity + 1) || \
          int8send(revision + $29::bigint) || $30::bytea) ELSE activity_link END \
      WHERE one = 1 AND (epoch <> $4 OR revision >= $5) \
        AND ($6::bigint IS NULL OR watermarked = $6) AND ($7::bigint IS NULL OR revision = $7) \
      RETURNING revision - $1 AS base, position - $2 AS place, epoch, activity - $28 AS logged, activity_link), \
    i AS MATERIALIZED (SELECT * FROM UNNEST($11::int2[], $12::text[], $13::uuid[], $14::uuid[], $15::text[], \
        $16::text[], $17::text[], $18::uuid[], $19::text[], $20::int4[], $21::bool[], $22::text[], $23::bytea[], \
        $24::text[], $25::uuid[], $26::text[], $27::int8[]) WITH ORDINALITY \
      AS t(kind, key, tenant, uid, id, resource_type, parent, principal, etag, model, deleting, document, protected, \
        actor, correlation_id, origin, time, ord)), ",
            $new,
            "u AS (UPDATE resource r SET id = i.id, resource_type = i.resource_type, parent = i.parent, \
        principal = i.principal, revision = c.base + i.ord, etag = i.etag, model = i.model, deleting = i.deleting, \
        document = i.document, protected = i.protected, updated_at = i.time \
      FROM i, c WHERE r.key = i.key AND i.kind = 1 RETURNING 1), ",
            $gone,
            "h AS (INSERT INTO change (revision, kind, tenant, uid, key, id, resource_type, actor, correlation_id, origin, \
        time, etag, model, document) \
      SELECT c.base + ord, kind, tenant, uid, key, id, resource_type, actor, correlation_id, origin, \
        time, etag, model, document FROM i, c RETURNING 1), \
    l AS (INSERT INTO activity (seq, revision, time, key, text, link) \
      SELECT c.logged + ord, c.base + rows, time, key, text, CASE WHEN ord = $28 THEN c.activity_link END \
      FROM UNNEST($31::int8[], $32::int8[], $33::text[], $34::text[]) WITH ORDINALITY AS t(rows, time, key, text, ord), c), \
    w AS (INSERT INTO writer (instance, name, batch, time) SELECT $8, $9, $10, now() FROM c \
      ON CONFLICT (instance) DO UPDATE SET batch = excluded.batch, time = excluded.time RETURNING 1) \
    SELECT base, place, epoch, ",
            $written,
            " AS written, \
      CASE WHEN $1 + $2 > 0 THEN \
        pg_notify('bowline', epoch || ' ' || (base + $1) || ' ' || (place + $2))::text END AS told FROM c"
        )
    };
}
pub(crate) const WRITE: &str = write!(
    "n AS (INSERT INTO resource (tenant, uid, id, key, resource_type, parent, principal, revision, created_revision, \
        etag, model, deleting, document, protected, created_at, updated_at) \
      SELECT tenant, uid, id, key, resource_type, parent, principal, c.base + ord, c.base + ord, \
        etag, model, deleting, document, protected, time, time FROM i, c WHERE kind = 0 \
      ON CONFLICT DO NOTHING RETURNING 1), ",
    "d AS (DELETE FROM resource r USING i, c WHERE r.key = i.key AND i.kind = 2 RETURNING 1), ",
    "(SELECT count(*) FROM n) + (SELECT count(*) FROM u) + (SELECT count(*) FROM d)"
);
/// The same for records that are there and stay, which most are: to begin a statement costs something for each table that it may write.
pub(crate) const WRITE_CHANGES: &str = write!("", "", "(SELECT count(*) FROM u)");

/// 0 new, 1 changed, 2 removed. A new one that somebody else has made meanwhile is missing from the count.
pub(crate) const WRITE_ENTRIES: &str = "WITH \
    i AS MATERIALIZED (SELECT * FROM UNNEST($1::int2[], $2::text[], $3::text[], $4::bytea[], $5::int8[], $6::int8[], \
      $7::int8[]) AS t(what, kind, key, data, uses, version, expires_at)), \
    n AS (INSERT INTO entry (kind, key, data, uses, version, expires_at) \
      SELECT kind, key, data, uses, version, expires_at FROM i WHERE what = 0 ON CONFLICT DO NOTHING RETURNING 1), \
    u AS (UPDATE entry e SET data = i.data, uses = i.uses, version = i.version, expires_at = i.expires_at \
      FROM i WHERE e.kind = i.kind AND e.key = i.key AND i.what = 1 RETURNING 1), \
    d AS (DELETE FROM entry e USING i WHERE e.kind = i.kind AND e.key = i.key AND i.what = 2 RETURNING 1) \
    SELECT (SELECT count(*) FROM n) + (SELECT count(*) FROM u) + (SELECT count(*) FROM d)";

pub(crate) const RAISE_WATERMARKS: &str = "INSERT INTO watermark (name, revision) \
    SELECT * FROM UNNEST($1::text[], $2::int8[]) ON CONFLICT (name) DO UPDATE SET revision = excluded.revision";

pub(crate) const OBSERVE: &str = "INSERT INTO observation (position, source, source_epoch, seq, time, bytes) \
    SELECT $1 + ord, source, source_epoch, seq, time, bytes \
    FROM UNNEST($2::text[], $3::uuid[], $4::int8[], $5::int8[], $6::bytea[]) WITH ORDINALITY \
      AS t(source, source_epoch, seq, time, bytes, ord)";
pub(crate) const WRITE_SOURCES: &str = "WITH \
    i AS MATERIALIZED (SELECT * FROM UNNEST($1::bool[], $2::text[], $3::uuid[], $4::int8[]) \
      AS t(stored, source, source_epoch, seq)), \
    n AS (INSERT INTO source (source, source_epoch, seq) SELECT source, source_epoch, seq FROM i WHERE NOT stored \
      ON CONFLICT DO NOTHING RETURNING 1), \
    u AS (UPDATE source s SET source_epoch = i.source_epoch, seq = i.seq FROM i \
      WHERE s.source = i.source AND i.stored RETURNING 1) \
    SELECT (SELECT count(*) FROM n) + (SELECT count(*) FROM u)";

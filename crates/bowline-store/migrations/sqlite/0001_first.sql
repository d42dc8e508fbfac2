-- Where the record is. One row: raising it is what orders all commits.
CREATE TABLE counter (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch BLOB NOT NULL,
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,     -- the newest observation
    watermarked INTEGER NOT NULL,  -- the newest revision that raised any watermark
    compacted INTEGER NOT NULL,    -- changes up to this revision are gone
    batch INTEGER NOT NULL         -- raised by every batch: answers a COMMIT of unknown outcome
);

CREATE TABLE resource (
    key TEXT NOT NULL PRIMARY KEY,
    tenant BLOB NOT NULL,
    uid BLOB NOT NULL,
    id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    parent TEXT,
    principal BLOB,
    revision INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    etag TEXT NOT NULL,
    model INTEGER NOT NULL,
    deleting INTEGER NOT NULL,
    document TEXT NOT NULL,
    protected BLOB,
    created_at INTEGER NOT NULL,   -- microseconds since 1970, as all times here
    updated_at INTEGER NOT NULL
);
CREATE INDEX resource_by_type ON resource (resource_type, key);
CREATE INDEX resource_by_parent ON resource (parent, key) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX resource_by_principal ON resource (principal) WHERE principal IS NOT NULL;

CREATE TABLE change (
    revision INTEGER NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,         -- 0 created, 1 updated, 2 deleted
    tenant BLOB NOT NULL,
    uid BLOB NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    actor TEXT NOT NULL,
    correlation_id BLOB NOT NULL,
    origin TEXT,
    time INTEGER NOT NULL,
    etag TEXT NOT NULL,
    model INTEGER NOT NULL,
    document TEXT
);

CREATE TABLE watermark (name TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE entry (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    data BLOB NOT NULL,
    uses INTEGER NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX entry_by_expiry ON entry (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE source (
    source TEXT NOT NULL PRIMARY KEY,
    source_epoch BLOB NOT NULL,
    seq INTEGER NOT NULL           -- the last one taken
) WITHOUT ROWID;

CREATE TABLE observation (
    position INTEGER NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    source_epoch BLOB NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    bytes BLOB NOT NULL
);
CREATE INDEX observation_by_source ON observation (source, source_epoch, seq);

CREATE TABLE segment (
    source TEXT NOT NULL PRIMARY KEY,
    source_epoch BLOB NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    bytes BLOB NOT NULL
);

CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT,                   -- none: released
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

INSERT INTO counter VALUES (1, randomblob(16), 0, 0, 0, 0, 0);

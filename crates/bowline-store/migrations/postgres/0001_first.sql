-- Where the record is. One row: its lock, held until the commit, is what makes commit order equal revision order.
-- Room in the page, so that raising it never touches an index.
CREATE TABLE counter (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch UUID NOT NULL,
    revision BIGINT NOT NULL,
    position BIGINT NOT NULL,      -- the newest observation
    watermarked BIGINT NOT NULL,   -- the newest revision that raised any watermark
    compacted BIGINT NOT NULL      -- changes up to this revision are gone
) WITH (fillfactor = 10);

-- The last batch of each running server: answers a COMMIT of unknown outcome.
CREATE TABLE writer (
    instance UUID PRIMARY KEY,
    name TEXT NOT NULL,
    batch BIGINT NOT NULL,
    time TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE resource (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant UUID NOT NULL,
    uid UUID NOT NULL,
    id TEXT NOT NULL,
    resource_type TEXT COLLATE "C" NOT NULL,
    parent TEXT COLLATE "C",
    principal UUID,
    revision BIGINT NOT NULL,
    created_revision BIGINT NOT NULL,
    etag TEXT NOT NULL,
    model INTEGER NOT NULL,
    deleting BOOLEAN NOT NULL,
    document TEXT NOT NULL,
    protected BYTEA,
    created_at BIGINT NOT NULL,    -- microseconds since 1970, as all times here
    updated_at BIGINT NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX resource_by_type ON resource (resource_type, key);
CREATE INDEX resource_by_parent ON resource (parent, key) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX resource_by_principal ON resource (principal) WHERE principal IS NOT NULL;

CREATE TABLE change (
    revision BIGINT NOT NULL PRIMARY KEY,
    kind SMALLINT NOT NULL,        -- 0 created, 1 updated, 2 deleted
    tenant UUID NOT NULL,
    uid UUID NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    id TEXT NOT NULL,
    resource_type TEXT COLLATE "C" NOT NULL,
    actor TEXT NOT NULL,
    correlation_id UUID NOT NULL,
    origin TEXT,
    time BIGINT NOT NULL,
    etag TEXT NOT NULL,
    model INTEGER NOT NULL,
    document TEXT
);

CREATE TABLE watermark (name TEXT COLLATE "C" NOT NULL PRIMARY KEY, revision BIGINT NOT NULL);

CREATE TABLE entry (
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    data BYTEA NOT NULL,
    uses BIGINT NOT NULL,
    version BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 80);
CREATE INDEX entry_by_expiry ON entry (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE source (
    source TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    source_epoch UUID NOT NULL,
    seq BIGINT NOT NULL            -- the last one taken
) WITH (fillfactor = 50);

CREATE TABLE observation (
    position BIGINT NOT NULL PRIMARY KEY,
    source TEXT COLLATE "C" NOT NULL,
    source_epoch UUID NOT NULL,
    seq BIGINT NOT NULL,
    time BIGINT NOT NULL,
    bytes BYTEA NOT NULL
);
CREATE INDEX observation_by_source ON observation (source, source_epoch, seq);

CREATE TABLE segment (
    source TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    source_epoch UUID NOT NULL,
    seq BIGINT NOT NULL,
    time BIGINT NOT NULL,
    bytes BYTEA NOT NULL
);

CREATE TABLE lease (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder TEXT,                   -- none: released
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE setting (name TEXT COLLATE "C" NOT NULL PRIMARY KEY, value TEXT NOT NULL);

INSERT INTO counter VALUES (1, gen_random_uuid(), 0, 0, 0, 0);

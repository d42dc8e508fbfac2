-- What was done and what was refused, chained: see the documentation of bowline-arm's module `chain`. No row of a large table is touched.
CREATE TABLE activity (
    seq BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    time BIGINT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    text TEXT NOT NULL,
    link BYTEA                     -- on the last entry of each transaction
);
CREATE INDEX activity_by_time ON activity (time, seq);

-- The newest that each key signed about the log: its head, and where it begins once its oldest part was pruned.
CREATE TABLE activity_statement (
    kind TEXT COLLATE "C" NOT NULL, -- head or checkpoint
    signer TEXT COLLATE "C" NOT NULL, -- the id of the key
    seq BIGINT NOT NULL,
    signed TEXT NOT NULL,          -- a compact JWS
    PRIMARY KEY (kind, signer)
);

ALTER TABLE counter ADD COLUMN activity BIGINT NOT NULL DEFAULT 0;
ALTER TABLE counter ADD COLUMN activity_link BYTEA NOT NULL
    DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000';

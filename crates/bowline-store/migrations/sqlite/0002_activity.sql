-- What was done and what was refused, chained: see the documentation of bowline-arm's module `chain`. No row of a large table is touched.
CREATE TABLE activity (
    seq INTEGER NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    time INTEGER NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    link BLOB                      -- on the last entry of each transaction
);
CREATE INDEX activity_by_time ON activity (time, seq);

-- The newest that each key signed about the log: its head, and where it begins once its oldest part was pruned.
CREATE TABLE activity_statement (
    kind TEXT NOT NULL,            -- head or checkpoint
    signer TEXT NOT NULL,          -- the id of the key
    seq INTEGER NOT NULL,
    signed TEXT NOT NULL,          -- a compact JWS
    PRIMARY KEY (kind, signer)
) WITHOUT ROWID;

ALTER TABLE counter ADD COLUMN activity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counter ADD COLUMN activity_link BLOB NOT NULL
    DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';

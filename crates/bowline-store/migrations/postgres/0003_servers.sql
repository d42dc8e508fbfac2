-- The servers of this database. Times are the database's own, so that a host whose clock jumps does no harm.
CREATE TABLE server (
    id UUID NOT NULL PRIMARY KEY,  -- new at each start of a process
    epoch BIGINT NOT NULL,         -- raised when a server that was cut off comes back
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    draining BOOLEAN NOT NULL,
    status TEXT NOT NULL,          -- what it says of itself with each heartbeat: JSON
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITH (fillfactor = 50);

-- Which server holds an agent's session. A row without a server waits for its agent until due_at; then it shows as
-- gone, and the row goes.
CREATE TABLE attachment (
    agent UUID NOT NULL PRIMARY KEY,
    resource TEXT COLLATE "C" NOT NULL,
    server UUID,
    session UUID NOT NULL,
    connection UUID NOT NULL,
    instance TEXT NOT NULL,
    due_at BIGINT
) WITH (fillfactor = 70);
CREATE INDEX attachment_by_server ON attachment (server) WHERE server IS NOT NULL;
CREATE INDEX attachment_by_due ON attachment (due_at) WHERE server IS NULL;

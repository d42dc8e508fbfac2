//! What servers on PostgreSQL ask about each other. Times are microseconds of the database's clock.

/// The clock, not the transaction's begin: a statement may have waited.
macro_rules! now {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    };
}

pub(crate) const TIME: &str = concat!("SELECT ", now!());

/// In the order of their keys, so that servers which do this at once wait for each other in a line.
pub(crate) const SHORTEN_SERVERS: &str = concat!(
    "WITH k AS MATERIALIZED (SELECT id FROM server WHERE expires_at > ",
    now!(),
    " + $1 ORDER BY id FOR UPDATE) UPDATE server s SET expires_at = ",
    now!(),
    " + $1 FROM k WHERE s.id = k.id"
);
pub(crate) const SHORTEN_LEASES: &str = concat!(
    "WITH k AS MATERIALIZED (SELECT name FROM lease WHERE expires_at > ",
    now!(),
    " + $1 ORDER BY name FOR NO KEY UPDATE) UPDATE lease l SET expires_at = ",
    now!(),
    " + $1 FROM k WHERE l.name = k.name"
);
pub(crate) const SHORTEN_ABSENCES: &str = concat!(
    "WITH k AS MATERIALIZED (SELECT agent FROM attachment WHERE server IS NULL AND due_at > ",
    now!(),
    " + $1 ORDER BY agent FOR UPDATE) UPDATE attachment a SET due_at = ",
    now!(),
    " + $1 FROM k WHERE a.agent = k.agent"
);

pub(crate) const JOIN: &str = concat!(
    "INSERT INTO server (id, epoch, name, version, draining, status, started_at, expires_at) VALUES ($1, 1, $2, $3, false, '', ",
    now!(),
    ", ",
    now!(),
    " + $4) ON CONFLICT (id) DO UPDATE SET epoch = server.epoch + 1, expires_at = excluded.expires_at RETURNING epoch"
);

/// A lease that has ended stays ended, also when nobody has taken it.
pub(crate) const BEAT: &str = concat!(
    "WITH s AS (UPDATE server SET expires_at = ",
    now!(),
    " + $3, draining = $4, status = $5 WHERE id = $1 AND epoch = $2 AND expires_at > ",
    now!(),
    " RETURNING id), l AS (UPDATE lease SET expires_at = ",
    now!(),
    " + $3 FROM s WHERE lease.holder = s.id::text AND lease.expires_at > ",
    now!(),
    " RETURNING 1) SELECT count(*) FROM s"
);

pub(crate) const LEASES: &str =
    concat!("SELECT name, holder, epoch, expires_at > ", now!(), " FROM lease ORDER BY name");

pub(crate) const LEAVE_LEASES: &str = "UPDATE lease SET holder = NULL WHERE holder = $1::uuid::text";
pub(crate) const LEAVE_ATTACHMENTS: &str =
    concat!("UPDATE attachment SET server = NULL, due_at = ", now!(), " + $2 WHERE server = $1");
pub(crate) const LEAVE: &str = "DELETE FROM server WHERE id = $1";

pub(crate) const MEMBERS: &str = concat!(
    "SELECT id, name, version, epoch, expires_at > ",
    now!(),
    ", draining, (SELECT count(*) FROM attachment a WHERE a.server = s.id), status FROM server s ORDER BY started_at, id"
);

/// The first row says whether the server's own lease holds. In the order of the agents, so that servers wait for each other in a line.
pub(crate) const ATTACH: &str = concat!(
    "WITH me AS MATERIALIZED (SELECT id FROM server WHERE id = $1 AND expires_at > ",
    now!(),
    "), a AS (INSERT INTO attachment (agent, resource, server, session, connection, instance) \
      SELECT i.agent, i.resource, me.id, i.session, i.connection, i.instance FROM me, \
        UNNEST($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[]) \
          AS i(agent, resource, session, connection, instance) ORDER BY i.agent \
      ON CONFLICT (agent) DO UPDATE SET resource = excluded.resource, server = excluded.server, \
        session = excluded.session, connection = excluded.connection, instance = excluded.instance, due_at = NULL \
      WHERE attachment.server IS NULL OR attachment.server = excluded.server \
        OR attachment.instance = excluded.instance \
        OR NOT EXISTS (SELECT 1 FROM server o WHERE o.id = attachment.server AND o.expires_at > ",
    now!(),
    ") RETURNING agent) SELECT id, true FROM me UNION ALL SELECT agent, false FROM a"
);

pub(crate) const DETACH: &str = concat!(
    "WITH i AS MATERIALIZED (SELECT * FROM UNNEST($2::uuid[], $3::uuid[], $4::int8[]) AS t(agent, connection, delay)), \
      k AS MATERIALIZED (SELECT a.agent, i.delay FROM attachment a JOIN i ON a.agent = i.agent \
        AND a.connection = i.connection WHERE a.server = $1 ORDER BY a.agent FOR UPDATE OF a) \
    UPDATE attachment a SET server = NULL, due_at = ",
    now!(),
    " + k.delay FROM k WHERE a.agent = k.agent"
);

pub(crate) const RECLAIM: &str = "WITH i AS MATERIALIZED (SELECT * FROM UNNEST($2::uuid[], $3::uuid[]) AS t(agent, connection)), \
      k AS MATERIALIZED (SELECT a.agent FROM attachment a JOIN i ON a.agent = i.agent AND a.connection = i.connection \
        WHERE a.server IS NULL OR a.server = $1 ORDER BY a.agent FOR UPDATE OF a) \
    UPDATE attachment a SET server = $1, due_at = NULL FROM k WHERE a.agent = k.agent RETURNING a.agent";

pub(crate) const ATTACHED: &str =
    "SELECT agent, server, session, instance FROM attachment WHERE agent = ANY($1)";

/// What is locked is being attached elsewhere.
pub(crate) const FREE_LOST: &str = concat!(
    "WITH k AS MATERIALIZED (SELECT a.agent FROM attachment a WHERE a.server IN (SELECT id FROM server WHERE expires_at <= ",
    now!(),
    ") ORDER BY a.agent LIMIT 1000 FOR UPDATE OF a SKIP LOCKED) UPDATE attachment a SET server = NULL, due_at = ",
    now!(),
    " + $1 FROM k WHERE a.agent = k.agent"
);
/// Servers that ended are shown for an hour.
pub(crate) const FORGET_MEMBERS: &str = concat!(
    "DELETE FROM server s WHERE expires_at < ",
    now!(),
    " - 3600000000 AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.server = s.id)"
);

pub(crate) const OVERDUE: &str = concat!(
    "SELECT agent, resource FROM attachment WHERE server IS NULL AND due_at <= ",
    now!(),
    " ORDER BY due_at LIMIT $1"
);
pub(crate) const FORGET: &str =
    concat!("DELETE FROM attachment WHERE agent = $1 AND server IS NULL AND due_at <= ", now!());

/// Takes a lease that is free: never taken, released, or ended. A holder may take its own again. The lock conflicts with the one of a commit
/// that is guarded by the lease: while such a commit is under way nobody takes it, and nobody waits for it either.
pub(crate) const ACQUIRE_LEASE: &str = concat!(
    "WITH l AS MATERIALIZED (SELECT name FROM lease WHERE name = $1 FOR UPDATE SKIP LOCKED) \
    INSERT INTO lease (name, holder, epoch, expires_at) SELECT $1, $2, 1, ",
    now!(),
    " + $3 WHERE EXISTS (SELECT 1 FROM l) OR NOT EXISTS (SELECT 1 FROM lease WHERE name = $1) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = lease.epoch + 1, \
    expires_at = excluded.expires_at \
    WHERE lease.holder IS NULL OR lease.holder = excluded.holder OR lease.expires_at <= ",
    now!(),
    " RETURNING epoch"
);
pub(crate) const RENEW_LEASE: &str = concat!(
    "UPDATE lease SET expires_at = ",
    now!(),
    " + $1 WHERE name = $2 AND holder = $3 AND epoch = $4 AND expires_at > ",
    now!()
);

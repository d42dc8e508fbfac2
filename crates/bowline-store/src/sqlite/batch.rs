//! One transaction: reads what the batch needs, has it judged, writes what passed.

use crate::decide::{Known, Needs, Plan, Row, RowWrite, decide};
use crate::heads::Read;
use crate::model::{ChangeKind, Entry, Head, Revision, to_micros};
use crate::sql::{self, sqlite as own};
use crate::writer::{Job, Landed, Verdict};
use bowline_arm::chain::{self, Link};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::Arc;
use uuid::Uuid;

/// A transaction that is written and waits for its COMMIT.
pub(super) struct Written {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) landed: Landed,
    pub(super) after: Read,
    /// The batch number after the COMMIT; none when nothing was written.
    pub(super) batch: Option<u64>,
}

/// Where the counter row stands.
pub(super) struct Counter {
    epoch: Uuid,
    revision: u64,
    position: u64,
    pub(super) batch: u64,
    activity: u64,
    activity_link: Link,
}

pub(super) fn read_counter(connection: &Connection) -> rusqlite::Result<Counter> {
    connection.prepare_cached(own::COUNTER)?.query_row([], |row| {
        Ok(Counter {
            epoch: row.get(0)?,
            revision: row.get(1)?,
            position: row.get(2)?,
            batch: row.get(3)?,
            activity: row.get(4)?,
            activity_link: row.get(5)?,
        })
    })
}

/// Does everything between BEGIN and COMMIT.
pub(super) fn write_batch<T>(connection: &Connection, jobs: &[Job<T>]) -> rusqlite::Result<Written> {
    let counter = read_counter(connection)?;
    let known = load(connection, &Needs::of(jobs))?;
    let plan = decide(jobs, &known);
    let revision = counter.revision + plan.rows.len() as u64;
    let position = counter.position + plan.observations.len() as u64;
    let head = Head { epoch: counter.epoch, revision: Revision(revision) };
    let mut batch = None;
    if !plan.is_empty() {
        write_plan(connection, &plan, &counter)?;
        let watermarked = plan.watermarks.values().max().map_or(0, |n| counter.revision + n);
        let link = log(connection, &plan, &counter)?;
        let logged = counter.activity + plan.activity.len() as u64;
        let values = params![revision, position, watermarked, logged, link];
        connection.prepare_cached(own::RAISE_COUNTER)?.execute(values)?;
        batch = Some(counter.batch + 1);
    }
    Ok(Written {
        verdicts: plan.verdicts,
        landed: Landed { revision: counter.revision, position: counter.position, head },
        after: Read { head, position },
        batch,
    })
}

fn load(connection: &Connection, needs: &Needs<'_>) -> rusqlite::Result<Known> {
    let mut known = Known::default();
    for key in &needs.keys {
        if let Some(row) = connection.prepare_cached(own::ROW)?.query_row([key], read_row).optional()? {
            known.rows.insert((*key).to_owned(), Arc::new(row));
        }
    }
    for principal in &needs.principals {
        let mut statement = connection.prepare_cached(own::PRINCIPAL)?;
        if let Some(key) = statement.query_row([principal], |row| row.get(0)).optional()? {
            known.principals.insert(*principal, key);
        }
    }
    for key in &needs.empty_below {
        let (above, below) = crate::store::below(key);
        if connection.prepare_cached(own::DESCENDANT)?.exists([above, below])? {
            known.not_empty.insert((*key).to_owned());
        }
    }
    for name in &needs.watermarks {
        let mut statement = connection.prepare_cached(sql::WATERMARK)?;
        if let Some(raised) = statement.query_row([name], |row| row.get(0)).optional()? {
            known.watermarks.insert((*name).to_owned(), Revision(raised));
        }
    }
    for name in &needs.leases {
        let mut statement = connection.prepare_cached(own::LEASE)?;
        if let Some(epoch) = statement.query_row([name], |row| row.get(0)).optional()? {
            known.leases.insert((*name).to_owned(), epoch);
        }
    }
    load_small(connection, needs, &mut known)?;
    Ok(known)
}

fn load_small(connection: &Connection, needs: &Needs<'_>, known: &mut Known) -> rusqlite::Result<()> {
    for (kind, key) in &needs.entries {
        let mut statement = connection.prepare_cached(sql::ENTRY)?;
        if let Some(entry) = statement.query_row([kind, key], super::read::entry).optional()? {
            known.entries.insert(((*kind).to_owned(), (*key).to_owned()), entry);
        }
    }
    for source in &needs.sources {
        let mut statement = connection.prepare_cached(sql::SOURCE_POSITION)?;
        let last = statement.query_row([source], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some(last) = last {
            known.sources.insert((*source).to_owned(), last);
        }
    }
    Ok(())
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        tenant: row.get(0)?,
        uid: row.get(1)?,
        id: row.get(2)?,
        resource_type: row.get(3)?,
        etag: row.get(4)?,
        model: row.get(5)?,
        revision: Revision(row.get(6)?),
        deleting: row.get(7)?,
    })
}

fn write_plan(connection: &Connection, plan: &Plan<'_>, counter: &Counter) -> rusqlite::Result<()> {
    for (row, revision) in plan.rows.iter().zip(counter.revision + 1..) {
        write_row(connection, row, revision)?;
        write_change(connection, row, revision)?;
    }
    for (name, rows) in &plan.watermarks {
        let values = params![name, counter.revision + rows];
        connection.prepare_cached(own::RAISE_WATERMARK)?.execute(values)?;
    }
    for ((kind, key), state) in &plan.entries {
        match &state.entry {
            Some(Entry { data, uses, version, expires_at, .. }) => {
                let values = params![kind, key, data, uses, version, expires_at.map(to_micros)];
                connection.prepare_cached(own::PUT_ENTRY)?.execute(values)?;
            }
            None => drop(connection.prepare_cached(own::REMOVE_ENTRY)?.execute([kind, key])?),
        }
    }
    for (observation, position) in plan.observations.iter().zip(counter.position + 1..) {
        let time = to_micros(observation.time);
        let (source, epoch) = (&observation.source, observation.source_epoch);
        let values = params![position, source, epoch, observation.seq, time, observation.bytes];
        connection.prepare_cached(own::OBSERVE)?.execute(values)?;
    }
    for (source, state) in &plan.sources {
        let values = params![source, state.epoch, state.seq];
        connection.prepare_cached(own::PUT_SOURCE)?.execute(values)?;
    }
    Ok(())
}

/// Adds the block of this transaction to the activity log; gives the link after it.
fn log(connection: &Connection, plan: &Plan<'_>, counter: &Counter) -> rusqlite::Result<Link> {
    let (block, first) = (plan.block(), counter.activity + 1);
    if block.is_empty() {
        return Ok(counter.activity_link);
    }
    let first_revision = counter.revision + block.first_offset();
    let link = chain::link(&counter.activity_link, first, first_revision, &block.digest());
    let mut statement = connection.prepare_cached(own::LOG)?;
    for (write, seq) in plan.activity.iter().zip(first..) {
        let last = seq + 1 == first + plan.activity.len() as u64;
        let (revision, time) = (counter.revision + write.rows, to_micros(write.commit.now));
        let values =
            params![seq, revision, time, write.activity.key, write.activity.text, last.then_some(link)];
        statement.execute(values)?;
    }
    Ok(link)
}

fn write_row(connection: &Connection, row: &RowWrite<'_>, revision: u64) -> rusqlite::Result<()> {
    let now = to_micros(row.commit.now);
    match (row.kind, row.draft) {
        (ChangeKind::Created, Some(d)) => {
            let values = params![
                row.commit.tenant,
                d.uid,
                d.id,
                d.key,
                d.resource_type,
                d.parent,
                d.principal,
                revision,
                d.etag,
                d.model,
                d.deleting,
                d.document,
                d.protected,
                now
            ];
            connection.prepare_cached(own::CREATE)?.execute(values)?;
        }
        (_, Some(d)) => {
            let values = params![
                d.id,
                d.resource_type,
                d.parent,
                d.principal,
                revision,
                d.etag,
                d.model,
                d.deleting,
                d.document,
                d.protected,
                now,
                row.key
            ];
            connection.prepare_cached(own::UPDATE)?.execute(values)?;
        }
        (_, None) => drop(connection.prepare_cached(own::DELETE)?.execute([row.key])?),
    }
    Ok(())
}

fn write_change(connection: &Connection, row: &RowWrite<'_>, revision: u64) -> rusqlite::Result<()> {
    let (id, resource_type, etag, model) = row.described();
    let commit = row.commit;
    let document = row.draft.map(|draft| &draft.document);
    let values = params![
        revision,
        row.kind.code(),
        row.tenant(),
        row.uid(),
        row.key,
        id,
        resource_type,
        commit.actor,
        commit.correlation_id,
        commit.origin,
        to_micros(commit.now),
        etag,
        model,
        document
    ];
    connection.prepare_cached(own::CHANGE)?.execute(values).map(drop)
}

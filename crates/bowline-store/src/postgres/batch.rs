//! One transaction: has what the batch needs gathered and judged, and writes what passed.

use super::connection::{Fault, STEP};
use super::gather::{Standing, gather, owned};
use super::memory::Memory;
use super::read::count;
use crate::decide::{Needs, Plan, decide};
use crate::heads::{Mark, Read};
use crate::model::{ChangeKind, Entry, Head, Revision, to_micros};
use crate::sql::postgres as sql;
use crate::writer::{Job, Landed, Verdict};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row as _};
use std::future::Future;
use uuid::Uuid;

/// Who writes, for the row that answers a COMMIT of unknown outcome.
pub(super) struct Signature<'a> {
    pub(super) instance: Uuid,
    pub(super) name: &'a str,
    pub(super) batch: i64,
}

/// A transaction that is written and waits for its COMMIT.
pub(super) struct Written {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) landed: Landed,
    pub(super) after: Read,
    /// False when nothing was written, so that there is nothing to commit.
    pub(super) changed: bool,
}

/// A step that does not end is a connection that is lost.
pub(super) async fn step<R>(work: impl Future<Output = sqlx::Result<R>>) -> Result<R, Fault> {
    match tokio::time::timeout(STEP, work).await {
        Ok(result) => result.map_err(Fault::from),
        Err(_) => Err(Fault::Lost(format!("no answer within {} s", STEP.as_secs()))),
    }
}

pub(super) type Text<'q> = Query<'q, Postgres, sqlx::postgres::PgArguments>;

pub(super) async fn fetch(connection: &mut PgConnection, query: Text<'_>) -> Result<Vec<PgRow>, Fault> {
    step(query.fetch_all(connection)).await
}

/// Does everything between BEGIN and COMMIT.
pub(super) async fn write_batch<T>(
    connection: &mut PgConnection,
    jobs: &[Job<T>],
    mark: Mark,
    signature: &Signature<'_>,
    memory: &mut Memory,
    lock_first: bool,
) -> Result<Written, Fault> {
    let needs = Needs::of(jobs);
    let recalled =
        memory.recall(&needs).map(|(known, standing, at)| (decide(jobs, &known), known, standing, at));
    let (plan, known, standing, at) = match recalled.filter(|(plan, ..)| !plan.refuses()) {
        Some((plan, known, standing, at)) => (plan, known, standing, Some(at)),
        None => {
            let (known, standing) = gather(connection, &needs, lock_first).await?;
            (decide(jobs, &known), known, standing, None)
        }
    };
    if plan.is_empty() {
        let landed = Landed { revision: 0, position: 0, head: mark.head };
        let after = Read { head: mark.head, position: 0 };
        return Ok(Written { verdicts: plan.verdicts, landed, after, changed: false });
    }
    let changes = plan.rows.iter().all(|row| row.kind == ChangeKind::Updated);
    let text = if changes { sql::WRITE_CHANGES } else { sql::WRITE };
    let query = bind_rows(bind_counter(sqlx::query(text), &plan, &standing, mark, signature), &plan);
    let query = bind_activity(query, &plan);
    let rows = fetch(connection, query).await?;
    let row = rows.first().ok_or(Fault::Redo)?;
    let (revision, position) = (count(row, 0)?, count(row, 1)?);
    let head = Head { epoch: row.try_get(2)?, revision: Revision(revision + plan.rows.len() as u64) };
    if count(row, 3)? != plan.rows.len() as u64 || at.is_some_and(|at| at.epoch != head.epoch) {
        return Err(Fault::Redo);
    }
    write_rest(connection, &plan, revision, position).await?;
    memory.learn(&plan, &needs, known, revision, head);
    let after = Read { head, position: position + plan.observations.len() as u64 };
    let landed = Landed { revision, position, head };
    Ok(Written { verdicts: plan.verdicts, landed, after, changed: true })
}

fn bind_counter<'q>(
    query: Text<'q>,
    plan: &Plan<'_>,
    standing: &Standing,
    mark: Mark,
    signature: &Signature<'q>,
) -> Text<'q> {
    let raised = plan.watermarks.values().max().copied().unwrap_or(0);
    query
        .bind(plan.rows.len() as i64)
        .bind(plan.observations.len() as i64)
        .bind(raised.cast_signed())
        .bind(mark.head.epoch)
        .bind(mark.head.revision.0.cast_signed())
        .bind(standing.watermarked)
        .bind(standing.revision)
        .bind(signature.instance)
        .bind(signature.name)
        .bind(signature.batch)
}

fn bind_rows<'q>(query: Text<'q>, plan: &'q Plan<'_>) -> Text<'q> {
    let rows = &plan.rows;
    /// One column of all rows.
    macro_rules! column {
        (|$row:ident| $value:expr) => {
            rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    query
        .bind(column!(|row| row.kind.code()))
        .bind(column!(|row| row.key))
        .bind(column!(|row| row.tenant()))
        .bind(column!(|row| row.uid()))
        .bind(column!(|row| row.described().0))
        .bind(column!(|row| row.described().1))
        .bind(column!(|row| row.draft.and_then(|draft| draft.parent.as_deref())))
        .bind(column!(|row| row.draft.and_then(|draft| draft.principal)))
        .bind(column!(|row| row.described().2))
        .bind(column!(|row| row.described().3.cast_signed()))
        .bind(column!(|row| row.draft.is_some_and(|draft| draft.deleting)))
        .bind(column!(|row| row.draft.map(|draft| draft.document.as_str())))
        .bind(column!(|row| row.draft.and_then(|draft| draft.protected.as_deref())))
        .bind(column!(|row| row.commit.actor.as_str()))
        .bind(column!(|row| row.commit.correlation_id))
        .bind(column!(|row| row.commit.origin.as_deref()))
        .bind(column!(|row| to_micros(row.commit.now)))
}

fn bind_activity<'q>(query: Text<'q>, plan: &'q Plan<'_>) -> Text<'q> {
    let (block, writes) = (plan.block(), &plan.activity);
    query
        .bind(writes.len() as i64)
        .bind(block.first_offset().cast_signed())
        .bind(block.digest().to_vec())
        .bind(writes.iter().map(|write| write.rows.cast_signed()).collect::<Vec<_>>())
        .bind(writes.iter().map(|write| to_micros(write.commit.now)).collect::<Vec<_>>())
        .bind(writes.iter().map(|write| write.activity.key.as_str()).collect::<Vec<_>>())
        .bind(writes.iter().map(|write| write.activity.text.as_str()).collect::<Vec<_>>())
}

/// What is written after the counter is held.
async fn write_rest(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    revision: u64,
    position: u64,
) -> Result<(), Fault> {
    if !plan.entries.is_empty() {
        write_entries(connection, plan).await?;
    }
    if !plan.watermarks.is_empty() {
        let names = owned(plan.watermarks.keys());
        let revisions: Vec<i64> = plan.watermarks.values().map(|n| (revision + n).cast_signed()).collect();
        fetch(connection, sqlx::query(sql::RAISE_WATERMARKS).bind(names).bind(revisions)).await?;
    }
    if !plan.observations.is_empty() {
        write_observations(connection, plan, position).await?;
    }
    Ok(())
}

async fn write_entries(connection: &mut PgConnection, plan: &Plan<'_>) -> Result<(), Fault> {
    let (mut what, mut names, mut contents) = (Vec::<i16>::new(), Vec::new(), Vec::new());
    for (name, state) in &plan.entries {
        let code = match (&state.entry, state.stored) {
            (Some(_), false) => 0,
            (Some(_), true) => 1,
            (None, true) => 2,
            // Made and removed within the batch, or never there.
            (None, false) => continue,
        };
        what.push(code);
        names.push(name);
        contents.push(state.entry.as_ref());
    }
    let number = |of: fn(&Entry) -> u64| -> Vec<Option<i64>> {
        contents.iter().map(|entry| entry.map(|entry| of(entry).cast_signed())).collect()
    };
    let expected = what.len() as u64;
    let query = sqlx::query(sql::WRITE_ENTRIES)
        .bind(what)
        .bind(names.iter().map(|name| name.0.to_owned()).collect::<Vec<_>>())
        .bind(names.iter().map(|name| name.1.to_owned()).collect::<Vec<_>>())
        .bind(contents.iter().map(|entry| entry.map(|entry| entry.data.clone())).collect::<Vec<_>>())
        .bind(number(|entry| entry.uses))
        .bind(number(|entry| entry.version))
        .bind(
            contents.iter().map(|entry| entry.and_then(|e| e.expires_at).map(to_micros)).collect::<Vec<_>>(),
        );
    expect_count(&fetch(connection, query).await?, expected)
}

async fn write_observations(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
    position: u64,
) -> Result<(), Fault> {
    let batches = &plan.observations;
    let query = sqlx::query(sql::OBSERVE)
        .bind(position.cast_signed())
        .bind(batches.iter().map(|o| o.source.clone()).collect::<Vec<_>>())
        .bind(batches.iter().map(|o| o.source_epoch).collect::<Vec<_>>())
        .bind(batches.iter().map(|o| o.seq.cast_signed()).collect::<Vec<_>>())
        .bind(batches.iter().map(|o| to_micros(o.time)).collect::<Vec<_>>())
        .bind(batches.iter().map(|o| o.bytes.clone()).collect::<Vec<_>>());
    fetch(connection, query).await?;
    let sources = &plan.sources;
    let query = sqlx::query(sql::WRITE_SOURCES)
        .bind(sources.values().map(|state| state.stored).collect::<Vec<_>>())
        .bind(owned(sources.keys()))
        .bind(sources.values().map(|state| state.epoch).collect::<Vec<_>>())
        .bind(sources.values().map(|state| state.seq.cast_signed()).collect::<Vec<_>>());
    expect_count(&fetch(connection, query).await?, sources.len() as u64)
}

/// Fewer rows than meant: another server has made one of them meanwhile.
fn expect_count(rows: &[PgRow], expected: u64) -> Result<(), Fault> {
    match rows.first().map(|row| count(row, 0)).transpose()? {
        Some(written) if written == expected => Ok(()),
        _ => Err(Fault::Redo),
    }
}

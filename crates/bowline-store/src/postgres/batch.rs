//! One transaction: locks and reads what the batch needs, has it judged, writes what passed.
//!
//! # Design notes
//! - Locks are taken in one order everywhere: records, entries, leases, sources (each sorted by name), the counter.
//!   Everything new is inserted while the counter is held. So servers wait for each other in a line.
//! - Absence has no row to lock: "no such key", "nothing below", "nobody raised the watermark". Such facts are read together with the
//!   counter, and the counter is raised only if it still stands there (watermarks have a mark of their own in the
//!   counter row, because nearly every commit guards one). When another server came between, the batch is redone
//!   with the counter locked first.

use super::connection::{Fault, STEP};
use super::read::{self, count};
use crate::decide::{Known, Needs, Plan, Row, decide};
use crate::heads::{Mark, Read};
use crate::model::{Entry, Head, Revision, to_micros};
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

/// Where the counter stood when facts without rows were read; none when no such fact counts.
#[derive(Default)]
struct Standing {
    revision: Option<i64>,
    watermarked: Option<i64>,
}

/// A step that does not end is a connection that is lost.
pub(super) async fn step<R>(work: impl Future<Output = sqlx::Result<R>>) -> Result<R, Fault> {
    match tokio::time::timeout(STEP, work).await {
        Ok(result) => result.map_err(Fault::from),
        Err(_) => Err(Fault::Lost(format!("no answer within {} s", STEP.as_secs()))),
    }
}

type Text = Query<'static, Postgres, sqlx::postgres::PgArguments>;

async fn fetch(connection: &mut PgConnection, query: Text) -> Result<Vec<PgRow>, Fault> {
    step(query.fetch_all(connection)).await
}

/// Does everything between BEGIN and COMMIT.
pub(super) async fn write_batch<T>(
    connection: &mut PgConnection,
    jobs: &[Job<T>],
    mark: Mark,
    signature: &Signature<'_>,
    lock_first: bool,
) -> Result<Written, Fault> {
    let needs = Needs::of(jobs);
    let mut known = lock(connection, &needs).await?;
    if lock_first {
        fetch(connection, sqlx::query(sql::LOCK_COUNTER)).await?;
    }
    let standing = read_facts(connection, &needs, &mut known).await?;
    let plan = decide(jobs, &known);
    if plan.is_empty() {
        let landed = Landed { revision: 0, position: 0, head: mark.head };
        let after = Read { head: mark.head, position: 0 };
        return Ok(Written { verdicts: plan.verdicts, landed, after, changed: false });
    }
    let query = bind_rows(bind_counter(sqlx::query(sql::WRITE), &plan, &standing, mark, signature), &plan);
    let query = bind_activity(query, &plan);
    let rows = fetch(connection, query).await?;
    let row = rows.first().ok_or(Fault::Redo)?;
    let (revision, position) = (count(row, 0)?, count(row, 1)?);
    if count(row, 3)? != plan.rows.len() as u64 {
        return Err(Fault::Redo);
    }
    write_rest(connection, &plan, revision, position).await?;
    let head = Head { epoch: row.try_get(2)?, revision: Revision(revision + plan.rows.len() as u64) };
    let after = Read { head, position: position + plan.observations.len() as u64 };
    let landed = Landed { revision, position, head };
    Ok(Written { verdicts: plan.verdicts, landed, after, changed: true })
}

fn owned<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> Vec<String> {
    names.into_iter().map(|name| (*name).to_owned()).collect()
}

async fn lock(connection: &mut PgConnection, needs: &Needs<'_>) -> Result<Known, Fault> {
    let mut known = Known::default();
    if !needs.keys.is_empty() {
        let query = sqlx::query(sql::LOCK_ROWS).bind(owned(&needs.keys));
        for row in fetch(connection, query).await? {
            known.rows.insert(row.try_get(0)?, read_row(&row)?);
        }
    }
    if !needs.entries.is_empty() {
        let (kinds, keys): (Vec<_>, Vec<_>) =
            needs.entries.iter().map(|(kind, key)| ((*kind).to_owned(), (*key).to_owned())).unzip();
        for row in fetch(connection, sqlx::query(sql::LOCK_ENTRIES).bind(kinds).bind(keys)).await? {
            let entry = read::entry(&row)?;
            known.entries.insert((entry.kind.clone(), entry.key.clone()), entry);
        }
    }
    if !needs.leases.is_empty() {
        let query = sqlx::query(sql::LOCK_LEASES).bind(owned(&needs.leases));
        for row in fetch(connection, query).await? {
            known.leases.insert(row.try_get(0)?, count(&row, 1)?);
        }
    }
    if !needs.sources.is_empty() {
        let query = sqlx::query(sql::LOCK_SOURCES).bind(owned(&needs.sources));
        for row in fetch(connection, query).await? {
            known.sources.insert(row.try_get(0)?, (row.try_get(1)?, count(&row, 2)?));
        }
    }
    Ok(known)
}

fn read_row(row: &PgRow) -> sqlx::Result<Row> {
    Ok(Row {
        tenant: row.try_get(1)?,
        uid: row.try_get(2)?,
        id: row.try_get(3)?,
        resource_type: row.try_get(4)?,
        etag: row.try_get(5)?,
        model: row.try_get::<i32, _>(6)?.cast_unsigned(),
        revision: Revision(count(row, 7)?),
        deleting: row.try_get(8)?,
    })
}

async fn read_facts(
    connection: &mut PgConnection,
    needs: &Needs<'_>,
    known: &mut Known,
) -> Result<Standing, Fault> {
    let mut standing = Standing::default();
    let phantoms = !needs.empty_below.is_empty() || !needs.absent.is_empty();
    if !phantoms && needs.watermarks.is_empty() && needs.principals.is_empty() {
        return Ok(standing);
    }
    let query = sqlx::query(sql::FACTS)
        .bind(owned(&needs.watermarks))
        .bind(needs.principals.iter().copied().collect::<Vec<_>>())
        .bind(owned(&needs.empty_below))
        .bind(owned(&needs.absent));
    for row in fetch(connection, query).await? {
        match row.try_get::<i16, _>(0)? {
            0 => {
                standing.revision = phantoms.then_some(row.try_get(3)?);
                standing.watermarked = (!needs.watermarks.is_empty()).then_some(row.try_get(4)?);
            }
            1 => drop(known.watermarks.insert(row.try_get(1)?, Revision(count(&row, 3)?))),
            2 => drop(known.principals.insert(row.try_get(2)?, row.try_get(1)?)),
            3 => drop(known.not_empty.insert(row.try_get(1)?)),
            // It was made after the records were locked.
            _ if !known.rows.contains_key(row.try_get::<&str, _>(1)?) => return Err(Fault::Redo),
            _ => {}
        }
    }
    Ok(standing)
}

fn bind_counter(
    query: Text,
    plan: &Plan<'_>,
    standing: &Standing,
    mark: Mark,
    signature: &Signature<'_>,
) -> Text {
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
        .bind(signature.name.to_owned())
        .bind(signature.batch)
}

fn bind_rows(query: Text, plan: &Plan<'_>) -> Text {
    let rows = &plan.rows;
    /// One column of all rows.
    macro_rules! column {
        (|$row:ident| $value:expr) => {
            rows.iter().map(|$row| $value).collect::<Vec<_>>()
        };
    }
    query
        .bind(column!(|row| row.kind.code()))
        .bind(column!(|row| row.key.to_owned()))
        .bind(column!(|row| row.tenant()))
        .bind(column!(|row| row.uid()))
        .bind(column!(|row| row.described().0.to_owned()))
        .bind(column!(|row| row.described().1.to_owned()))
        .bind(column!(|row| row.draft.and_then(|draft| draft.parent.clone())))
        .bind(column!(|row| row.draft.and_then(|draft| draft.principal)))
        .bind(column!(|row| row.described().2.to_owned()))
        .bind(column!(|row| row.described().3.cast_signed()))
        .bind(column!(|row| row.draft.is_some_and(|draft| draft.deleting)))
        .bind(column!(|row| row.draft.map(|draft| draft.document.clone())))
        .bind(column!(|row| row.draft.and_then(|draft| draft.protected.clone())))
        .bind(column!(|row| row.commit.actor.clone()))
        .bind(column!(|row| row.commit.correlation_id))
        .bind(column!(|row| row.commit.origin.clone()))
        .bind(column!(|row| to_micros(row.commit.now)))
}

fn bind_activity(query: Text, plan: &Plan<'_>) -> Text {
    let (block, writes) = (plan.block(), &plan.activity);
    query
        .bind(writes.len() as i64)
        .bind(block.first_offset().cast_signed())
        .bind(block.digest().to_vec())
        .bind(writes.iter().map(|write| write.rows.cast_signed()).collect::<Vec<_>>())
        .bind(writes.iter().map(|write| to_micros(write.commit.now)).collect::<Vec<_>>())
        .bind(writes.iter().map(|write| write.activity.key.clone()).collect::<Vec<_>>())
        .bind(writes.iter().map(|write| write.activity.text.clone()).collect::<Vec<_>>())
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

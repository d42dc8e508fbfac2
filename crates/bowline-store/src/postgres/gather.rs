//! What a batch must know before it is judged: locked where there is a row, read together with the counter where there is none.
//!
//! # Design notes
//! - Locks are taken in one order everywhere: records, entries, leases, sources (each sorted by name), the counter.
//!   Everything new is inserted while the counter is held. So servers wait for each other in a line.
//! - Absence has no row to lock: "no such key", "nothing below", "nobody raised the watermark". Such facts are read together with the
//!   counter, and the counter is raised only if it still stands there (watermarks have a mark of their own in the
//!   counter row, because nearly every commit guards one). When another server came between, the batch is redone
//!   with the counter locked first.
//! - The facts of an ordinary batch come with the records, in one round trip: they may then be older than the locks, and the counter tells. Who waited for a lock
//!   has always been overtaken, though, and would redo a batch that asks for absence: there they are read after the locks.

use super::batch::{Text, fetch};
use super::connection::Fault;
use super::read::{self, count};
use crate::decide::{Known, Needs, Row};
use crate::model::Revision;
use crate::sql::postgres as sql;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};
use std::sync::Arc;

/// Where the counter stood when facts without rows were read; none when no such fact counts.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) revision: Option<i64>,
    pub(super) watermarked: Option<i64>,
}

pub(super) fn owned<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> Vec<String> {
    names.into_iter().map(|name| (*name).to_owned()).collect()
}

/// Locks and reads everything.
pub(super) async fn gather(
    connection: &mut PgConnection,
    needs: &Needs<'_>,
    lock_first: bool,
) -> Result<(Known, Standing), Fault> {
    let mut gathered = Gathered::default();
    let absence = !needs.empty_below.is_empty() || !needs.absent.is_empty();
    let facts = absence || !needs.watermarks.is_empty() || !needs.principals.is_empty();
    let together = facts && !absence && !lock_first;
    let keys = || owned(&needs.keys);
    if together {
        let query = bind_facts(sqlx::query(sql::LOCK_ROWS_AND_FACTS), needs).bind(keys());
        gathered.take(fetch(connection, query).await?, needs)?;
    } else if !needs.keys.is_empty() {
        gathered.take(fetch(connection, sqlx::query(sql::LOCK_ROWS).bind(keys())).await?, needs)?;
    }
    lock_others(connection, needs, &mut gathered.known).await?;
    if lock_first {
        fetch(connection, sqlx::query(sql::LOCK_COUNTER)).await?;
    }
    if facts && !together {
        let query = bind_facts(sqlx::query(sql::FACTS), needs);
        let query = query.bind(owned(&needs.empty_below)).bind(owned(&needs.absent));
        gathered.take(fetch(connection, query).await?, needs)?;
    }
    if !absence {
        gathered.standing.revision = None;
    }
    Ok((gathered.known, gathered.standing))
}

fn bind_facts<'q>(query: Text<'q>, needs: &Needs<'_>) -> Text<'q> {
    query.bind(owned(&needs.watermarks)).bind(needs.principals.iter().copied().collect::<Vec<_>>())
}

async fn lock_others(
    connection: &mut PgConnection,
    needs: &Needs<'_>,
    known: &mut Known,
) -> Result<(), Fault> {
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
    Ok(())
}

/// What was read so far.
#[derive(Default)]
struct Gathered {
    known: Known,
    standing: Standing,
}

impl Gathered {
    /// Takes rows as `LOCK_ROWS` and `FACTS` give them: the first column says what a row is.
    fn take(&mut self, rows: Vec<PgRow>, needs: &Needs<'_>) -> Result<(), Fault> {
        let known = &mut self.known;
        for row in rows {
            match row.try_get::<i16, _>(0)? {
                0 => {
                    self.standing.revision = Some(row.try_get(3)?);
                    self.standing.watermarked = (!needs.watermarks.is_empty()).then_some(row.try_get(4)?);
                }
                1 => drop(known.watermarks.insert(row.try_get(1)?, Revision(count(&row, 3)?))),
                2 => drop(known.principals.insert(row.try_get(2)?, row.try_get(1)?)),
                3 => drop(known.not_empty.insert(row.try_get(1)?)),
                5 => drop(known.rows.insert(row.try_get(1)?, Arc::new(read_row(&row)?))),
                // It was made after the records were locked.
                _ if !known.rows.contains_key(row.try_get::<&str, _>(1)?) => return Err(Fault::Redo),
                _ => {}
            }
        }
        Ok(())
    }
}

fn read_row(row: &PgRow) -> sqlx::Result<Row> {
    Ok(Row {
        uid: row.try_get(2)?,
        revision: Revision(count(row, 3)?),
        model: row.try_get::<i32, _>(5)?.cast_unsigned(),
        tenant: row.try_get(6)?,
        id: row.try_get(7)?,
        resource_type: row.try_get(8)?,
        etag: row.try_get(9)?,
        deleting: row.try_get(10)?,
    })
}

//! Reading: point reads inline, pages on the blocking pool, each on connections of their own so that a GET never waits
//! for a LIST.

use super::connection::{open_reader, store_error};
use crate::figures::Counted;
use crate::model::{
    Change, ChangeKind, Entry, List, Observation, Record, Revision, Segment, Stamp, Statement, from_micros,
};
use crate::os::DataDirectory;
use crate::sql;
use crate::store::{Bounds, OpenError, StoreError};
use bowline_arm::chain::LoggedEntry;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Connections for point reads: as many as can run at once on a small machine.
const POINTS: usize = 2;
/// Connections for pages.
const PAGES: usize = 3;

/// The reading connections of a store.
pub(super) struct Readers {
    points: Vec<Mutex<Connection>>,
    next: AtomicUsize,
    pages: Mutex<Vec<Connection>>,
    /// As many permits as connections in `pages`.
    free_pages: Arc<Semaphore>,
    /// Those that wait for one.
    waiting: Arc<AtomicUsize>,
    /// The directory stays locked while anybody reads.
    directory: Arc<DataDirectory>,
}

impl Readers {
    pub(super) fn open(directory: &Arc<DataDirectory>) -> Result<Readers, OpenError> {
        let path = directory.database();
        let open_many = |count: usize| (0..count).map(|_| open_reader(&path)).collect::<Result<Vec<_>, _>>();
        Ok(Readers {
            points: open_many(POINTS)?.into_iter().map(Mutex::new).collect(),
            next: AtomicUsize::new(0),
            pages: Mutex::new(open_many(PAGES)?),
            free_pages: Arc::new(Semaphore::new(PAGES)),
            waiting: Arc::default(),
            directory: directory.clone(),
        })
    }

    /// Of the connections for pages (the others are busy for microseconds): used, all, and reads that wait.
    pub(super) fn load(&self) -> (usize, usize, usize) {
        (PAGES - self.free_pages.available_permits(), PAGES, self.waiting.load(Ordering::Relaxed))
    }

    /// Runs a read of a few microseconds on the caller's thread.
    pub(super) fn point<R>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<R>,
    ) -> Result<R, StoreError> {
        read(&self.take_point()).map_err(|error| store_error(&error))
    }

    fn take_point(&self) -> MutexGuard<'_, Connection> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % POINTS;
        let free = (0..POINTS).find_map(|n| self.points[(first + n) % POINTS].try_lock().ok());
        // A reader that panicked left a connection that is as good as before: it wrote nothing.
        free.unwrap_or_else(|| self.points[first].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a read of any length on the blocking pool.
    pub(super) async fn page<R: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, StoreError> {
        let unavailable = |reason: &str| StoreError::Unavailable { reason: reason.to_owned() };
        let waits = Counted::among(&self.waiting);
        let permit = self.free_pages.clone().acquire_owned().await;
        drop(waits);
        let permit = permit.map_err(|_| unavailable("the store is closing"))?;
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let kept = readers.pages().pop();
            // One is missing only after a read that panicked.
            let connection = match kept {
                Some(connection) => connection,
                None => open_reader(&readers.directory.database())
                    .map_err(|error| StoreError::Unavailable { reason: error.to_string() })?,
            };
            let result = read(&connection).map_err(|error| store_error(&error));
            readers.pages().push(connection);
            drop(permit);
            result
        });
        match task.await {
            Ok(result) => result,
            Err(_) => Err(unavailable("the read was interrupted")),
        }
    }

    fn pages(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All rows of a statement.
pub(super) fn rows<T>(
    connection: &Connection,
    text: &str,
    values: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(text)?.query_map(values, read)?.collect()
}

/// Records in the order of their keys.
pub(super) fn list(connection: &Connection, list: &List) -> rusqlite::Result<Vec<Record>> {
    let (mut found, bounds) = first(connection, list)?;
    found.extend(rest(connection, list, &bounds, found.len(), |twin| twin.records, record)?);
    Ok(found)
}

/// Their stamps.
pub(super) fn stamps(connection: &Connection, list: &List) -> rusqlite::Result<Vec<Stamp>> {
    let (first, bounds) = first(connection, list)?;
    let mut found: Vec<Stamp> = first.iter().map(Record::stamp).collect();
    found.extend(rest(connection, list, &bounds, found.len(), |twin| twin.stamps, stamp)?);
    Ok(found)
}

/// The record of the prefix itself, where it belongs to the list.
fn first<'a>(connection: &Connection, list: &'a List) -> rusqlite::Result<(Vec<Record>, Bounds<'a>)> {
    let bounds = Bounds::of(list);
    let mut found = Vec::new();
    if let Some(key) = bounds.first {
        let first = connection.prepare_cached(sql::GET)?.query_row([key], record).optional()?;
        found.extend(first.filter(|first| crate::store::matches(list, first)));
    }
    Ok((found, bounds))
}

fn rest<T>(
    connection: &Connection,
    list: &List,
    bounds: &Bounds<'_>,
    found: usize,
    text: impl Fn(sql::Twin) -> &'static str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let (above, below) = (&bounds.above, &bounds.below);
    let until = list.created_until.map_or(i64::MAX as u64, |revision| revision.0.min(i64::MAX as u64));
    let limit = list.limit as usize - found.min(list.limit as usize);
    match (&list.parent, &list.resource_type) {
        (None, None) => rows(connection, text(sql::LIST), params![above, below, until, limit], read),
        (None, Some(kind)) => {
            rows(connection, text(sql::LIST_TYPE), params![kind, above, below, until, limit], read)
        }
        (Some(parent), None) => {
            rows(connection, text(sql::LIST_PARENT), params![parent, above, below, until, limit], read)
        }
        (Some(parent), Some(kind)) => {
            let values = params![parent, kind, above, below, until, limit];
            rows(connection, text(sql::LIST_PARENT_TYPE), values, read)
        }
    }
}

/// The records of these keys, in no order.
pub(super) fn get_many(connection: &Connection, keys: &[String]) -> rusqlite::Result<Vec<Record>> {
    let mut statement = connection.prepare_cached(sql::GET)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(statement.query_row([key], record).optional()?);
    }
    Ok(found)
}

pub(super) fn stamp(row: &Row<'_>) -> rusqlite::Result<Stamp> {
    Ok(Stamp { key: row.get(0)?, uid: row.get(1)?, revision: Revision(row.get(2)?), etag: row.get(3)? })
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        tenant: row.get(0)?,
        uid: row.get(1)?,
        id: row.get(2)?,
        key: row.get(3)?,
        resource_type: row.get(4)?,
        parent: row.get(5)?,
        principal: row.get(6)?,
        revision: Revision(row.get(7)?),
        created_revision: Revision(row.get(8)?),
        etag: row.get(9)?,
        model: row.get(10)?,
        deleting: row.get(11)?,
        document: row.get(12)?,
        protected: row.get(13)?,
        created_at: from_micros(row.get(14)?),
        updated_at: from_micros(row.get(15)?),
    })
}

pub(super) fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    let code: i16 = row.get(1)?;
    let kind = ChangeKind::of_code(code).ok_or_else(|| {
        let what = format!("change kind {code}").into();
        rusqlite::Error::FromSqlConversionFailure(1, Type::Integer, what)
    })?;
    Ok(Change {
        revision: Revision(row.get(0)?),
        kind,
        tenant: row.get(2)?,
        uid: row.get(3)?,
        key: row.get(4)?,
        id: row.get(5)?,
        resource_type: row.get(6)?,
        actor: row.get(7)?,
        correlation_id: row.get(8)?,
        origin: row.get(9)?,
        time: from_micros(row.get(10)?),
        etag: row.get(11)?,
        model: row.get(12)?,
        document: row.get(13)?,
    })
}

pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        kind: row.get(0)?,
        key: row.get(1)?,
        data: row.get(2)?,
        uses: row.get(3)?,
        version: row.get(4)?,
        expires_at: row.get::<_, Option<i64>>(5)?.map(from_micros),
    })
}

pub(super) fn observation(row: &Row<'_>) -> rusqlite::Result<(u64, Observation)> {
    let observation = Observation {
        source: row.get(1)?,
        source_epoch: row.get(2)?,
        seq: row.get(3)?,
        time: from_micros(row.get(4)?),
        bytes: row.get(5)?,
    };
    Ok((row.get(0)?, observation))
}

pub(super) fn segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    Ok(Segment {
        source: row.get(0)?,
        source_epoch: row.get(1)?,
        seq: row.get(2)?,
        time: from_micros(row.get(3)?),
        bytes: row.get(4)?,
    })
}

pub(super) fn logged(row: &Row<'_>) -> rusqlite::Result<LoggedEntry> {
    Ok(LoggedEntry {
        seq: row.get(0)?,
        revision: row.get(1)?,
        time: row.get(2)?,
        key: row.get(3)?,
        text: row.get(4)?,
        link: row.get(5)?,
    })
}

pub(super) fn statement(row: &Row<'_>) -> rusqlite::Result<Statement> {
    Ok(Statement { kind: row.get(0)?, signer: row.get(1)?, seq: row.get(2)?, signed: row.get(3)? })
}

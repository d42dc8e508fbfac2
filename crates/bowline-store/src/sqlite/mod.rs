//! The record in one file: SQLite behind [`Store`], for one server on one machine.
//!
//! # Design notes
//! - All writing happens on one thread of its own with cached statements (`writer`): half of the CPU of an
//!   asynchronous driver, and SQLite has one writer anyway.
//! - Point reads run inline: a cached statement over a warm page cache takes a few microseconds, less than handing it to another
//!   thread. Lists and feeds go to the blocking pool (`read`).
//! - `synchronous=FULL`: an answered commit survives the loss of power.

mod batch;
mod connection;
mod copy;
mod log;
mod read;
mod writer;

use crate::commit::{Commit, CommitError, Committed};
use crate::figures::Figures;
use crate::heads::{Heads, Read};
use crate::model::{
    ActivityQuery, Change, Entry, Head, Lease, List, Load, Observation, Record, Revision, Segment, Stamp,
    Statement, to_micros,
};
use crate::os::{self, DataDirectory};
use crate::sql;
use crate::store::{ObservationError, OpenError, Store, StoreError};
use crate::writer::{Queue, queue};
use async_trait::async_trait;
use bowline_arm::chain::{Link, LoggedEntry};
use jiff::Timestamp;
pub(crate) use log::SqliteLog;
use read::Readers;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;
use writer::{Task, Writer};

/// So many records are read on the caller's thread: a way to another one costs more than they.
const FEW: usize = 4;

/// How to open a store in a data directory.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The data directory; made where it does not exist. The record is `bowline.db` in it.
    pub directory: PathBuf,
    /// Below so much free space writes are refused and reads go on.
    pub disk_reserve_bytes: u64,
    /// Says the free space of the directory; another function is for tests.
    pub free_space: fn(&Path) -> io::Result<u64>,
}

impl SqliteOptions {
    /// The usual settings: a reserve of 256 MiB.
    pub fn new(directory: impl Into<PathBuf>) -> SqliteOptions {
        SqliteOptions {
            directory: directory.into(),
            disk_reserve_bytes: 256 << 20,
            free_space: os::free_space,
        }
    }
}

/// Opens the store in a data directory, makes it where it does not exist, and brings its schema up to date.
pub async fn open_sqlite(options: SqliteOptions) -> Result<Arc<dyn Store>, OpenError> {
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(options)).await;
    match opened {
        Ok(store) => Ok(Arc::new(store?)),
        Err(error) => Err(OpenError::Unavailable { reason: error.to_string() }),
    }
}

struct SqliteStore {
    queue: Option<Queue<Task>>,
    thread: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    heads: Arc<Heads>,
    /// Last, so that the lock on the directory is given up after everything else.
    directory: Arc<DataDirectory>,
}

impl SqliteStore {
    fn open(options: SqliteOptions) -> Result<SqliteStore, OpenError> {
        let directory = Arc::new(DataDirectory::open(&options.directory)?);
        let mut connection = connection::open_writer(&directory.database())?;
        connection::migrate(&mut connection)?;
        let unavailable = |error: rusqlite::Error| OpenError::Unavailable { reason: error.to_string() };
        let mut read = read_head(&connection).map_err(unavailable)?;
        if let Some(known) = directory.remembered()
            && crate::heads::went_back(known, read.head.epoch, read.head.revision)
        {
            tracing::warn!(
                known = known.revision.0,
                found = read.head.revision.0,
                "the database is older than it was: a copy was restored; a new epoch begins"
            );
            read.head.epoch = turn_epoch(&connection, read.head.epoch).map_err(unavailable)?;
        }
        directory
            .remember(read.head)
            .map_err(|source| OpenError::Files { path: directory.path().display().to_string(), source })?;
        let heads = Arc::new(Heads::new(read));
        let readers = Arc::new(Readers::open(&directory)?);
        let (queue, intake) = queue();
        let writer = Writer::new(connection, options, heads.clone(), directory.clone());
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(intake))
            .map_err(|error| OpenError::Unavailable { reason: error.to_string() })?;
        Ok(SqliteStore { queue: Some(queue), thread: Some(thread), readers, heads, directory })
    }

    fn queue(&self) -> &Queue<Task> {
        self.queue.as_ref().expect("the queue is there until the store is dropped")
    }

    /// Rows of the feed after a revision.
    async fn feed<T: Send + 'static>(
        &self,
        text: &'static str,
        after: Revision,
        limit: u32,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        crate::store::check_limit(limit)?;
        let (changes, oldest) = self
            .readers
            .page(move |connection| {
                let changes = read::rows(connection, text, params![after.0, limit], read)?;
                // Read after the rows: whatever was forgotten meanwhile shows here.
                let oldest = connection.prepare_cached(sql::COMPACTED)?.query_row([], |row| row.get(0))?;
                Ok((changes, Revision(oldest)))
            })
            .await?;
        if after < oldest { Err(StoreError::Compacted { after, oldest }) } else { Ok(changes) }
    }

    /// Runs a small transaction on the writer's thread.
    async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, StoreError> {
        let (reply, answer) = oneshot::channel();
        let task: Task = Box::new(move |connection| {
            let _ = reply.send(transact(connection, work));
        });
        let unavailable = |reason: String| StoreError::Unavailable { reason };
        self.queue().task(task).await.map_err(|error| unavailable(error.to_string()))?;
        let answered = answer.await.map_err(|_| unavailable("the writer stopped".to_owned()))?;
        answered.map_err(|error| connection::store_error(&error))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Without callers the writer finishes what waits, checkpoints and ends; then the directory is free.
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(directory = %self.directory.path().display(), "the store's writer had panicked");
        }
    }
}

fn transact<R>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<R>,
) -> rusqlite::Result<R> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

fn read_head(connection: &Connection) -> rusqlite::Result<Read> {
    connection.prepare_cached(sql::HEAD)?.query_row([], |row| {
        let head = Head { epoch: row.get(0)?, revision: Revision(row.get(1)?) };
        Ok(Read { head, position: row.get(2)? })
    })
}

fn turn_epoch(connection: &Connection, old: Uuid) -> rusqlite::Result<Uuid> {
    let epoch = os::random_uuid();
    connection.prepare_cached(sql::NEW_EPOCH)?.execute(params![epoch, old])?;
    Ok(epoch)
}

fn put_statement(transaction: &Transaction<'_>, statement: &Statement) -> rusqlite::Result<()> {
    let Statement { kind, signer, seq, signed } = statement;
    transaction.prepare_cached(sql::PUT_STATEMENT)?.execute(params![kind, signer, seq, signed]).map(drop)
}

#[async_trait]
impl Store for SqliteStore {
    fn watch(&self) -> watch::Receiver<Head> {
        self.heads.watch()
    }

    fn watch_observations(&self) -> watch::Receiver<u64> {
        self.heads.watch_observations()
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.readers.point(|connection| read_head(connection).map(|read| read.head))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.queue().commit(commit).await
    }

    fn load(&self) -> Load {
        let (readers, readers_limit, reads_waiting) = self.readers.load();
        Load { readers, readers_limit, reads_waiting, ..self.queue().load() }
    }

    fn figures(&self) -> &Figures {
        self.queue().figures()
    }

    async fn get(&self, key: &str) -> Result<Option<Record>, StoreError> {
        self.readers.point(|connection| {
            connection.prepare_cached(sql::GET)?.query_row([key], read::record).optional()
        })
    }

    async fn stamp(&self, key: &str) -> Result<Option<Stamp>, StoreError> {
        self.readers.point(|connection| {
            connection.prepare_cached(sql::STAMP)?.query_row([key], read::stamp).optional()
        })
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Record>, StoreError> {
        crate::store::check_keys(keys)?;
        if keys.len() <= FEW {
            return self.readers.point(|connection| read::get_many(connection, keys));
        }
        let keys = keys.to_owned();
        self.readers.page(move |connection| read::get_many(connection, &keys)).await
    }

    async fn get_by_principal(&self, principal: Uuid) -> Result<Option<Record>, StoreError> {
        self.readers.point(|connection| {
            connection.prepare_cached(sql::GET_BY_PRINCIPAL)?.query_row([principal], read::record).optional()
        })
    }

    async fn list(&self, list: &List) -> Result<Vec<Record>, StoreError> {
        crate::store::check_limit(list.limit)?;
        let list = list.clone();
        self.readers.page(move |connection| read::list(connection, &list)).await
    }

    async fn stamps(&self, list: &List) -> Result<Vec<Stamp>, StoreError> {
        crate::store::check_limit(list.limit)?;
        let list = list.clone();
        self.readers.page(move |connection| read::stamps(connection, &list)).await
    }

    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.feed(sql::CHANGES, after, limit, read::change).await
    }

    async fn changed_types(
        &self,
        after: Revision,
        limit: u32,
    ) -> Result<Vec<(Revision, String)>, StoreError> {
        self.feed(sql::CHANGED_TYPES, after, limit, |row| Ok((Revision(row.get(0)?), row.get(1)?))).await
    }

    async fn compact_changes(&self, up_to: Revision, limit: u32) -> Result<u64, StoreError> {
        crate::store::check_limit(limit)?;
        self.write(move |transaction| {
            let oldest: u64 = transaction.prepare_cached(sql::COMPACTED)?.query_row([], |row| row.get(0))?;
            let newest = read_head(transaction)?.head.revision.0;
            let end = up_to.0.min(newest).min(oldest + u64::from(limit));
            transaction.prepare_cached(sql::RAISE_COMPACTED)?.execute([end])?;
            let gone = transaction.prepare_cached(sql::DROP_CHANGES)?.execute([end])?;
            Ok(gone as u64)
        })
        .await
    }

    async fn watermark(&self, name: &str) -> Result<Revision, StoreError> {
        self.readers.point(|connection| {
            let raised =
                connection.prepare_cached(sql::WATERMARK)?.query_row([name], |row| row.get(0)).optional()?;
            Ok(Revision(raised.unwrap_or(0)))
        })
    }

    async fn entry(&self, kind: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        self.readers.point(|connection| {
            connection.prepare_cached(sql::ENTRY)?.query_row([kind, key], read::entry).optional()
        })
    }

    async fn entries(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, StoreError> {
        crate::store::check_limit(limit)?;
        let (kind, after) = (kind.to_owned(), after.unwrap_or_default().to_owned());
        self.readers
            .page(move |connection| {
                read::rows(connection, sql::ENTRIES, params![kind, after, limit], read::entry)
            })
            .await
    }

    async fn expire_entries(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        crate::store::check_limit(limit)?;
        let now = to_micros(now);
        self.write(move |transaction| {
            let gone = transaction.prepare_cached(sql::EXPIRE_ENTRIES)?.execute(params![now, limit])?;
            Ok(gone as u64)
        })
        .await
    }

    async fn append_observation(&self, observation: Observation) -> Result<u64, ObservationError> {
        self.queue().observe(observation).await
    }

    async fn observations(
        &self,
        after_position: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Observation)>, StoreError> {
        crate::store::check_limit(limit)?;
        self.readers
            .page(move |connection| {
                let after = params![after_position, limit];
                read::rows(connection, sql::OBSERVATIONS, after, read::observation)
            })
            .await
    }

    async fn observations_of(
        &self,
        source: &str,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<Observation>, StoreError> {
        crate::store::check_limit(limit)?;
        let source = source.to_owned();
        self.readers
            .page(move |connection| {
                let after = params![source, after_seq, limit];
                read::rows(connection, sql::OBSERVATIONS_OF, after, |row| Ok(read::observation(row)?.1))
            })
            .await
    }

    async fn source_position(&self, source: &str) -> Result<Option<(Uuid, u64)>, StoreError> {
        self.readers.point(|connection| {
            let mut statement = connection.prepare_cached(sql::SOURCE_POSITION)?;
            statement.query_row([source], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
    }

    async fn put_segment(&self, segment: Segment) -> Result<(), StoreError> {
        crate::store::check_segment(&segment)?;
        self.write(move |transaction| {
            let Segment { source, source_epoch, seq, time, bytes } = &segment;
            let values = params![source_epoch, seq, to_micros(*time), bytes, source];
            if transaction.prepare_cached(sql::PUT_SEGMENT)?.execute(values)? > 0 {
                let contained = params![source, source_epoch, seq];
                transaction.prepare_cached(sql::DROP_CONTAINED)?.execute(contained)?;
            }
            Ok(())
        })
        .await
    }

    async fn segment(&self, source: &str) -> Result<Option<Segment>, StoreError> {
        let source = source.to_owned();
        self.readers
            .page(move |connection| {
                connection.prepare_cached(sql::SEGMENT)?.query_row([source], read::segment).optional()
            })
            .await
    }

    async fn segments(&self, after: Option<&str>, limit: u32) -> Result<Vec<Segment>, StoreError> {
        crate::store::check_limit(limit)?;
        let after = after.unwrap_or_default().to_owned();
        self.readers
            .page(move |connection| {
                read::rows(connection, sql::SEGMENTS, params![after, limit], read::segment)
            })
            .await
    }

    async fn remove_source(&self, source: &str) -> Result<(), StoreError> {
        let source = source.to_owned();
        self.write(move |transaction| {
            for text in sql::REMOVE_SOURCE {
                transaction.prepare_cached(text)?.execute([&source])?;
            }
            Ok(())
        })
        .await
    }

    async fn activity(&self, query: &ActivityQuery) -> Result<Vec<LoggedEntry>, StoreError> {
        crate::store::check_limit(query.limit)?;
        let (time, seq) = (to_micros(query.before.0), query.before.1.min(i64::MAX as u64));
        let (from, limit) = (to_micros(query.from), query.limit);
        self.readers
            .page(move |connection| {
                read::rows(connection, sql::ACTIVITY, params![time, seq, from, limit], read::logged)
            })
            .await
    }

    async fn activity_chain(&self, after_seq: u64, limit: u32) -> Result<Vec<LoggedEntry>, StoreError> {
        crate::store::check_limit(limit)?;
        self.readers
            .page(move |connection| {
                read::rows(connection, sql::ACTIVITY_CHAIN, params![after_seq, limit], read::logged)
            })
            .await
    }

    async fn activity_head(&self) -> Result<(u64, Link), StoreError> {
        self.readers.point(|connection| {
            let mut statement = connection.prepare_cached(sql::ACTIVITY_HEAD)?;
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }

    async fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        self.readers.page(|connection| read::rows(connection, sql::STATEMENTS, [], read::statement)).await
    }

    async fn put_statement(&self, statement: Statement) -> Result<(), StoreError> {
        self.write(move |transaction| put_statement(transaction, &statement)).await
    }

    async fn prune_activity(&self, checkpoint: Statement) -> Result<u64, StoreError> {
        self.write(move |transaction| {
            put_statement(transaction, &checkpoint)?;
            let gone = transaction.prepare_cached(sql::PRUNE_ACTIVITY)?.execute([checkpoint.seq])?;
            Ok(gone as u64)
        })
        .await
    }

    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.write(move |transaction| {
            let values = params![name, holder, micros(ttl)];
            let epoch: Option<u64> = transaction
                .prepare_cached(sql::sqlite::ACQUIRE_LEASE)?
                .query_row(values, |row| row.get(0))
                .optional()?;
            Ok(epoch.map(|epoch| Lease { name, holder, epoch }))
        })
        .await
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        let lease = lease.clone();
        self.write(move |transaction| {
            let values = params![micros(ttl), lease.name, lease.holder, lease.epoch];
            Ok(transaction.prepare_cached(sql::sqlite::RENEW_LEASE)?.execute(values)? > 0)
        })
        .await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |transaction| {
            let values = params![lease.name, lease.holder, lease.epoch];
            transaction.prepare_cached(sql::RELEASE_LEASE)?.execute(values).map(drop)
        })
        .await
    }

    async fn new_epoch(&self) -> Result<Head, StoreError> {
        let (heads, directory) = (self.heads.clone(), self.directory.clone());
        self.write(move |transaction| {
            let mut read = read_head(transaction)?;
            read.head.epoch = turn_epoch(transaction, read.head.epoch)?;
            Ok(read)
        })
        .await
        .map(|read| {
            // The revision may have moved on since; whoever looks again sees it.
            let _ = heads.publish(heads.mark(), read);
            if let Err(error) = directory.remember(read.head) {
                tracing::warn!(%error, "the newest head could not be remembered beside the database");
            }
            read.head
        })
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.readers.point(|connection| {
            connection.prepare_cached(sql::SETTING)?.query_row([name], |row| row.get(0)).optional()
        })
    }

    async fn set_setting_once(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |transaction| {
            transaction.prepare_cached(sql::SET_SETTING)?.execute([&name, &value])?;
            transaction.prepare_cached(sql::SETTING)?.query_row([&name], |row| row.get(0))
        })
        .await
    }
}

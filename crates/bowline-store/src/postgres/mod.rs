//! The record in PostgreSQL: [`Store`] for any number of servers on one database, version 15 or newer.
//!
//! # Design notes
//! - One connection writes (`writer`), a small pool reads. Nothing outside the writer touches the counter row
//!   in the ordinary course: contention on that row is what made one transaction per request twenty times slower.
//! - The order of locks and what is done about absence: `gather`.
//! - A server learns of the others' commits by notification, and by a poll where notifications do not come through.

mod batch;
mod connection;
mod copy;
mod fleet;
mod gather;
mod log;
mod memory;
mod read;
mod watch;
mod writer;

use crate::commit::{Commit, CommitError, Committed};
use crate::figures::{Counted, Figures};
use crate::fleet::Fleet;
use crate::heads::{Heads, Read};
use crate::model::{
    ActivityQuery, Change, Entry, Head, Lease, List, Load, Observation, Record, Revision, Segment, Stamp,
    Statement, to_micros,
};
use crate::os;
use crate::sql;
use crate::store::{Bounds, ObservationError, OpenError, Store, StoreError, check_limit};
use crate::writer::{Queue, queue};
use async_trait::async_trait;
use bowline_arm::chain::{Link, LoggedEntry};
use connection::store_error;
use jiff::Timestamp;
pub(crate) use log::PostgresLog;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row as _};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch as channel};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How to open a store in a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`
    pub url: String,
    /// This server's name, as it shows in `pg_stat_activity`.
    pub name: String,
    /// The most connections for reading.
    pub connections: u32,
    /// How often the head is read, for news that no notification brought.
    pub poll: Duration,
    /// How long commits wait for a lost connection before they are answered that the database is not available.
    pub patience: Duration,
}

impl PostgresOptions {
    /// The usual settings.
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> PostgresOptions {
        PostgresOptions {
            url: url.into(),
            name: name.into(),
            connections: 8,
            poll: Duration::from_millis(500),
            patience: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("PostgresOptions").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Opens the store in a database and brings its schema up to date.
pub async fn open_postgres(options: PostgresOptions) -> Result<Arc<dyn Store>, OpenError> {
    let connect = connection::parse(&options)?;
    connection::prepare(&connect).await?;
    let unavailable = |error: sqlx::Error| OpenError::Unavailable { reason: error.to_string() };
    let pool = connection::open_pool(&options, &connect);
    connection::settle(&pool).await.map_err(unavailable)?;
    let heads = Arc::new(Heads::new(read_head(&pool).await.map_err(unavailable)?));
    let instance = os::random_uuid();
    let forgotten = sqlx::query(sql::postgres::FORGET_OLD_WRITERS).bind(&options.name).bind(instance);
    forgotten.execute(&pool).await.map_err(unavailable)?;
    let (queue, intake) = queue();
    let writer = writer::Writer {
        connect: connection::for_writer(&connect),
        pool: pool.clone(),
        heads: heads.clone(),
        name: options.name,
        instance,
        patience: options.patience,
        line: writer::Line::default(),
    };
    // It ends by itself when the queue is dropped, after it has answered everybody.
    tokio::spawn(writer.run(intake));
    let news = Arc::new(Notify::new());
    let followers = vec![
        tokio::spawn(watch::follow(pool.clone(), heads.clone(), options.poll, news.clone())),
        tokio::spawn(watch::listen(pool.clone(), heads.clone(), news)),
    ];
    Ok(Arc::new(PostgresStore { queue, pool, reading: Arc::default(), heads, followers }))
}

struct PostgresStore {
    queue: Queue<Infallible>,
    pool: PgPool,
    /// Reads that have or want a connection of the pool.
    reading: Arc<AtomicUsize>,
    heads: Arc<Heads>,
    followers: Vec<JoinHandle<()>>,
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        for task in &self.followers {
            task.abort();
        }
    }
}

async fn read_head(pool: &PgPool) -> sqlx::Result<Read> {
    read::head(&sqlx::query(sql::HEAD).fetch_one(pool).await?)
}

/// Begins a new epoch unless somebody else already did, and tells the watchers.
async fn turn_epoch(pool: &PgPool, heads: &Heads, old: Uuid) {
    tracing::warn!("the database is older than it was: a copy was restored; a new epoch begins");
    let mark = heads.mark();
    let turned = async {
        sqlx::query(sql::NEW_EPOCH).bind(os::random_uuid()).bind(old).execute(pool).await?;
        read_head(pool).await
    };
    match turned.await {
        Ok(read) => drop(heads.publish(mark, read)),
        Err(error) => tracing::error!(%error, "the new epoch could not be written; it is tried again"),
    }
}

type Text<'q> = Query<'q, Postgres, PgArguments>;

fn put_statement(statement: &Statement) -> Text<'_> {
    let query = sqlx::query(sql::PUT_STATEMENT).bind(&statement.kind).bind(&statement.signer);
    query.bind(signed(statement.seq)).bind(&statement.signed)
}

impl PostgresStore {
    /// Does a read or a small write that may be repeated, again when a connection of the pool turns out to be dead.
    async fn again<R, F: Future<Output = sqlx::Result<R>>>(
        &self,
        work: impl Fn() -> F,
    ) -> Result<R, StoreError> {
        let _reading = Counted::among(&self.reading);
        // Each dead connection leaves the pool; after as many tries as it has connections all of them are new.
        for _ in 0..self.pool.options().get_max_connections() {
            match work().await {
                Err(error) if connection::is_lost(&error) => {}
                done => return done.map_err(store_error),
            }
        }
        work().await.map_err(store_error)
    }

    async fn ask<'q, R>(
        &self,
        query: impl Fn() -> Text<'q>,
        read: impl Fn(&PgRow) -> sqlx::Result<R>,
    ) -> Result<Vec<R>, StoreError> {
        let rows = self.again(|| query().fetch_all(&self.pool)).await?;
        rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(store_error)
    }

    async fn ask_one<'q, R>(
        &self,
        query: impl Fn() -> Text<'q>,
        read: impl Fn(&PgRow) -> sqlx::Result<R>,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.ask(query, read).await?.pop())
    }

    /// The record of the prefix itself, where it belongs to the list.
    async fn first<'a>(&self, list: &'a List) -> Result<(Vec<Record>, Bounds<'a>), StoreError> {
        check_limit(list.limit)?;
        let bounds = Bounds::of(list);
        let first = match bounds.first {
            Some(key) => self.ask_one(|| sqlx::query(sql::GET).bind(key), read::record).await?,
            None => None,
        };
        Ok((first.filter(|first| crate::store::matches(list, first)).into_iter().collect(), bounds))
    }

    async fn rest<R>(
        &self,
        list: &List,
        bounds: &Bounds<'_>,
        found: usize,
        text: impl Fn(sql::Twin) -> &'static str,
        read: impl Fn(&PgRow) -> sqlx::Result<R>,
    ) -> Result<Vec<R>, StoreError> {
        let until = list.created_until.map_or(i64::MAX, |revision| signed(revision.0));
        let limit = i64::from(list.limit) - found as i64;
        let query = || {
            let query = match (&list.parent, &list.resource_type) {
                (None, None) => sqlx::query(text(sql::LIST)),
                (None, Some(kind)) => sqlx::query(text(sql::LIST_TYPE)).bind(kind),
                (Some(parent), None) => sqlx::query(text(sql::LIST_PARENT)).bind(parent),
                (Some(parent), Some(kind)) => {
                    sqlx::query(text(sql::LIST_PARENT_TYPE)).bind(parent).bind(kind)
                }
            };
            query.bind(&bounds.above).bind(&bounds.below).bind(until).bind(limit)
        };
        self.ask(query, read).await
    }

    /// Rows of the feed after a revision.
    async fn feed<R>(
        &self,
        text: &'static str,
        after: Revision,
        limit: u32,
        read: impl Fn(&PgRow) -> sqlx::Result<R>,
        revision: impl Fn(&R) -> Revision,
    ) -> Result<Vec<R>, StoreError> {
        check_limit(limit)?;
        let query = || sqlx::query(text).bind(signed(after.0)).bind(i64::from(limit));
        let changes = self.ask(query, read).await?;
        // Unless the rows follow without a gap, some were forgotten; none at all may mean the same.
        if changes.first().is_some_and(|first| revision(first).0 == after.0 + 1) {
            return Ok(changes);
        }
        let oldest = self.ask_one(|| sqlx::query(sql::COMPACTED), |row| read::count(row, 0)).await?;
        let oldest = Revision(oldest.unwrap_or(0));
        if after < oldest { Err(StoreError::Compacted { after, oldest }) } else { Ok(changes) }
    }

    async fn execute<'q>(&self, query: impl Fn() -> Text<'q>) -> Result<u64, StoreError> {
        self.again(|| async { Ok(query().execute(&self.pool).await?.rows_affected()) }).await
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for PostgresStore {
    fn watch(&self) -> channel::Receiver<Head> {
        self.heads.watch()
    }

    fn watch_observations(&self) -> channel::Receiver<u64> {
        self.heads.watch_observations()
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let read = self.ask_one(|| sqlx::query(sql::HEAD), read::head).await?;
        let read =
            read.ok_or_else(|| StoreError::Unreadable { what: "the counter is missing".to_owned() })?;
        Ok(read.head)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.queue.commit(commit).await
    }

    fn load(&self) -> Load {
        let limit = self.pool.options().get_max_connections() as usize;
        Load {
            readers: (self.pool.size() as usize).saturating_sub(self.pool.num_idle()),
            readers_limit: limit,
            // One of them listens.
            reads_waiting: self.reading.load(Ordering::Relaxed).saturating_sub(limit - 1),
            ..self.queue.load()
        }
    }

    fn figures(&self) -> &Figures {
        self.queue.figures()
    }

    async fn get(&self, key: &str) -> Result<Option<Record>, StoreError> {
        self.ask_one(|| sqlx::query(sql::GET).bind(key), read::record).await
    }

    async fn get_by_principal(&self, principal: Uuid) -> Result<Option<Record>, StoreError> {
        self.ask_one(|| sqlx::query(sql::GET_BY_PRINCIPAL).bind(principal), read::record).await
    }

    async fn stamp(&self, key: &str) -> Result<Option<Stamp>, StoreError> {
        self.ask_one(|| sqlx::query(sql::STAMP).bind(key), read::stamp).await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Record>, StoreError> {
        crate::store::check_keys(keys)?;
        self.ask(|| sqlx::query(sql::postgres::GET_MANY).bind(keys), read::record).await
    }

    async fn list(&self, list: &List) -> Result<Vec<Record>, StoreError> {
        let (mut found, bounds) = self.first(list).await?;
        found.extend(self.rest(list, &bounds, found.len(), |twin| twin.records, read::record).await?);
        Ok(found)
    }

    async fn stamps(&self, list: &List) -> Result<Vec<Stamp>, StoreError> {
        let (first, bounds) = self.first(list).await?;
        let mut found: Vec<Stamp> = first.iter().map(Record::stamp).collect();
        found.extend(self.rest(list, &bounds, found.len(), |twin| twin.stamps, read::stamp).await?);
        Ok(found)
    }

    async fn changes(&self, after: Revision, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.feed(sql::CHANGES, after, limit, read::change, |change| change.revision).await
    }

    async fn changed_types(
        &self,
        after: Revision,
        limit: u32,
    ) -> Result<Vec<(Revision, String)>, StoreError> {
        self.feed(sql::CHANGED_TYPES, after, limit, read::changed_type, |change| change.0).await
    }

    async fn compact_changes(&self, up_to: Revision, limit: u32) -> Result<u64, StoreError> {
        check_limit(limit)?;
        let work = || async {
            let mut transaction = self.pool.begin().await?;
            let oldest: i64 = sqlx::query_scalar(sql::COMPACTED).fetch_one(&mut *transaction).await?;
            let newest = read::head(&sqlx::query(sql::HEAD).fetch_one(&mut *transaction).await?)?;
            let end = signed(up_to.0.min(newest.head.revision.0)).min(oldest + i64::from(limit));
            let gone = sqlx::query(sql::DROP_CHANGES).bind(end).execute(&mut *transaction).await?;
            // Last, so that the counter is held as briefly as possible.
            sqlx::query(sql::RAISE_COMPACTED).bind(end).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(gone.rows_affected())
        };
        self.again(work).await
    }

    async fn watermark(&self, name: &str) -> Result<Revision, StoreError> {
        let raised =
            self.ask_one(|| sqlx::query(sql::WATERMARK).bind(name), |row| read::count(row, 0)).await?;
        Ok(Revision(raised.unwrap_or(0)))
    }

    async fn entry(&self, kind: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        self.ask_one(|| sqlx::query(sql::ENTRY).bind(kind).bind(key), read::entry).await
    }

    async fn entries(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, StoreError> {
        check_limit(limit)?;
        let after = after.unwrap_or_default();
        let query = || sqlx::query(sql::ENTRIES).bind(kind).bind(after).bind(i64::from(limit));
        self.ask(query, read::entry).await
    }

    async fn expire_entries(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        check_limit(limit)?;
        self.execute(|| sqlx::query(sql::EXPIRE_ENTRIES).bind(to_micros(now)).bind(i64::from(limit))).await
    }

    async fn append_observation(&self, observation: Observation) -> Result<u64, ObservationError> {
        self.queue.observe(observation).await
    }

    async fn observations(
        &self,
        after_position: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Observation)>, StoreError> {
        check_limit(limit)?;
        let query = || sqlx::query(sql::OBSERVATIONS).bind(signed(after_position)).bind(i64::from(limit));
        self.ask(query, read::observation).await
    }

    async fn observations_of(
        &self,
        source: &str,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<Observation>, StoreError> {
        check_limit(limit)?;
        let query =
            || sqlx::query(sql::OBSERVATIONS_OF).bind(source).bind(signed(after_seq)).bind(i64::from(limit));
        self.ask(query, |row| Ok(read::observation(row)?.1)).await
    }

    async fn source_position(&self, source: &str) -> Result<Option<(Uuid, u64)>, StoreError> {
        let query = || sqlx::query(sql::SOURCE_POSITION).bind(source);
        self.ask_one(query, |row| Ok((row.try_get(0)?, read::count(row, 1)?))).await
    }

    async fn put_segment(&self, segment: Segment) -> Result<(), StoreError> {
        crate::store::check_segment(&segment)?;
        let work = || async {
            let mut transaction = self.pool.begin().await?;
            let put = sqlx::query(sql::PUT_SEGMENT)
                .bind(segment.source_epoch)
                .bind(signed(segment.seq))
                .bind(to_micros(segment.time))
                .bind(&segment.bytes)
                .bind(&segment.source);
            if put.execute(&mut *transaction).await?.rows_affected() > 0 {
                let contained = sqlx::query(sql::DROP_CONTAINED)
                    .bind(&segment.source)
                    .bind(segment.source_epoch)
                    .bind(signed(segment.seq));
                contained.execute(&mut *transaction).await?;
            }
            transaction.commit().await
        };
        self.again(work).await
    }

    async fn segment(&self, source: &str) -> Result<Option<Segment>, StoreError> {
        self.ask_one(|| sqlx::query(sql::SEGMENT).bind(source), read::segment).await
    }

    async fn segments(&self, after: Option<&str>, limit: u32) -> Result<Vec<Segment>, StoreError> {
        check_limit(limit)?;
        let after = after.unwrap_or_default();
        self.ask(|| sqlx::query(sql::SEGMENTS).bind(after).bind(i64::from(limit)), read::segment).await
    }

    async fn remove_source(&self, source: &str) -> Result<(), StoreError> {
        let work = || async {
            let mut transaction = self.pool.begin().await?;
            for text in sql::REMOVE_SOURCE {
                sqlx::query(text).bind(source).execute(&mut *transaction).await?;
            }
            transaction.commit().await
        };
        self.again(work).await
    }

    async fn activity(&self, query: &ActivityQuery) -> Result<Vec<LoggedEntry>, StoreError> {
        check_limit(query.limit)?;
        let text = || {
            let text = sqlx::query(sql::ACTIVITY).bind(to_micros(query.before.0));
            let text = text.bind(signed(query.before.1.min(i64::MAX as u64))).bind(to_micros(query.from));
            text.bind(i64::from(query.limit))
        };
        self.ask(text, read::logged).await
    }

    async fn activity_chain(&self, after_seq: u64, limit: u32) -> Result<Vec<LoggedEntry>, StoreError> {
        check_limit(limit)?;
        let text = || sqlx::query(sql::ACTIVITY_CHAIN).bind(signed(after_seq)).bind(i64::from(limit));
        self.ask(text, read::logged).await
    }

    async fn activity_head(&self) -> Result<(u64, Link), StoreError> {
        let row = self.again(|| sqlx::query(sql::ACTIVITY_HEAD).fetch_one(&self.pool)).await?;
        read::activity_head(&row).map_err(store_error)
    }

    async fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        self.ask(|| sqlx::query(sql::STATEMENTS), read::statement).await
    }

    async fn put_statement(&self, statement: Statement) -> Result<(), StoreError> {
        self.execute(|| put_statement(&statement)).await.map(drop)
    }

    async fn prune_activity(&self, checkpoint: Statement) -> Result<u64, StoreError> {
        let work = || async {
            let mut transaction = self.pool.begin().await?;
            put_statement(&checkpoint).execute(&mut *transaction).await?;
            let prune = sqlx::query(sql::PRUNE_ACTIVITY).bind(signed(checkpoint.seq));
            let gone = prune.execute(&mut *transaction).await?.rows_affected();
            transaction.commit().await?;
            Ok(gone)
        };
        self.again(work).await
    }

    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let query =
            || sqlx::query(sql::fleet::ACQUIRE_LEASE).bind(name).bind(holder).bind(fleet::micros(ttl));
        let epoch = self.ask_one(query, |row| read::count(row, 0)).await?;
        let (name, holder) = (name.to_owned(), holder.to_owned());
        Ok(epoch.map(|epoch| Lease { name, holder, epoch }))
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        let query = || {
            let query = sqlx::query(sql::fleet::RENEW_LEASE).bind(fleet::micros(ttl));
            query.bind(&lease.name).bind(&lease.holder).bind(signed(lease.epoch))
        };
        Ok(self.execute(query).await? > 0)
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let query = || {
            let query = sqlx::query(sql::RELEASE_LEASE).bind(&lease.name);
            query.bind(&lease.holder).bind(signed(lease.epoch))
        };
        self.execute(query).await.map(drop)
    }

    fn fleet(&self) -> Option<&dyn Fleet> {
        Some(self)
    }

    async fn new_epoch(&self) -> Result<Head, StoreError> {
        let mark = self.heads.mark();
        let old = self.head().await?.epoch;
        let epoch = os::random_uuid();
        self.execute(|| sqlx::query(sql::NEW_EPOCH).bind(epoch).bind(old)).await?;
        let read = self.again(|| read_head(&self.pool)).await?;
        let _ = self.heads.publish(mark, read);
        Ok(read.head)
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.ask_one(|| sqlx::query(sql::SETTING).bind(name), |row| row.try_get(0)).await
    }

    async fn set_setting_once(&self, name: &str, value: &str) -> Result<String, StoreError> {
        self.execute(|| sqlx::query(sql::SET_SETTING).bind(name).bind(value)).await?;
        Ok(self.setting(name).await?.unwrap_or_else(|| value.to_owned()))
    }
}

//! The task that writes: batches, the connection that is lost and comes back, the COMMIT of unknown outcome.
//!
//! # Design notes
//! - Each COMMIT opens the next transaction in the same round trip (`AND CHAIN`): under load a batch costs one less. Such a transaction has no snapshot and no
//!   lock, so that it keeps nobody waiting; it is ended when nothing was written for a moment, long before the database would cut it for being idle.

use super::batch::{Signature, Written, step, write_batch};
use super::connection::{CONNECT, Fault};
use super::memory::Memory;
use super::turn_epoch;
use crate::commit::CommitError;
use crate::heads::{Heads, Mark};
use crate::sql::postgres as sql;
use crate::writer::{Intake, Job, YIELDS, answer, fail};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The first pause before a connection is tried again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long an opened transaction waits for the next batch.
const OPEN_FOR: Duration = Duration::from_secs(1);
/// Each time that a batch is redone another server has made progress; somewhere there is an end.
const MAX_REDONE: u32 = 100;

type Jobs = Vec<Job<Infallible>>;

pub(super) struct Writer {
    pub(super) connect: PgConnectOptions,
    pub(super) pool: PgPool,
    pub(super) heads: Arc<Heads>,
    pub(super) name: String,
    pub(super) instance: Uuid,
    /// How long callers wait for a lost connection to come back.
    pub(super) patience: Duration,
    pub(super) line: Line,
}

/// The connection, or how long it has been lost.
#[derive(Default)]
pub(super) struct Line {
    connection: Option<PgConnection>,
    /// Whether the COMMIT before has opened the next transaction.
    open: bool,
    memory: Memory,
    lost_since: Option<Instant>,
    next_try: Option<Instant>,
    pause: Duration,
    /// Why there is none.
    reason: String,
    batch: i64,
}

/// How a batch ended.
enum Failure {
    Fault(Fault),
    /// The connection broke during COMMIT.
    Unknown(Box<Written>, String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Fault(fault)
    }
}

impl Writer {
    /// Until all callers are gone.
    pub(super) async fn run(mut self, mut intake: Intake<Infallible>) {
        while self.wait(&mut intake).await {
            for _ in 0..YIELDS {
                intake.drain();
                tokio::task::yield_now().await;
            }
            intake.drain();
            let jobs = intake.take_batch();
            let (size, begun) = (jobs.len(), Instant::now());
            self.write(jobs).await;
            intake.note(size, begun);
        }
        if let Some(connection) = self.line.connection.take() {
            let _ = connection.close().await;
        }
    }

    /// Waits until there is something to do; false when all callers are gone.
    async fn wait(&mut self, intake: &mut Intake<Infallible>) -> bool {
        if self.line.open {
            match tokio::time::timeout(OPEN_FOR, intake.wait()).await {
                Ok(more) => return more,
                Err(_) => self.close().await,
            }
        }
        intake.wait().await
    }

    /// Ends the transaction that waits for a batch.
    async fn close(&mut self) {
        self.line.open = false;
        if let Some(connection) = &mut self.line.connection
            && let Err(fault) = step(sqlx::raw_sql("ROLLBACK").execute(connection)).await
        {
            tracing::warn!(?fault, "the connection to the database was lost while nothing was written");
            self.lose();
        }
    }

    /// Writes a batch and answers everybody in it.
    async fn write(&mut self, jobs: Jobs) {
        match self.write_together(&jobs).await {
            Ok(written) => answer(jobs, &written.verdicts, written.landed),
            Err(CommitError::Unavailable { reason }) if jobs.len() > 1 && self.line.connection.is_some() => {
                // One of them carries something that the database does not take: the others must not suffer.
                tracing::warn!(
                    reason,
                    commits = jobs.len(),
                    "a batch was refused; its commits are tried one by one"
                );
                for job in jobs {
                    let one = vec![job];
                    match self.write_together(&one).await {
                        Ok(written) => answer(one, &written.verdicts, written.landed),
                        Err(error) => fail(one, || error.clone()),
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "a batch of commits was not written");
                fail(jobs, || error.clone());
            }
        }
    }

    /// Tries until there is an answer, or until callers have waited long enough.
    async fn write_together(&mut self, jobs: &Jobs) -> Result<Written, CommitError> {
        let (mut redone, mut lock_first) = (0, false);
        loop {
            self.connect().await?;
            let mark = self.heads.mark();
            match self.try_write(jobs, mark, lock_first).await {
                Ok(written) => return Ok(written),
                Err(Failure::Fault(Fault::Redo)) if redone < MAX_REDONE => {
                    redone += 1;
                    lock_first = true;
                    self.line.memory = Memory::default();
                    self.look_back().await;
                }
                Err(Failure::Fault(Fault::Lost(reason))) => {
                    tracing::warn!(reason, "the connection to the database was lost; nothing was committed");
                    self.lose();
                }
                Err(Failure::Fault(fault)) => return Err(fault.told()),
                Err(Failure::Unknown(written, reason)) => {
                    tracing::warn!(reason, "the connection to the database was lost during COMMIT");
                    self.lose();
                    if self.was_committed(&reason).await? {
                        self.publish(mark, &written);
                        return Ok(*written);
                    }
                }
            }
        }
    }

    async fn try_write(&mut self, jobs: &Jobs, mark: Mark, lock_first: bool) -> Result<Written, Failure> {
        self.line.batch += 1;
        let signature = Signature { instance: self.instance, name: &self.name, batch: self.line.batch };
        let connection = self.line.connection.as_mut().expect("a batch starts after connect()");
        if !std::mem::take(&mut self.line.open) {
            step(sqlx::raw_sql("BEGIN").execute(&mut *connection)).await?;
        }
        let written =
            match write_batch(connection, jobs, mark, &signature, &mut self.line.memory, lock_first).await {
                Ok(written) if written.changed => written,
                Err(Fault::Lost(reason)) => return Err(Fault::Lost(reason).into()),
                other => {
                    // Nothing to keep: refused by all guards, or by the database.
                    step(sqlx::raw_sql("ROLLBACK").execute(&mut *connection)).await?;
                    return Ok(other?);
                }
            };
        match step(sqlx::raw_sql("COMMIT AND CHAIN").execute(&mut *connection)).await {
            Ok(_) => {
                self.line.open = true;
                self.publish(mark, &written);
                Ok(written)
            }
            Err(fault) => Err(Failure::Unknown(Box::new(written), format!("{fault:?}"))),
        }
    }

    fn publish(&self, mark: Mark, written: &Written) {
        // The statement that wrote checked that the record had not gone back.
        let _ = self.heads.publish(mark, written.after);
    }

    /// Why the counter could not be raised: another server was faster, which is nothing, or an older copy of the
    /// database was restored, which begins a new epoch.
    async fn look_back(&mut self) {
        let mark = self.heads.mark();
        match super::read_head(&self.pool).await {
            Ok(read) => {
                if self.heads.publish(mark, read).is_err() {
                    turn_epoch(&self.pool, &self.heads, read.head.epoch).await;
                }
            }
            Err(error) => tracing::warn!(%error, "the head of the store could not be read"),
        }
    }

    fn lose(&mut self) {
        self.line.connection = None;
        self.line.open = false;
        self.line.memory = Memory::default();
        self.line.lost_since.get_or_insert_with(Instant::now);
    }

    /// Makes sure that there is a connection, or says that callers have waited long enough.
    async fn connect(&mut self) -> Result<(), CommitError> {
        while self.line.connection.is_none() {
            let now = Instant::now();
            let give_up = *self.line.lost_since.get_or_insert(now) + self.patience;
            if let Some(next_try) = self.line.next_try
                && next_try > now
            {
                if now >= give_up {
                    return Err(CommitError::Unavailable { reason: self.line.reason.clone() });
                }
                tokio::time::sleep_until(next_try.min(give_up)).await;
                continue;
            }
            match self.try_connect().await {
                Ok(connection) => {
                    let batch = self.line.batch;
                    self.line = Line { connection: Some(connection), batch, ..Line::default() };
                }
                Err(reason) => {
                    tracing::warn!(reason, "the database cannot be reached");
                    self.line.reason = reason;
                    self.line.pause = (self.line.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                    self.line.next_try = Some(Instant::now() + self.line.pause);
                }
            }
        }
        Ok(())
    }

    async fn try_connect(&self) -> Result<PgConnection, String> {
        let attempt = async {
            let mut connection = PgConnection::connect_with(&self.connect).await?;
            // It may be another one than before: a standby that was promoted.
            super::connection::settle(&mut connection).await?;
            // The row must be there before the first batch: only a row that exists can be waited for.
            sqlx::query(sql::SIGN_IN).bind(self.instance).bind(&self.name).execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        match tokio::time::timeout(CONNECT, attempt).await {
            Ok(connected) => connected.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {} s", CONNECT.as_secs())),
        }
    }

    /// Whether the batch that was being committed when the connection broke is in the database.
    async fn was_committed(&mut self, reason: &str) -> Result<bool, CommitError> {
        let unknown = || CommitError::OutcomeUnknown { reason: reason.to_owned() };
        loop {
            self.connect().await.map_err(|_| unknown())?;
            let connection = self.line.connection.as_mut().expect("connect() has just succeeded");
            let asked = sqlx::query_scalar::<_, i64>(sql::LAST_BATCH).bind(self.instance);
            match step(asked.fetch_optional(connection)).await {
                Ok(Some(batch)) => return Ok(batch == self.line.batch),
                Ok(None) => return Err(unknown()),
                Err(_) => self.lose(),
            }
        }
    }
}

//! The thread that writes: batches, small tasks, checkpoints.
//!
//! # Design notes
//! - Checkpoints are made here, after the callers were answered: a separate checkpointer never catches up while the
//!   writer is busy, and SQLite's own would run inside somebody's COMMIT.
//! - When COMMIT itself fails, SQLite does not promise what is on disk. The connection is opened anew, which recovers
//!   the log, and the batch number in the counter row says what happened.

use super::SqliteOptions;
use super::batch::{Written, read_counter, write_batch};
use super::connection::{commit_error, concerns_all, describe, open_writer};
use crate::commit::CommitError;
use crate::heads::Heads;
use crate::os::DataDirectory;
use crate::writer::{Intake, Job, YIELDS, answer, fail};
use rusqlite::{Connection, hooks::Wal};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::Arc;
use tokio::time::Instant;

/// A small transaction of its own, with its answer inside.
pub(super) type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// Pages in the log from which an idle writer checkpoints.
const PAGES_WHEN_IDLE: c_int = 1000;
/// Pages in the log from which a busy writer checkpoints: larger is faster, and the pause is longer.
const PAGES_WHEN_BUSY: c_int = 8000;
/// Pages in the log from which it waits for readers, so that the log cannot grow without bound.
const PAGES_AT_MOST: c_int = 32_000;

thread_local! {
    /// How many pages the log has, as SQLite said at the last COMMIT of this thread.
    static LOG_PAGES: Cell<c_int> = const { Cell::new(0) };
}

// The signature is that of SQLite's hook, which may fail.
#[allow(clippy::unnecessary_wraps)]
fn note_log_pages(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
    LOG_PAGES.set(pages);
    Ok(())
}

pub(super) struct Writer {
    /// None after a failure, until it could be opened again.
    connection: Option<Connection>,
    options: SqliteOptions,
    heads: Arc<Heads>,
    directory: Arc<DataDirectory>,
    /// Pages in the log when a checkpoint last could not finish it.
    unfinished: c_int,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        options: SqliteOptions,
        heads: Arc<Heads>,
        directory: Arc<DataDirectory>,
    ) -> Writer {
        connection.wal_hook(Some(note_log_pages));
        Writer { connection: Some(connection), options, heads, directory, unfinished: 0 }
    }

    /// Until all callers are gone.
    pub(super) fn run(mut self, mut intake: Intake<Task>) {
        while intake.wait_blocking() {
            for _ in 0..YIELDS {
                intake.drain();
                std::thread::yield_now();
            }
            intake.drain();
            let (mut jobs, mut tasks) = (Vec::new(), Vec::new());
            for job in intake.take_batch() {
                match job {
                    Job::Task(task) => tasks.push(task),
                    job => jobs.push(job),
                }
            }
            if !jobs.is_empty() {
                let (size, begun) = (jobs.len(), Instant::now());
                self.write(jobs);
                intake.note(size, begun);
            }
            for task in tasks {
                // A task whose answer is dropped unanswered tells its caller that the writer is not available.
                if let Ok(connection) = self.open() {
                    task(connection);
                }
            }
            self.checkpoint(intake.is_idle());
        }
        if let Some(connection) = self.connection.take()
            && let Err((_, error)) = connection.close()
        {
            tracing::warn!(%error, "the database was not closed cleanly; it is recovered when it is opened again");
        }
    }

    fn open(&mut self) -> Result<&mut Connection, CommitError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let opened = open_writer(&self.directory.database());
                let connection =
                    opened.map_err(|error| CommitError::Unavailable { reason: error.to_string() })?;
                connection.wal_hook(Some(note_log_pages));
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn check_disk(&self) -> Result<(), CommitError> {
        let reserve = self.options.disk_reserve_bytes;
        match (self.options.free_space)(self.directory.path()) {
            Ok(available) if available < reserve => Err(CommitError::DiskFull { available, reserve }),
            Ok(_) => Ok(()),
            Err(error) => {
                Err(CommitError::Unavailable { reason: format!("the free space is not known: {error}") })
            }
        }
    }

    /// Writes a batch and answers everybody in it.
    fn write(&mut self, mut jobs: Vec<Job<Task>>) {
        if let Err(error) = self.check_disk() {
            return fail(jobs, || error.clone());
        }
        match self.try_write(&jobs) {
            Ok(written) => answer(jobs, &written.verdicts, written.landed),
            Err(Failure::Batch(_)) if jobs.len() > 1 => {
                // One of them carries something that the database does not take: the others must not suffer.
                for job in jobs.drain(..) {
                    self.write(vec![job]);
                }
            }
            Err(Failure::Batch(error) | Failure::All(error)) => {
                tracing::error!(%error, "a batch of commits was not written");
                fail(jobs, || error.clone());
            }
        }
    }

    fn try_write(&mut self, jobs: &[Job<Task>]) -> Result<Written, Failure> {
        let mark = self.heads.mark();
        let (path, reserve) = (self.directory.path().to_owned(), self.options.disk_reserve_bytes);
        let free_space = self.options.free_space;
        let failed = |error: rusqlite::Error| {
            let told = match commit_error(&error) {
                CommitError::DiskFull { .. } => {
                    CommitError::DiskFull { available: free_space(&path).unwrap_or(0), reserve }
                }
                other => other,
            };
            if concerns_all(&error) { Failure::All(told) } else { Failure::Batch(told) }
        };
        let connection = self.open().map_err(Failure::All)?;
        execute(connection, "BEGIN IMMEDIATE").map_err(failed)?;
        let written = write_batch(connection, jobs).map_err(|error| {
            if let Err(error) = execute(connection, "ROLLBACK") {
                tracing::warn!(%error, "a failed batch could not be rolled back");
            }
            failed(error)
        });
        // Whatever went wrong, the next batch must not start inside this transaction.
        if written.is_err() && !connection.is_autocommit() {
            self.connection = None;
        }
        let written = written?;
        let connection = self.open().map_err(Failure::All)?;
        if let Err(error) = execute(connection, "COMMIT") {
            self.resolve(&written, &error)?;
        }
        if written.batch.is_some() {
            // It cannot have gone back: this process alone writes it.
            let _ = self.heads.publish(mark, written.after);
            if let Err(error) = self.directory.remember(written.after.head) {
                tracing::warn!(%error, "the newest head could not be remembered beside the database");
            }
        }
        Ok(written)
    }

    /// After a COMMIT of unknown outcome: recovers the log and looks.
    fn resolve(&mut self, written: &Written, error: &rusqlite::Error) -> Result<(), Failure> {
        tracing::error!(%error, "COMMIT failed; the database is opened anew to see what it holds");
        self.connection = None;
        let counter = self.open().map(|connection| read_counter(connection));
        match counter {
            Ok(Ok(counter)) if written.batch.is_none_or(|batch| counter.batch >= batch) => Ok(()),
            Ok(Ok(_)) => Err(Failure::All(commit_error(error))),
            _ => Err(Failure::All(CommitError::OutcomeUnknown { reason: describe(error) })),
        }
    }

    fn checkpoint(&mut self, idle: bool) {
        let pages = LOG_PAGES.get();
        let due = if idle { PAGES_WHEN_IDLE } else { PAGES_WHEN_BUSY };
        if pages < due.max(self.unfinished + PAGES_WHEN_IDLE) {
            return;
        }
        let Some(connection) = &self.connection else { return };
        let text = if pages < PAGES_AT_MOST {
            "PRAGMA wal_checkpoint(PASSIVE)"
        } else {
            "PRAGMA wal_checkpoint(RESTART)"
        };
        let done = connection.prepare_cached(text).and_then(|mut statement| {
            statement.query_row([], |row| Ok((row.get::<_, c_int>(1)?, row.get::<_, c_int>(2)?)))
        });
        match done {
            Ok((all, moved)) if all == moved => {
                LOG_PAGES.set(0);
                self.unfinished = 0;
            }
            Ok(_) => self.unfinished = pages,
            Err(error) => {
                self.unfinished = pages;
                tracing::warn!(%error, "a checkpoint of the database failed; it is tried again");
            }
        }
    }
}

enum Failure {
    /// One of the commits may be the reason.
    Batch(CommitError),
    /// All commits would fail.
    All(CommitError),
}

fn execute(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(text)?.execute([]).map(drop)
}

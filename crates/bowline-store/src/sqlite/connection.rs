//! Connections: how they are set up, how the schema gets up to date, and what their errors mean.

use crate::commit::CommitError;
use crate::migrations::{self, Recorded, SQLITE};
use crate::sql::RULE_MIGRATION;
use crate::sql::sqlite as sql;
use crate::store::{OpenError, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for somebody else who has the file, such as a person with `sqlite3`.
const BUSY: Duration = Duration::from_secs(5);
/// Room for every statement of the store.
const STATEMENTS: usize = 64;
/// The log is cut back to this length when it starts over.
const LOG_BYTES: i64 = 64 << 20;
/// Pages that the writer keeps, in KiB. They fill up with whatever was written, so that large ones look like memory of each agent;
/// what is not kept comes from the system's own cache at a microsecond a page.
const WRITER_PAGES: i64 = 8 << 10;
/// Pages that each reader keeps, in KiB.
const READER_PAGES: i64 = 2 << 10;
/// Pages while a copy is filled, in KiB: its indexes grow everywhere at once.
const COPY_PAGES: i64 = 64 << 10;

fn open(path: &Path, cache_kib: i64) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time, so that SQLite needs no mutex of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// The connection that writes.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let set_up = || -> rusqlite::Result<Connection> {
        let connection = open(path, WRITER_PAGES)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        Ok(connection)
    };
    set_up().map_err(|error| OpenError::Unavailable { reason: describe(&error) })
}

/// A connection that reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let set_up = || -> rusqlite::Result<Connection> {
        let connection = open(path, READER_PAGES)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    set_up().map_err(|error| OpenError::Unavailable { reason: describe(&error) })
}

/// A connection that fills a file which nobody else knows yet: what it leaves behind when it is stopped is thrown away.
pub(super) fn open_copy(path: &Path) -> Result<Connection, OpenError> {
    let set_up = || -> rusqlite::Result<Connection> {
        let connection = open(path, COPY_PAGES)?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        Ok(connection)
    };
    set_up().map_err(|error| OpenError::Unavailable { reason: describe(&error) })
}

/// Takes what is in the log into the file, so that the file alone is the database. One that is beyond reading has nothing to take.
pub(super) fn settle(path: &Path) -> Result<(), OpenError> {
    let settled = open(path, READER_PAGES).and_then(|connection| {
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0))
    });
    match settled {
        Ok(mode) if mode == "delete" => Ok(()),
        Ok(mode) => Err(OpenError::Unavailable {
            reason: format!("another program reads {} (its journal stays in mode {mode})", path.display()),
        }),
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ) =>
        {
            tracing::warn!(path = %path.display(), %error, "the database that is replaced cannot be read");
            Ok(())
        }
        Err(error) => Err(OpenError::Unavailable { reason: describe(&error) }),
    }
}

fn recorded(connection: &Connection) -> rusqlite::Result<Vec<Recorded>> {
    let ruled: u32 = connection.query_row(sql::IS_RULED, [], |row| row.get(0))?;
    let mut statement = connection.prepare(if ruled > 0 { sql::RECORDED } else { sql::RECORDED_BEFORE })?;
    let rows = statement.query_map([], |row| {
        Ok(Recorded { number: row.get(0)?, checksum: row.get(1)?, oldest: row.get(2)? })
    })?;
    rows.collect()
}

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::Unavailable { reason: describe(&error) };
    connection.execute_batch(sql::MIGRATION_TABLE).map_err(failed)?;
    let recorded = recorded(connection).map_err(failed)?;
    for migration in migrations::pending(SQLITE, &recorded)? {
        let mut apply = || -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(migration.text)?;
            let values = params![migration.number, migration.name, migration.checksum()];
            transaction.execute(sql::RECORD_MIGRATION, values)?;
            if migration.number >= migrations::RULED {
                transaction.execute(RULE_MIGRATION, params![migration.oldest, migration.number])?;
            }
            transaction.commit()
        };
        apply().map_err(failed)?;
        tracing::info!(
            number = migration.number,
            name = migration.name,
            "the database's schema was brought up to date"
        );
    }
    Ok(())
}

/// What an error says, with SQLite's own words.
pub(super) fn describe(error: &rusqlite::Error) -> String {
    error.to_string()
}

/// What an error before the COMMIT means to the callers of a batch.
pub(super) fn commit_error(error: &rusqlite::Error) -> CommitError {
    let reason = describe(error);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => CommitError::DiskFull { available: 0, reserve: 0 },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => CommitError::ReadOnly { reason },
        _ => CommitError::Unavailable { reason },
    }
}

/// Whether the error is about the whole database, so that trying the commits one by one would change nothing.
pub(super) fn concerns_all(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        None | Some(
            ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::Unknown
        )
    )
}

/// What an error means to a reader or a small write.
pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error as E;
    match error {
        E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) | E::InvalidColumnType(..) => {
            StoreError::Unreadable { what: describe(error) }
        }
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::ReadOnly) => {
                StoreError::NotWritable { reason: describe(error) }
            }
            _ => StoreError::Unavailable { reason: describe(error) },
        },
    }
}

//! The whole record on its way from one place to another: backup, restore and migration are one stream of rows.
//!
//! A [`Database`] gives its rows as of one revision ([`Database::dump`]) and takes rows when it is empty ([`Database::load`]). Whoever
//! keeps rows in a file is one more end of the same stream ([`channel`]). Which tables and columns there are: [`TABLES`].
//!
//! # Design notes
//! - Rows and not pages of a file: one form serves both databases, and a copy is independent of the database's version.
//! - SQLite is read in one read transaction, which a writer in WAL mode does not wait for. Its own backup interface begins again
//!   whenever another process has written; `VACUUM INTO` would need the whole size once more on the disk. PostgreSQL is read in one
//!   REPEATABLE READ transaction, also on a standby. Both hold back cleaning (SQLite's log grows, PostgreSQL keeps dead
//!   rows) until the copy is made.
//! - What is loaded is there as a whole or not at all: SQLite in a file that takes the database's name at the end, PostgreSQL
//!   in one transaction. It begins a new epoch, because what it continues may have gone on elsewhere.

mod compare;
mod tables;

pub use compare::{Comparison, compare};
pub use tables::{Column, Kind, LEFT_BEHIND, TABLES, Table};

use crate::migrations;
use crate::model::{Head, Revision};
use crate::store::OpenError;
use async_trait::async_trait;
use std::fmt;
use std::path::PathBuf;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A page is sent on when its rows have so many bytes …
const PAGE_BYTES: usize = 1 << 20;
/// … or when it has so many rows.
const PAGE_ROWS: usize = 2000;
/// Pages that may be under way.
const PAGES: usize = 4;

/// What stands in one column of one row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// True or false.
    Flag(bool),
    /// UTF-8.
    Text(String),
    /// Anything.
    Bytes(Vec<u8>),
    /// A UUID.
    Id(Uuid),
}

// Documents and entries may hold what a log must not.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("Null"),
            Value::Integer(number) => write!(f, "{number}"),
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Text(text) => write!(f, "Text of {} bytes", text.len()),
            Value::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Value::Id(id) => write!(f, "{id}"),
        }
    }
}

impl Value {
    fn weight(&self) -> usize {
        16 + match self {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }

    fn fits(&self, column: &Column) -> bool {
        match self {
            Value::Null => column.optional,
            Value::Integer(_) => column.kind == Kind::Integer,
            Value::Flag(_) => column.kind == Kind::Flag,
            Value::Text(_) => column.kind == Kind::Text,
            Value::Bytes(_) => column.kind == Kind::Bytes,
            Value::Id(_) => column.kind == Kind::Id,
        }
    }
}

/// One row: a value for each column of its table.
pub type Row = Vec<Value>;

/// Some rows of one table.
#[derive(Debug)]
pub struct Page {
    /// Which.
    pub table: &'static Table,
    /// In the order of the key.
    pub rows: Vec<Row>,
}

/// What rows are a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The newest migration of the database.
    pub schema: u32,
    /// Where it was.
    pub head: Head,
}

/// Rows on their way, table by table.
pub struct Rows {
    /// What they are a copy of.
    pub about: About,
    pages: mpsc::Receiver<Result<Page, CopyError>>,
    complete: bool,
}

/// The other end of [`Rows`].
pub struct RowSender(mpsc::Sender<Result<Page, CopyError>>);

/// Nobody takes the rows any more.
#[derive(Debug)]
pub struct Abandoned;

/// A stream of rows and the end that fills it.
#[must_use]
pub fn channel(about: About) -> (RowSender, Rows) {
    let (sender, pages) = mpsc::channel(PAGES);
    (RowSender(sender), Rows { about, pages, complete: false })
}

impl RowSender {
    /// Sends a page, or why there are no more; waits while the taker is slower.
    ///
    /// # Errors
    /// When nobody takes them any more.
    pub async fn send(&self, page: Result<Page, CopyError>) -> Result<(), Abandoned> {
        self.0.send(page).await.map_err(|_| Abandoned)
    }

    /// The same on a thread.
    ///
    /// # Errors
    /// When nobody takes them any more.
    pub fn send_blocking(&self, page: Result<Page, CopyError>) -> Result<(), Abandoned> {
        self.0.blocking_send(page).map_err(|_| Abandoned)
    }
}

impl Rows {
    /// The next page; none after the last.
    ///
    /// # Errors
    /// What the giver met, and [`CopyError::Incomplete`] when it ended early.
    pub async fn next(&mut self) -> Result<Option<Page>, CopyError> {
        let page = self.pages.recv().await;
        self.take(page)
    }

    /// The same on a thread.
    ///
    /// # Errors
    /// As [`Rows::next`].
    pub fn next_blocking(&mut self) -> Result<Option<Page>, CopyError> {
        let page = self.pages.blocking_recv();
        self.take(page)
    }

    fn take(&mut self, page: Option<Result<Page, CopyError>>) -> Result<Option<Page>, CopyError> {
        let Some(page) = page.transpose()? else {
            return if self.complete { Ok(None) } else { Err(CopyError::Incomplete) };
        };
        let table = page.table;
        if self.complete {
            return Err(CopyError::Damaged(format!("rows of {} after the counter", table.name)));
        }
        let fits = |row: &Row| {
            row.len() == table.columns.len()
                && row.iter().zip(table.columns).all(|(value, column)| value.fits(column))
        };
        if !page.rows.iter().all(fits) {
            return Err(CopyError::Damaged(format!(
                "a row of {} has other columns than it should",
                table.name
            )));
        }
        if table.is_counter() {
            if page.rows.len() != 1 {
                return Err(CopyError::Damaged("there must be one counter".to_owned()));
            }
            self.complete = true;
        }
        Ok(Some(page))
    }
}

/// Collects rows into pages.
pub(crate) struct Pages {
    table: &'static Table,
    rows: Vec<Row>,
    bytes: usize,
}

impl Pages {
    pub(crate) fn of(table: &'static Table) -> Pages {
        Pages { table, rows: Vec::new(), bytes: 0 }
    }

    /// Takes a row; gives a page when it is full.
    pub(crate) fn push(&mut self, row: Row) -> Option<Page> {
        self.bytes += row.iter().map(Value::weight).sum::<usize>();
        self.rows.push(row);
        (self.bytes >= PAGE_BYTES || self.rows.len() >= PAGE_ROWS).then(|| self.take())
    }

    /// The last page.
    pub(crate) fn end(mut self) -> Option<Page> {
        (!self.rows.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Page {
        self.bytes = 0;
        Page { table: self.table, rows: std::mem::take(&mut self.rows) }
    }
}

/// A place that holds a record, without a server on it.
#[async_trait]
pub trait Database: Send + Sync {
    /// Everything as of one revision. A server may work on it meanwhile, unless `use_` says otherwise.
    ///
    /// # Errors
    /// When it cannot be read, or is of another version than this program.
    async fn dump(&self, use_: Use) -> Result<Rows, CopyError>;

    /// Fills it: all or nothing, in a new epoch. Says where it is then.
    ///
    /// # Errors
    /// When something is in it and `present` keeps that, when a server works on it, when it cannot be written.
    async fn load(&self, rows: Rows, present: Present) -> Result<Head, CopyError>;

    /// Starts a new epoch: after the database was restored by means of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn begin_epoch(&self) -> Result<Head, CopyError>;
}

/// Whether a server may work on a database while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It may: what it writes meanwhile is not part of the rows.
    Shared,
    /// It must not: nothing may be left behind.
    Alone,
}

/// What becomes of what is in a database that is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// It stays, and nothing is filled.
    Kept,
    /// It goes, once everything new is there.
    Replaced,
}

/// The record in a data directory.
#[derive(Debug, Clone)]
pub struct SqliteDatabase {
    /// The data directory.
    pub directory: PathBuf,
    /// So much disk space stays free while it is filled.
    pub disk_reserve_bytes: u64,
}

/// The record in a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresDatabase {
    /// `postgres://user:password@host:port/database`
    pub url: String,
}

/// Why rows did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is none.
    #[error("there is no database {place}: check --data-dir and --database")]
    Missing {
        /// Where.
        place: String,
    },
    /// It is not of this program's version.
    #[error(
        "the schema is at migration {found}, this program at {known}: {}",
        if found < known { "start the new server on it once, or use the program that serves it" } else { "use the program that serves it" }
    )]
    Schema {
        /// Of the rows or the database.
        found: u32,
        /// Of this program.
        known: u32,
    },
    /// Something is there already.
    #[error(
        "{place} is not empty (it has {what}): give an empty one, or add --replace to lose what is in it"
    )]
    NotEmpty {
        /// Which database.
        place: String,
        /// Which table has rows.
        what: &'static str,
    },
    /// Servers work on it.
    #[error("{count} servers work on the database: stop them first")]
    Serving {
        /// How many.
        count: i64,
    },
    /// The rows ended before the last.
    #[error("the copy ended before its last row: its giver was stopped")]
    Incomplete,
    /// The rows are not what they should be.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// Two databases are not the same.
    #[error("the copy is not the same in {count} rows, the first of them:\n{named}")]
    Differs {
        /// In how many rows.
        count: u64,
        /// The first ones, a line each.
        named: String,
    },
    /// The disk is nearly full.
    #[error("only {} MiB are free at {place}, and {} MiB must stay free: make room, or choose another place", available >> 20, reserve >> 20)]
    DiskFull {
        /// Where.
        place: String,
        /// Free bytes.
        available: u64,
        /// What stays free.
        reserve: u64,
    },
    /// A database failed.
    #[error("the table {table} could not be {doing}: {reason}")]
    Database {
        /// Which.
        table: &'static str,
        /// `read` or `written`.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
    /// A place outside of the store failed: a file, an object.
    #[error("{0}")]
    Outside(String),
}

/// The newest migration of this program.
#[must_use]
pub fn schema() -> u32 {
    migrations::newest(migrations::SQLITE)
}

/// The oldest schema whose rows are those of today. A migration that changes what is carried raises it, or completes older rows here.
const SAME_SINCE: u32 = 3;

/// Refuses rows that this program cannot load.
pub(crate) fn check_schema(found: u32) -> Result<(), CopyError> {
    let known = schema();
    if (SAME_SINCE..=known).contains(&found) { Ok(()) } else { Err(CopyError::Schema { found, known }) }
}

/// Where a counter says that the record is.
pub(crate) fn head_of(counter: &Row) -> Result<Head, CopyError> {
    match counter.as_slice() {
        [Value::Id(epoch), Value::Integer(revision), ..] => {
            Ok(Head { epoch: *epoch, revision: Revision(revision.unsigned_abs()) })
        }
        _ => Err(CopyError::Damaged("the counter is not one".to_owned())),
    }
}

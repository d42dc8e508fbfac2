//! Records, revisions and changes on SQLite and PostgreSQL, behind one small trait: [`Store`].
//!
//! The life of a commit: the caller hands a [`Commit`] to [`Store::commit`]. It is checked, takes a place in the bounded
//! queue, and the one writer of the process puts all that wait (≤ 256) into one transaction. Inside it the rows in question
//! are read, each commit is judged on its own (a refusal spoils no other), what passed is
//! written, and the one counter row is raised, whose lock makes commit order equal revision order over any number of
//! servers. After the flush everybody is answered, and [`Store::watch`] says "look again".
//!
//! # Code map
//! - `model`, `commit`, `store`: the values, the commit with its refusals, the port.
//! - `fleet`: the port for several servers on one database, which SQLite does not have.
//! - `writer`: the bounded queue and the choice of a batch; `decide`: the judgement of a batch. Both are shared and know no SQL.
//! - `sqlite/`, `postgres/`: load, write, commit, read; `sql/`: every statement; `migrations/`: the schema.
//! - `figures`: what is counted about all that, for the server's metrics.
//! - [`mod@copy`]: the whole record as rows, for backup, restore and migration.
//! - `heads`: what this process knows of the head; `os`: files, lock, free space, random ids.
//! - [`mod@conformance`]: what a store must do, as tests for any database.
//!
//! # Design notes
//! - A cursor is (epoch, number). A new epoch begins at creation, by [`Store::new_epoch`], when this process sees the counter
//!   go back (a server on SQLite remembers the head in a file beside the database, servers on PostgreSQL in memory), and when a PostgreSQL
//!   database is not where it was (another cluster, database or timeline: restored or promoted). What nobody here
//!   can notice is a machine that was set back as a whole, with all its files: then a cursor from outside that lies ahead of the head
//!   proves it, and whoever sees one calls [`Store::new_epoch`].
//! - A refusal is judged on what was committed at that moment; a caller that loses a race learns what is there now.
//! - Leases end by the database's clock. A lease guards by its epoch, not by the time: a slow clock makes nobody write twice.

mod commit;
pub mod conformance;
pub mod copy;
mod decide;
mod figures;
pub mod fleet;
mod heads;
mod log;
mod migrations;
mod model;
mod os;
mod postgres;
mod sql;
mod sqlite;
mod store;
mod writer;

pub use bowline_arm::chain;
pub use commit::{Commit, CommitError, Committed, EntryWrite, Guard, Place, Reason, Refusal, Write};
pub use figures::{Figures, Outcome};
pub use log::{ActivityLog, open_postgres_log, open_sqlite_log};
pub use model::{
    Activity, ActivityQuery, Change, ChangeKind, Draft, Entry, Head, Lease, List, Load, MAX_ACTIVITY_BYTES,
    MAX_DOCUMENT_BYTES, MAX_KEY_BYTES, MAX_ROWS, MAX_SEGMENT_BYTES, Observation, Record, Revision, Segment,
    Stamp, Statement,
};
pub use os::free_space;
pub use postgres::{PostgresOptions, open_postgres};
pub use sqlite::{SqliteOptions, open_sqlite};
pub use store::{ObservationError, OpenError, Store, StoreError};

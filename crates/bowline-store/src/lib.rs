//! Records, revisions and changes on SQLite and PostgreSQL, behind one small trait: [`Store`].
//!
//! The life of a commit: the caller hands a [`Commit`] to [`Store::commit`]. It is checked, takes a place in the bounded
//! queue, and the one writer of the process puts all that wait (≤ 256) into one transaction. Inside it the rows in question
//! are read, each commit is judged on its own (a refusal spoils no other), what passed is
//! written, and the one counter row is raised, whose lock makes commit order equal revision order over any number of
//! servers. After the flush everybody is answered, and [`Store::watch`] says "look again".

mod commit;
pub mod conformance;
mod decide;
mod heads;
mod migrations;
mod model;
mod os;
mod postgres;
mod sql;
mod sqlite;
mod store;
mod writer;

pub use commit::{Commit, CommitError, Committed, EntryWrite, Guard, Place, Reason, Refusal, Write};
pub use model::{
    Change, ChangeKind, Draft, Entry, Head, Lease, List, MAX_DOCUMENT_BYTES, MAX_KEY_BYTES, MAX_ROWS,
    MAX_SEGMENT_BYTES, Observation, Record, Revision, Segment,
};
pub use os::free_space;
pub use postgres::{PostgresOptions, open_postgres};
pub use sqlite::{SqliteOptions, open_sqlite};
pub use store::{ObservationError, OpenError, Store, StoreError};

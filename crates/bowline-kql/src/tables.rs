//! The port behind which tables are held for queries: what is written into them, and what a caller may see of them.
//!
//! # Design notes
//! Whoever knows the tables says once how each column is best held; whoever holds them knows nothing of what they mean. Rows are masked by
//! *places*: few scopes have many rows, so that a caller's rights are asked for each scope once and not for each row.

use std::collections::HashSet;
use std::sync::Arc;

use crate::bind::Table;
use crate::engine::{Row, Source};

/// How a column is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// The id of the row, a `string`: parts before the last slash are shared by many.
    Id,
    /// A `string` that differs from row to row.
    Text,
    /// A `string` or a `dynamic` of which few different ones exist.
    Few,
    /// A `bool`, `int`, `long`, `datetime`, `timespan` or `real`.
    Number,
    /// A `dynamic` that is large: packed, and its members held apart once queries ask for them.
    Document,
    /// What stands at a path of another column.
    Alias {
        /// The position of that column.
        column: usize,
        /// Keys into it.
        path: Vec<String>,
    },
}

/// A table and how its columns are held.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Its name and schema.
    pub table: Table,
    /// For each column of the schema.
    pub held: Vec<Held>,
    /// Paths into documents that are held apart from the beginning.
    pub hot: Vec<(usize, Vec<String>)>,
    /// The column that is, in lower case, the key of the row: looked up rather than searched.
    pub keyed: Option<usize>,
}

/// Where a row is, as far as rights go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The source that reports it; 0 when it is of the record.
    pub owner: u128,
    /// What kind of row it is: rights are given by kind.
    pub class: Arc<str>,
    /// The scope at or above which the right must be held, normalised; of a row of the record its parent's, with the type.
    pub scope: Arc<str>,
}

/// A row as it is now.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The table, by its position among the layouts.
    pub table: usize,
    /// What it is known by in its table.
    pub key: String,
    /// Where it is.
    pub place: Place,
    /// A value for each column; what is held as [`Held::Alias`] is left out of account.
    pub values: Row,
}

/// One thing that changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// A row is new or different.
    Put(Box<Entry>),
    /// A row is gone.
    Remove {
        /// Its table.
        table: usize,
        /// Its key.
        key: String,
    },
    /// Of the rows of a source only these are left.
    Keep {
        /// The table.
        table: usize,
        /// The source.
        owner: u128,
        /// Their keys.
        keys: HashSet<String>,
    },
    /// Everything is gone: another history begins.
    Clear,
}

/// How much of what lies at and below a scope may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    All,
    /// Nothing.
    Nothing,
    /// It has to be asked for each row.
    Some,
}

/// What one caller may see.
pub trait Mask: Send + Sync {
    /// How much of a place.
    fn reach(&self, place: &Place) -> Reach;

    /// Whether one row of a place, by its key.
    fn shows(&self, place: &Place, key: &str) -> bool;
}

/// What the tables take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows.
    pub rows: usize,
    /// Bytes in memory, near enough.
    pub bytes: usize,
    /// Of these, packed documents.
    pub packed: usize,
    /// Bytes that are on disk because memory has its bound.
    pub spilled: usize,
}

/// What holds tables.
pub trait Tables: Send + Sync {
    /// Takes changes in, in this order. A query sees all of them or none.
    fn apply(&self, changes: Vec<Change>);

    /// Nothing has changed for a while: a time to tidy up.
    fn rest(&self);

    /// The tables as they are now, as far as a caller may see them.
    fn view(&self, mask: Box<dyn Mask>) -> Box<dyn Source + Send>;

    /// Of each table, in the order of the layouts.
    fn figures(&self) -> Vec<(String, Figures)>;
}

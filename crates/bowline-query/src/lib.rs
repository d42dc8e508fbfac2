//! Runs queries: a bound plan of [`bowline_kql`] over tables whose rows are in memory.
//!
//! | module | what it is |
//! |---|---|
//! | `columnar` | the door for whoever has tables as columns: what stands on them runs in DataFusion, the rest below |
//! | `interpreter` | the plain door: from a text to its rows |
//! | `answer` | from a text to its rows; what only the data knows is found first |
//! | [`mod@run`] | a run of a query: its tables, its moment, its limits; node by node |
//! | `nodes` | one file per kind of node that is more than a few lines |
//! | [`batches`] | the seam to tables that are held as columns |
//! | `eval` | an expression over one row |
//! | `functions`, `aggregates` | what the table of functions names, family by family |
//! | `index` | tables in memory, column by column |
//! | `arrays` | values as Arrow arrays and back |
//! | `dynamic` | JSON text as a value: paths, conversions, comparisons |
//!
//! # Design notes
//! Rows are values, and expressions are interpreted row by row: this is the meaning of the language, in the plainest form. It is what a
//! columnar engine must agree with, node by node, as it takes over the nodes that large tables need.
//! A query is bounded by rows and bytes that it holds at once and by a flag that ends it; both are looked at wherever rows are made.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read files"))]

mod aggregates;
mod arrays;
pub mod batches;
mod columnar;
mod compare;
mod convert;
mod dynamic;
mod error;
mod eval;
mod functions;
mod index;
mod interpreter;
mod json;
mod nodes;
mod run;
mod text;

pub use columnar::Columnar;
pub use error::QueryError;
pub use index::Index;
pub use interpreter::Interpreter;
pub use run::{Limits, Moment, Row, Rows, Source};

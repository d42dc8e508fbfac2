//! Columns held against rows: random queries over random tables give the same both ways, and what only columns can do is shown by itself.

#![allow(clippy::unwrap_used, reason = "a broken table is a failed test")]

mod index;
mod queries;
mod random;
mod tables;

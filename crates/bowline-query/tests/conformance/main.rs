//! The engine held against material that no one here wrote: documentation cases with their tables, and other engines' tests. Where the
//! files are absent, as in a user's clone, the tests say so by name.

#![allow(clippy::disallowed_methods, reason = "tests read files and the environment")]
#![allow(clippy::unwrap_used, reason = "a broken case file is a failed test")]

mod answers;
mod columns;
mod documentation;
mod engines;
mod graph;
mod robustness;

//! The language held against material that no one here wrote: documentation, other engines' tests, real queries, each with the
//! verdict of the language's own parser. Where the files are absent, as in a user's clone, the tests say so by name.

#![allow(clippy::disallowed_methods, reason = "tests read files, the environment and the clock")]
#![allow(clippy::unwrap_used, reason = "a broken case file is a failed test")]

mod binding;
mod cases;
mod parsing;
mod plans;
mod robustness;

//! The query language: text becomes a tree ([`syntax`]), the tree a bound, typed plan ([`mod@plan`]) over known tables ([`mod@bind`]).
//!
//! # Design notes
//! Pure: no engine, no HTTP, no storage, no clock. What a query may see arrives as an argument; what it means leaves as data.
//! Nothing here panics or runs without end, whatever the text: its length, its nesting and the number of findings are bounded.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read files"))]

pub mod bind;
pub mod diagnostic;
pub mod engine;
pub mod functions;
pub mod operators;
pub mod plan;
pub mod syntax;
pub mod tables;
pub mod types;
pub mod value;

pub use bind::{Catalogue, Table, bind};
pub use diagnostic::{Code, Diagnostic, Report};
pub use syntax::parse;
pub use syntax::parser::{Dialect, LONGEST_QUERY};
pub use syntax::span::{Position, Span};
pub use types::Type;
pub use value::Value;

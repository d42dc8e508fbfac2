//! `Microsoft.ResourceGraph`: shared queries. Running a query is a later release, and says so.

mod query;

pub use query::GraphQueries;

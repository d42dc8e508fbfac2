//! Reads the activity log of a database without being a server on it: for whoever verifies.
//!
//! Nothing is locked, migrated or written, so that it works beside a running server, on a copy, and with an account that may only read.

use crate::model::Statement;
use crate::postgres::PostgresLog;
use crate::sqlite::SqliteLog;
use crate::store::{OpenError, StoreError};
use async_trait::async_trait;
use bowline_arm::chain::LoggedEntry;
use std::path::Path;

/// The activity log of a database.
#[async_trait]
pub trait ActivityLog: Send + Sync {
    /// Entries in the order of the chain, after an entry.
    async fn chain(&self, after_seq: u64, limit: u32) -> Result<Vec<LoggedEntry>, StoreError>;

    /// What was signed about it, as far as the database has it.
    async fn statements(&self) -> Result<Vec<Statement>, StoreError>;
}

/// The log in a data directory, or in a copy of its files.
///
/// # Errors
/// When there is no database.
pub fn open_sqlite_log(directory: &Path) -> Result<Box<dyn ActivityLog>, OpenError> {
    Ok(Box::new(SqliteLog::open(directory)?))
}

/// The log in a PostgreSQL database.
///
/// # Errors
/// When it cannot be reached.
pub async fn open_postgres_log(url: &str) -> Result<Box<dyn ActivityLog>, OpenError> {
    Ok(Box::new(PostgresLog::open(url).await?))
}

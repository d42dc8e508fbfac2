//! The activity log for whoever verifies: one connection that only reads.

use super::connection::{self, store_error};
use super::{PostgresOptions, read};
use crate::log::ActivityLog;
use crate::model::Statement;
use crate::sql;
use crate::store::{OpenError, StoreError};
use async_trait::async_trait;
use bowline_arm::chain::LoggedEntry;
use sqlx::postgres::PgPool;

pub(crate) struct PostgresLog(PgPool);

impl PostgresLog {
    pub(crate) async fn open(url: &str) -> Result<PostgresLog, OpenError> {
        let options = PostgresOptions { connections: 1, ..PostgresOptions::new(url, "verify") };
        let pool = connection::open_pool(&options, &connection::parse(&options)?);
        pool.acquire().await.map_err(|error| OpenError::Unavailable { reason: error.to_string() })?;
        Ok(PostgresLog(pool))
    }
}

#[async_trait]
impl ActivityLog for PostgresLog {
    async fn chain(&self, after_seq: u64, limit: u32) -> Result<Vec<LoggedEntry>, StoreError> {
        let query = sqlx::query(sql::ACTIVITY_CHAIN).bind(after_seq.cast_signed()).bind(i64::from(limit));
        let rows = query.fetch_all(&self.0).await.map_err(store_error)?;
        rows.iter().map(read::logged).collect::<sqlx::Result<_>>().map_err(store_error)
    }

    async fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        let rows = sqlx::query(sql::STATEMENTS).fetch_all(&self.0).await.map_err(store_error)?;
        rows.iter().map(read::statement).collect::<sqlx::Result<_>>().map_err(store_error)
    }
}

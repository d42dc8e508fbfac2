//! The activity log for whoever verifies: a connection of its own that only reads.

use super::connection::{describe, store_error};
use super::read;
use crate::log::ActivityLog;
use crate::model::Statement;
use crate::os::DATABASE;
use crate::sql;
use crate::store::{OpenError, StoreError};
use async_trait::async_trait;
use bowline_arm::chain::LoggedEntry;
use rusqlite::{Connection, OpenFlags, params};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

pub(crate) struct SqliteLog(Mutex<Connection>);

impl SqliteLog {
    pub(crate) fn open(directory: &Path) -> Result<SqliteLog, OpenError> {
        let path = directory.join(DATABASE);
        let opened = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = opened.map_err(|error| OpenError::Unavailable {
            reason: format!("{}: {}", path.display(), describe(&error)),
        })?;
        Ok(SqliteLog(Mutex::new(connection)))
    }

    fn ask<R>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<R>) -> Result<R, StoreError> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read(&connection).map_err(|error| store_error(&error))
    }
}

#[async_trait]
impl ActivityLog for SqliteLog {
    async fn chain(&self, after_seq: u64, limit: u32) -> Result<Vec<LoggedEntry>, StoreError> {
        self.ask(|connection| {
            read::rows(connection, sql::ACTIVITY_CHAIN, params![after_seq, limit], read::logged)
        })
    }

    async fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        self.ask(|connection| read::rows(connection, sql::STATEMENTS, [], read::statement))
    }
}

//! Connections: how they are set up, how the schema gets up to date, and what their errors mean.

use super::PostgresOptions;
use crate::commit::CommitError;
use crate::migrations::{self, POSTGRES, Recorded};
use crate::os;
use crate::sql::RULE_MIGRATION;
use crate::sql::postgres as sql;
use crate::store::{OpenError, StoreError};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use std::str::FromStr as _;
use std::time::Duration;

/// How long one statement of the writer may take, with all the waiting for other servers in it.
pub(super) const STEP: Duration = Duration::from_secs(30);
/// How long a connection may take to come about.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// What happened to a statement.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection is of no use any more; the transaction is gone.
    Lost(String),
    /// Another server was faster: the same again gives a good answer.
    Redo,
    /// The disk of the database is full.
    DiskFull,
    /// The database takes no writes: a standby, or set so by somebody.
    ReadOnly(String),
    /// The database refused the statement, perhaps because of one of the commits.
    Failed(String),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Fault {
        let text = error.to_string();
        let Some(code) = error.as_database_error().and_then(|error| error.code()) else {
            return match error {
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
                    Fault::Failed(text)
                }
                _ => Fault::Lost(text),
            };
        };
        match code.as_ref() {
            // unique_violation (a principal), serialization_failure, deadlock_detected
            "23505" | "40001" | "40P01" => Fault::Redo,
            "53100" => Fault::DiskFull,
            "25006" => Fault::ReadOnly(text),
            // idle_in_transaction_session_timeout
            "25P03" => Fault::Lost(text),
            // The server shuts down, crashed, or has no room: connection_exception, operator_intervention,
            // insufficient_resources, system_error.
            code if ["08", "57", "53", "58"].contains(&&code[..2]) => Fault::Lost(text),
            _ => Fault::Failed(text),
        }
    }
}

impl Fault {
    /// What the callers of a batch are told when it is given up.
    pub(super) fn told(self) -> CommitError {
        match self {
            Fault::DiskFull => CommitError::ReadOnly { reason: "the disk of its server is full".to_owned() },
            Fault::ReadOnly(reason) => CommitError::ReadOnly { reason },
            Fault::Redo => {
                CommitError::Unavailable { reason: "other servers were faster too often".to_owned() }
            }
            Fault::Lost(reason) | Fault::Failed(reason) => CommitError::Unavailable { reason },
        }
    }
}

/// What an error means to a reader or a small write.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { index, source } => {
            StoreError::Unreadable { what: format!("column {index}: {source}") }
        }
        sqlx::Error::Decode(error) => StoreError::Unreadable { what: error.to_string() },
        error => match Fault::from(error) {
            Fault::ReadOnly(reason) => StoreError::NotWritable { reason },
            Fault::DiskFull => StoreError::NotWritable { reason: "its disk is full".to_owned() },
            other => StoreError::Unavailable { reason: other.told().to_string() },
        },
    }
}

/// Whether the same question may succeed on another connection.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        error => error
            .as_database_error()
            .and_then(|error| error.code())
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
    }
}

fn unavailable(error: impl ToString) -> OpenError {
    OpenError::Unavailable { reason: error.to_string() }
}

/// Where to connect, common to all connections.
pub(super) fn parse(options: &PostgresOptions) -> Result<PgConnectOptions, OpenError> {
    let parsed = PgConnectOptions::from_str(&options.url);
    // The text of such an error may contain the URL, and the URL a password.
    let parsed = parsed.map_err(|error| OpenError::BadUrl { reason: reason_without_url(&error) })?;
    Ok(parsed.application_name(&format!("bowline {}", options.name)).disable_statement_logging())
}

fn reason_without_url(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Configuration(error) if error.to_string().len() < 60 => error.to_string(),
        _ => "it is not a URL".to_owned(),
    }
}

/// The pool of those that read and of small writes.
pub(super) fn open_pool(options: &PostgresOptions, connect: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        // One of them listens.
        .max_connections(options.connections.max(1) + 1)
        .acquire_timeout(CONNECT)
        // A ping before each read would double the round trips; a lost connection is noticed and the read repeated.
        .test_before_acquire(false)
        .connect_lazy_with(connect.clone().options([("statement_timeout", "30s")]))
}

/// The settings of the writer's connection. With them the plans of the array statements stay on the indexes also while the tables are
/// new and have no statistics; and a server that stalls inside a transaction loses it, instead of stopping all others.
pub(super) fn for_writer(connect: &PgConnectOptions) -> PgConnectOptions {
    connect.clone().options([
        ("default_transaction_isolation", "read committed"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        // A plan that must use what is switched off looks expensive enough to be compiled, which takes longer than a thousand commits.
        ("jit", "off"),
        // There is one good plan for each, whatever the arrays hold: nothing is planned again.
        ("plan_cache_mode", "force_generic_plan"),
        ("idle_in_transaction_session_timeout", "10s"),
    ])
}

/// One connection, or why there is none.
pub(super) async fn connect_once(connect: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let attempt = tokio::time::timeout(CONNECT, PgConnection::connect_with(connect)).await;
    attempt.map_err(|_| unavailable("no answer within 5 s"))?.map_err(unavailable)
}

/// Checks the version and brings the schema up to date.
pub(super) async fn prepare(connect: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = connect_once(connect).await?;
    let shown =
        sqlx::query("SHOW server_version_num").fetch_one(&mut connection).await.map_err(unavailable)?;
    let found: String = shown.try_get(0).map_err(unavailable)?;
    if found.parse::<u32>().is_ok_and(|number| number < 150_000) {
        return Err(OpenError::TooOld { found });
    }
    migrate(&mut connection).await?;
    let _ = connection.close().await;
    Ok(())
}

fn not_migrated(error: sqlx::Error) -> OpenError {
    // lock_not_available
    if error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03")) {
        let reason = "the schema is not up to date, and a long transaction (a backup?) keeps it from being changed: start again when it has ended";
        return unavailable(reason);
    }
    unavailable(error)
}

/// Begins a new epoch when the database is not where it was, unless it does not say where it is.
pub(super) async fn settle(connection: impl sqlx::PgExecutor<'_>) -> sqlx::Result<()> {
    let settled = sqlx::query(sql::SETTLE).bind(os::random_uuid()).fetch_optional(connection).await;
    match settled {
        Ok(None) => Ok(()),
        Ok(Some(_)) => {
            tracing::warn!(
                "the database was restored, copied or promoted by means of its own: a new epoch begins"
            );
            Ok(())
        }
        // insufficient_privilege, object_not_in_prerequisite_state
        Err(error)
            if error
                .as_database_error()
                .and_then(|error| error.code())
                .is_some_and(|code| code == "42501" || code == "55000") =>
        {
            tracing::debug!(%error, "the database does not say where it is");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn migrate(connection: &mut PgConnection) -> Result<(), OpenError> {
    let mut transaction = connection.begin().await.map_err(unavailable)?;
    sqlx::query(sql::LOCK_MIGRATIONS).execute(&mut *transaction).await.map_err(unavailable)?;
    sqlx::query(sql::MIGRATE_SOON).execute(&mut *transaction).await.map_err(unavailable)?;
    sqlx::query(sql::MIGRATION_TABLE).execute(&mut *transaction).await.map_err(unavailable)?;
    let rows: Vec<(i32, String, Option<i32>)> =
        sqlx::query_as(sql::RECORDED).fetch_all(&mut *transaction).await.map_err(unavailable)?;
    let recorded = rows.into_iter().map(|(number, checksum, oldest)| Recorded {
        number: number.unsigned_abs(),
        checksum,
        oldest: oldest.map(i32::unsigned_abs),
    });
    let recorded: Vec<Recorded> = recorded.collect();
    for migration in migrations::pending(POSTGRES, &recorded)? {
        sqlx::raw_sql(migration.text).execute(&mut *transaction).await.map_err(not_migrated)?;
        sqlx::query(sql::RECORD_MIGRATION)
            .bind(migration.number.cast_signed())
            .bind(migration.name)
            .bind(migration.checksum())
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        if migration.number >= migrations::RULED {
            sqlx::query(RULE_MIGRATION)
                .bind(migration.oldest.cast_signed())
                .bind(migration.number.cast_signed())
                .execute(&mut *transaction)
                .await
                .map_err(unavailable)?;
        }
        tracing::info!(
            number = migration.number,
            name = migration.name,
            "the database's schema was brought up to date"
        );
    }
    transaction.commit().await.map_err(unavailable)
}

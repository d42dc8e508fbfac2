//! All of a PostgreSQL database's record as rows, and back.

use super::connection::{self, connect_once};
use super::{PostgresOptions, read};
use crate::copy::{
    About, CopyError, Database, Kind, Page, Pages, PostgresDatabase, Present, Row, RowSender, Rows, TABLES,
    Table, Use, Value, channel, check_schema, head_of,
};
use crate::model::Head;
use crate::os;
use crate::sql;
use async_trait::async_trait;
use futures::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Postgres, Row as _};
use uuid::Uuid;

/// A copy of a large database takes as long as it takes.
const UNHURRIED: [(&str, &str); 3] =
    [("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0"), ("lock_timeout", "10s")];

fn failed(table: &'static str, doing: &'static str) -> impl Fn(sqlx::Error) -> CopyError {
    move |error| CopyError::Database { table, doing, reason: error.to_string() }
}

impl PostgresDatabase {
    fn options(&self) -> Result<PgConnectOptions, CopyError> {
        let parsed = connection::parse(&PostgresOptions::new(&self.url, "copy"))?;
        Ok(parsed.options(UNHURRIED))
    }

    /// Its name, without what must not be shown.
    fn place(&self) -> Result<String, CopyError> {
        let options = self.options()?;
        let name = options.get_database().unwrap_or_default().to_owned();
        Ok(format!("the database {name} at {}:{}", options.get_host(), options.get_port()))
    }
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn dump(&self, use_: Use) -> Result<Rows, CopyError> {
        let mut connection = connect_once(&self.options()?).await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        sqlx::raw_sql(begin).execute(&mut connection).await.map_err(failed("counter", "read"))?;
        let schema = match found_schema(&mut connection).await {
            // undefined_table
            Err(error) if error.as_database_error().is_some_and(|e| e.code().as_deref() == Some("42P01")) => {
                return Err(CopyError::Missing { place: format!("of Bowline in {}", self.place()?) });
            }
            found => found.map_err(failed("migration", "read"))?,
        };
        check_schema(schema)?;
        if use_ == Use::Alone {
            refuse_servers(&mut connection).await?;
        }
        let counter = sqlx::query(sql::HEAD).fetch_one(&mut connection).await;
        let head = counter.and_then(|row| read::head(&row)).map_err(failed("counter", "read"))?.head;
        let (sender, rows) = channel(About { schema, head });
        // It ends when the rows were taken, or when nobody takes them any more.
        tokio::spawn(dump(connection, sender));
        Ok(rows)
    }

    async fn load(&self, mut rows: Rows, present: Present) -> Result<Head, CopyError> {
        check_schema(rows.about.schema)?;
        let options = self.options()?;
        connection::prepare(&options).await?;
        let mut connection = connect_once(&options).await?;
        let mut transaction = connection.begin().await.map_err(failed("counter", "written"))?;
        sqlx::query(sql::copy::HOLD)
            .execute(&mut *transaction)
            .await
            .map_err(failed("counter", "written"))?;
        refuse_servers(&mut transaction).await?;
        match present {
            Present::Kept => self.refuse_rows(&mut transaction).await?,
            Present::Replaced => {
                let empty = sqlx::raw_sql(AssertSqlSafe(sql::copy::empty())).execute(&mut *transaction).await;
                let _ = empty.map_err(failed("resource", "written"))?;
            }
        }
        let mut head = None;
        while let Some(page) = rows.next().await? {
            let table = page.table;
            if table.is_counter() {
                head = Some(load_counter(&mut transaction, page).await?);
            } else {
                load_page(&mut transaction, page).await.map_err(failed(table.name, "written"))?;
            }
        }
        transaction.commit().await.map_err(failed("counter", "written"))?;
        // Without statistics the first plans would be bad ones; the database makes them by itself after a while.
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql::copy::analyze())).execute(&mut connection).await
        {
            tracing::debug!(%error, "the loaded tables were not analysed");
        }
        head.ok_or(CopyError::Incomplete)
    }

    async fn begin_epoch(&self) -> Result<Head, CopyError> {
        let mut connection = connect_once(&self.options()?).await?;
        let failed = failed("counter", "written");
        let old = sqlx::query(sql::HEAD).fetch_one(&mut connection).await;
        let old = old.and_then(|row| read::head(&row)).map_err(&failed)?.head;
        let epoch = os::random_uuid();
        let turned = sqlx::query(sql::NEW_EPOCH).bind(epoch).bind(old.epoch).execute(&mut connection).await;
        let _ = turned.map_err(&failed)?;
        let new = sqlx::query(sql::HEAD).fetch_one(&mut connection).await;
        Ok(new.and_then(|row| read::head(&row)).map_err(&failed)?.head)
    }
}

impl PostgresDatabase {
    async fn refuse_rows(&self, connection: &mut PgConnection) -> Result<(), CopyError> {
        for table in &TABLES {
            let used =
                sqlx::query_scalar(AssertSqlSafe(sql::copy::is_used(table))).fetch_one(&mut *connection);
            if used.await.map_err(failed(table.name, "read"))? {
                return Err(CopyError::NotEmpty { place: self.place()?, what: table.name });
            }
        }
        Ok(())
    }
}

async fn found_schema(connection: &mut PgConnection) -> sqlx::Result<u32> {
    let newest: i32 =
        sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM migration").fetch_one(connection).await?;
    Ok(newest.unsigned_abs())
}

async fn refuse_servers(connection: &mut PgConnection) -> Result<(), CopyError> {
    let count: i64 = sqlx::query_scalar(sql::copy::SERVING)
        .fetch_one(connection)
        .await
        .map_err(failed("server", "read"))?;
    if count > 0 { Err(CopyError::Serving { count }) } else { Ok(()) }
}

async fn dump(mut connection: PgConnection, sender: RowSender) {
    for table in &TABLES {
        match dump_table(&mut connection, table, &sender).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return drop(sender.send(Err(failed(table.name, "read")(error))).await),
        }
    }
}

/// False when nobody takes the rows any more.
async fn dump_table(
    connection: &mut PgConnection,
    table: &'static Table,
    to: &RowSender,
) -> sqlx::Result<bool> {
    let mut rows = sqlx::query(AssertSqlSafe(sql::copy::dump(table, true))).fetch(connection);
    let mut pages = Pages::of(table);
    while let Some(row) = rows.try_next().await? {
        let values = table.columns.iter().enumerate().map(|(at, column)| value(&row, at, column.kind));
        if let Some(page) = pages.push(values.collect::<sqlx::Result<Row>>()?)
            && to.send(Ok(page)).await.is_err()
        {
            return Ok(false);
        }
    }
    match pages.end() {
        Some(page) => Ok(to.send(Ok(page)).await.is_ok()),
        None => Ok(true),
    }
}

fn value(row: &PgRow, at: usize, kind: Kind) -> sqlx::Result<Value> {
    let found = match kind {
        Kind::Integer => row.try_get::<Option<i64>, _>(at)?.map(Value::Integer),
        Kind::Flag => row.try_get::<Option<bool>, _>(at)?.map(Value::Flag),
        Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Value::Text),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Value::Bytes),
        Kind::Id => row.try_get::<Option<Uuid>, _>(at)?.map(Value::Id),
    };
    Ok(found.unwrap_or(Value::Null))
}

/// A column of a page, as one array.
macro_rules! array {
    ($page:ident, $at:ident, $variant:ident) => {
        $page
            .rows
            .iter_mut()
            .map(|row| match std::mem::replace(&mut row[$at], Value::Null) {
                Value::$variant(value) => Some(value),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
}

async fn load_page(connection: &mut PgConnection, mut page: Page) -> sqlx::Result<()> {
    let mut query = sqlx::query(AssertSqlSafe(sql::copy::load(page.table, true)));
    for (at, column) in page.table.columns.iter().enumerate() {
        query = match column.kind {
            Kind::Integer => query.bind(array!(page, at, Integer)),
            Kind::Flag => query.bind(array!(page, at, Flag)),
            Kind::Text => query.bind(array!(page, at, Text)),
            Kind::Bytes => query.bind(array!(page, at, Bytes)),
            Kind::Id => query.bind(array!(page, at, Id)),
        };
    }
    query.execute(connection).await.map(drop)
}

async fn load_counter(connection: &mut PgConnection, mut page: Page) -> Result<Head, CopyError> {
    let mut counter = page.rows.pop().ok_or(CopyError::Incomplete)?;
    counter[0] = Value::Id(os::random_uuid());
    let head = head_of(&counter)?;
    let mut query: Query<'_, Postgres, PgArguments> = sqlx::query(AssertSqlSafe(sql::copy::load_counter()));
    for value in counter {
        query = match value {
            Value::Null => query.bind(None::<i64>),
            Value::Integer(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
            Value::Id(id) => query.bind(id),
        };
    }
    query.execute(connection).await.map_err(failed("counter", "written"))?;
    Ok(head)
}

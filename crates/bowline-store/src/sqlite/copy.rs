//! All of a data directory's record as rows, and back.

use super::connection::{describe, migrate, open_copy};
use crate::copy::{
    About, CopyError, Database, Kind, Page, Pages, Present, Row, RowSender, Rows, SqliteDatabase, TABLES,
    Table, Use, Value, channel, check_schema, head_of,
};
use crate::model::Head;
use crate::os::{self, DATABASE, DataDirectory};
use crate::sql;
use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, ToSql, Transaction, TransactionBehavior, params_from_iter};
use std::path::Path;
use tokio::sync::oneshot;

fn failed(table: &'static str, doing: &'static str) -> impl Fn(rusqlite::Error) -> CopyError {
    move |error| CopyError::Database { table, doing, reason: describe(&error) }
}

#[async_trait]
impl Database for SqliteDatabase {
    async fn dump(&self, use_: Use) -> Result<Rows, CopyError> {
        let directory = self.directory.clone();
        let (opened, rows) = oneshot::channel();
        // It ends when the rows were taken, or when nobody takes them any more.
        tokio::task::spawn_blocking(move || dump(&directory, use_, opened));
        rows.await.unwrap_or(Err(CopyError::Incomplete))
    }

    async fn load(&self, rows: Rows, present: Present) -> Result<Head, CopyError> {
        let database = self.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&database, rows, present)).await;
        loaded.unwrap_or_else(|error| Err(CopyError::Outside(error.to_string())))
    }

    async fn begin_epoch(&self) -> Result<Head, CopyError> {
        let store = super::open_sqlite(super::SqliteOptions::new(&self.directory)).await?;
        store.new_epoch().await.map_err(|error| CopyError::Outside(error.to_string()))
    }
}

/// The newest migration that a database has recorded.
fn found_schema(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("SELECT coalesce(max(number), 0) FROM migration", [], |row| row.get(0))
}

fn dump(directory: &Path, use_: Use, opened: oneshot::Sender<Result<Rows, CopyError>>) {
    let path = directory.join(DATABASE);
    let begin = || -> Result<(Option<DataDirectory>, Connection, About), CopyError> {
        if !path.exists() {
            return Err(CopyError::Missing { place: path.display().to_string() });
        }
        let alone = (use_ == Use::Alone).then(|| DataDirectory::open(directory)).transpose()?;
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(failed("migration", "read"))?;
        // The transaction begins with its first read, and ends with the connection.
        connection.execute_batch("BEGIN").map_err(failed("migration", "read"))?;
        let schema = found_schema(&connection).map_err(failed("migration", "read"))?;
        check_schema(schema)?;
        let head = super::read_head(&connection).map_err(failed("counter", "read"))?.head;
        Ok((alone, connection, About { schema, head }))
    };
    match begin() {
        Err(error) => drop(opened.send(Err(error))),
        Ok((_alone, connection, about)) => {
            let (sender, rows) = channel(about);
            if opened.send(Ok(rows)).is_err() {
                return;
            }
            for table in &TABLES {
                match dump_table(&connection, table, &sender) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return drop(sender.send_blocking(Err(failed(table.name, "read")(error)))),
                }
            }
        }
    }
}

/// False when nobody takes the rows any more.
fn dump_table(connection: &Connection, table: &'static Table, to: &RowSender) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare(&sql::copy::dump(table, false))?;
    let mut rows = statement.query([])?;
    let mut pages = Pages::of(table);
    while let Some(row) = rows.next()? {
        let values = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| value(row.get_ref(at)?, row, at, column.kind));
        if let Some(page) = pages.push(values.collect::<rusqlite::Result<Row>>()?)
            && to.send_blocking(Ok(page)).is_err()
        {
            return Ok(false);
        }
    }
    Ok(pages.end().is_none_or(|page| to.send_blocking(Ok(page)).is_ok()))
}

fn value(found: ValueRef<'_>, row: &rusqlite::Row<'_>, at: usize, kind: Kind) -> rusqlite::Result<Value> {
    Ok(match (found, kind) {
        (ValueRef::Null, _) => Value::Null,
        (_, Kind::Integer) => Value::Integer(row.get(at)?),
        (_, Kind::Flag) => Value::Flag(row.get(at)?),
        (_, Kind::Text) => Value::Text(row.get(at)?),
        (_, Kind::Bytes) => Value::Bytes(row.get(at)?),
        (_, Kind::Id) => Value::Id(row.get(at)?),
    })
}

/// The file that takes the database's name once everything is in it.
const LOADING: &str = "bowline.db.loading";

fn load(database: &SqliteDatabase, mut rows: Rows, present: Present) -> Result<Head, CopyError> {
    check_schema(rows.about.schema)?;
    let directory = DataDirectory::open(&database.directory)?;
    if present == Present::Kept
        && let Some(what) = used(&directory.database())?
    {
        return Err(CopyError::NotEmpty { place: directory.path().display().to_string(), what });
    }
    let path = directory.make_afresh(LOADING)?;
    let filled = fill(database, &path, &mut rows).and_then(|head| {
        super::connection::settle(&directory.database())?;
        directory.adopt(&path)?;
        Ok(head)
    });
    if filled.is_err() {
        DataDirectory::discard(&path);
    }
    filled
}

/// The first table with rows in it, if the file is a database of ours.
fn used(path: &Path) -> Result<Option<&'static str>, CopyError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(failed("counter", "read"))?;
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))
        .map_err(failed("counter", "read"))?;
    if tables == 0 {
        return Ok(None);
    }
    for table in &TABLES {
        let there = connection.query_row(&sql::copy::is_used(table), [], |row| row.get(0));
        // A table that is not there yet is an older database, or none of ours: not empty either way.
        if there.unwrap_or(true) {
            return Ok(Some(table.name));
        }
    }
    Ok(None)
}

fn fill(database: &SqliteDatabase, path: &Path, rows: &mut Rows) -> Result<Head, CopyError> {
    let mut connection = open_copy(path)?;
    migrate(&mut connection)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed("counter", "written"))?;
    let mut head = None;
    while let Some(page) = rows.next_blocking()? {
        check_room(database)?;
        if page.table.is_counter() {
            head = Some(load_counter(&transaction, page)?);
        } else {
            load_page(&transaction, &page).map_err(failed(page.table.name, "written"))?;
        }
    }
    transaction.commit().map_err(failed("counter", "written"))?;
    head.ok_or(CopyError::Incomplete)
}

fn check_room(database: &SqliteDatabase) -> Result<(), CopyError> {
    let reserve = database.disk_reserve_bytes;
    match os::free_space(&database.directory) {
        Ok(available) if available < reserve => {
            let place = database.directory.display().to_string();
            Err(CopyError::DiskFull { place, available, reserve })
        }
        // What cannot be measured shows when it is written.
        _ => Ok(()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Value::Null => rusqlite::types::Null.to_sql(),
            Value::Integer(number) => number.to_sql(),
            Value::Flag(flag) => flag.to_sql(),
            Value::Text(text) => text.to_sql(),
            Value::Bytes(bytes) => bytes.to_sql(),
            Value::Id(id) => id.to_sql(),
        }
    }
}

fn load_page(transaction: &Transaction<'_>, page: &Page) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(&sql::copy::load(page.table, false))?;
    for row in &page.rows {
        statement.execute(params_from_iter(row))?;
    }
    Ok(())
}

fn load_counter(transaction: &Transaction<'_>, mut page: Page) -> Result<Head, CopyError> {
    let counter = page.rows.first_mut().ok_or(CopyError::Incomplete)?;
    counter[0] = Value::Id(os::random_uuid());
    let updated = transaction.execute(&sql::copy::load_counter(), params_from_iter(counter.iter()));
    updated.map_err(failed("counter", "written"))?;
    head_of(counter)
}

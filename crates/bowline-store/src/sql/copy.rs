//! Statements over whole tables, made from the description of the tables.

use crate::copy::{Column, Kind, TABLES, Table};

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// All rows in the order of their key.
pub(crate) fn dump(table: &Table, postgres: bool) -> String {
    let read = |column: &Column| match column.kind {
        // PostgreSQL has narrower columns for some of them.
        Kind::Integer if postgres => format!("{}::int8", column.name),
        _ => column.name.to_owned(),
    };
    let columns: Vec<String> = table.columns.iter().map(read).collect();
    format!(
        "SELECT {} FROM {} ORDER BY {}",
        columns.join(", "),
        table.name,
        names(&table.columns[..table.key])
    )
}

/// One row, or on PostgreSQL any number: an array for each column.
pub(crate) fn load(table: &Table, postgres: bool) -> String {
    let place = |(at, column): (usize, &Column)| match (postgres, column.kind) {
        (false, _) => format!("?{}", at + 1),
        (true, Kind::Integer) => format!("${}::int8[]", at + 1),
        (true, Kind::Flag) => format!("${}::bool[]", at + 1),
        (true, Kind::Text) => format!("${}::text[]", at + 1),
        (true, Kind::Bytes) => format!("${}::bytea[]", at + 1),
        (true, Kind::Id) => format!("${}::uuid[]", at + 1),
    };
    let places = table.columns.iter().enumerate().map(place).collect::<Vec<_>>().join(", ");
    let into = format!("INSERT INTO {} ({})", table.name, names(table.columns));
    if postgres {
        format!("{into} SELECT * FROM UNNEST({places})")
    } else {
        format!("{into} VALUES ({places})")
    }
}

/// The counter is there already.
pub(crate) fn load_counter() -> String {
    let columns = Table::counter().columns.iter().enumerate();
    let set: Vec<String> = columns.map(|(at, column)| format!("{} = ${}", column.name, at + 1)).collect();
    format!("UPDATE counter SET {}", set.join(", "))
}

/// Whether a table has rows, or the counter was ever raised.
pub(crate) fn is_used(table: &Table) -> String {
    let condition = if table.is_counter() { " WHERE revision + position + activity > 0" } else { "" };
    format!("SELECT EXISTS (SELECT 1 FROM {}{condition})", table.name)
}

fn carried() -> String {
    TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ")
}

/// Makes the statistics of what was loaded.
pub(crate) fn analyze() -> String {
    format!("ANALYZE {}", carried())
}

/// Removes what is in the tables of PostgreSQL, with what servers left behind.
pub(crate) fn empty() -> String {
    let tables = TABLES.iter().filter(|table| !table.is_counter()).map(|table| table.name);
    let tables: Vec<&str> = tables.chain(["writer", "server", "attachment"]).collect();
    format!("TRUNCATE {}", tables.join(", "))
}

/// Servers of PostgreSQL that live.
pub(crate) const SERVING: &str = "SELECT count(*) FROM server WHERE expires_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
/// Nobody else writes until the end of the transaction.
pub(crate) const HOLD: &str = "LOCK TABLE counter IN ACCESS EXCLUSIVE MODE";

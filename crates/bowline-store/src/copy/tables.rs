//! What a copy of the record carries: every table with its columns, once for both databases. Conformance tests hold it against the
//! schema that each of them really has, so that a migration cannot add what backups would forget.

/// One table of the record.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How many of the columns, from the first on, are its key: rows come in the order of the key.
    pub key: usize,
    /// Its columns.
    pub columns: &'static [Column],
}

/// One column.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub kind: Kind,
    /// Whether it may be empty.
    pub optional: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Integer,
    /// True or false.
    Flag,
    /// UTF-8.
    Text,
    /// Anything.
    Bytes,
    /// A UUID.
    Id,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: false }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: true }
}

const fn table(name: &'static str, key: usize, columns: &'static [Column]) -> Table {
    Table { name, key, columns }
}

use Kind::{Bytes, Flag, Id, Integer, Text};

/// Everything that is carried, in this order. The counter comes last: rows that end without it are not the whole.
pub static TABLES: [Table; 12] = [
    table("setting", 1, &[column("name", Text), column("value", Text)]),
    table(
        "resource",
        1,
        &[
            column("key", Text),
            column("tenant", Id),
            column("uid", Id),
            column("id", Text),
            column("resource_type", Text),
            optional("parent", Text),
            optional("principal", Id),
            column("revision", Integer),
            column("created_revision", Integer),
            column("etag", Text),
            column("model", Integer),
            column("deleting", Flag),
            column("document", Text),
            optional("protected", Bytes),
            column("created_at", Integer),
            column("updated_at", Integer),
        ],
    ),
    table(
        "change",
        1,
        &[
            column("revision", Integer),
            column("kind", Integer),
            column("tenant", Id),
            column("uid", Id),
            column("key", Text),
            column("id", Text),
            column("resource_type", Text),
            column("actor", Text),
            column("correlation_id", Id),
            optional("origin", Text),
            column("time", Integer),
            column("etag", Text),
            column("model", Integer),
            optional("document", Text),
        ],
    ),
    table("watermark", 1, &[column("name", Text), column("revision", Integer)]),
    table(
        "entry",
        2,
        &[
            column("kind", Text),
            column("key", Text),
            column("data", Bytes),
            column("uses", Integer),
            column("version", Integer),
            optional("expires_at", Integer),
        ],
    ),
    table("source", 1, &[column("source", Text), column("source_epoch", Id), column("seq", Integer)]),
    table(
        "observation",
        1,
        &[
            column("position", Integer),
            column("source", Text),
            column("source_epoch", Id),
            column("seq", Integer),
            column("time", Integer),
            column("bytes", Bytes),
        ],
    ),
    table(
        "segment",
        1,
        &[
            column("source", Text),
            column("source_epoch", Id),
            column("seq", Integer),
            column("time", Integer),
            column("bytes", Bytes),
        ],
    ),
    // Without its holder: nobody holds a copied lease, and the next epoch of each is greater than any that was used.
    table("lease", 1, &[column("name", Text), column("epoch", Integer), column("expires_at", Integer)]),
    table(
        "activity",
        1,
        &[
            column("seq", Integer),
            column("revision", Integer),
            column("time", Integer),
            column("key", Text),
            column("text", Text),
            optional("link", Bytes),
        ],
    ),
    table(
        "activity_statement",
        2,
        &[column("kind", Text), column("signer", Text), column("seq", Integer), column("signed", Text)],
    ),
    table(
        "counter",
        1,
        &[
            column("epoch", Id),
            column("revision", Integer),
            column("position", Integer),
            column("watermarked", Integer),
            column("compacted", Integer),
            column("activity", Integer),
            column("activity_link", Bytes),
        ],
    ),
];

/// Tables and columns (`*`: all) that stay behind, each with its reason.
pub const LEFT_BEHIND: &[(&str, &str, &str)] = &[
    ("migration", "*", "of the schema: a copy gets the schema of the program that loads it"),
    ("writer", "*", "answers a lost COMMIT of a running server, and none runs on a copy that is being made"),
    ("server", "*", "the servers that live now"),
    (
        "attachment",
        "*",
        "who holds an agent's session now; agents of a copy connect anew, and those that do not show as gone",
    ),
    ("place", "*", "where a database is: its copy is elsewhere"),
    ("lease", "holder", "nobody works on a copy yet"),
    ("counter", "one", "holds the table to one row"),
    ("counter", "batch", "of SQLite: answers a lost COMMIT of a running server"),
];

impl Table {
    /// The counter.
    #[must_use]
    pub fn counter() -> &'static Table {
        &TABLES[TABLES.len() - 1]
    }

    /// By its name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<&'static Table> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// Whether this is the counter.
    #[must_use]
    pub fn is_counter(&self) -> bool {
        self.name == Table::counter().name
    }
}

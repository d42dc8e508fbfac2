//! Functions that decide.

use super::Line;
use super::Naming::None as N;

pub(super) const LINES: &[Line] = &[
    ("iff", "condition:bool, then:common, otherwise:common -> common", N, "One of two values."),
    (
        "iif",
        "condition:bool, then:common, otherwise:common -> common",
        N,
        "One of two values; the same as iff.",
    ),
    (
        "case",
        "condition:bool..., then:common..., otherwise:common -> common",
        N,
        "The value after the first condition that holds.",
    ),
    ("coalesce", "value:common... -> common", N, "The first value that is not null."),
    ("not", "condition:bool -> bool", N, "The opposite."),
    ("isnull", "value:any -> bool", N, "Whether the value is null."),
    ("isnotnull", "value:any -> bool", N, "Whether the value is not null."),
    ("notnull", "value:any -> bool", N, "Old name of isnotnull."),
    ("isempty", "value:any -> bool", N, "Whether the value is null or an empty text."),
    ("isnotempty", "value:any -> bool", N, "Whether the value is neither null nor an empty text."),
    ("notempty", "value:any -> bool", N, "Old name of isnotempty."),
    (
        "around",
        "value:summable, center:summable, delta:summable -> bool",
        N,
        "Whether a value is near another.",
    ),
    (
        "assert",
        "condition:bool, message:string -> bool",
        N,
        "Stops the query when the condition does not hold.",
    ),
    ("new_guid", "-> guid", N, "A new guid for each row."),
    ("estimate_data_size", "value:any... -> long", N, "About how many bytes the values take."),
    ("current_principal", "-> string", N, "Who asks."),
    ("current_principal_details", "-> dynamic", N, "Who asks, in detail."),
    (
        "current_principal_is_member_of",
        "group:any... -> bool",
        N,
        "Whether who asks is in one of these groups.",
    ),
    ("current_cluster_endpoint", "-> string", N, "Where the query is answered."),
    ("current_database", "-> string", N, "The database that is asked."),
    ("ingestion_time", "-> datetime", super::Naming::Word("$IngestionTime"), "When the row was written."),
    (
        "column_ifexists",
        "column:string, default:any -> =1",
        N,
        "A column, or a default where the table has no such column.",
    ),
    ("columnifexists", "column:string, default:any -> =1", N, "Old name of column_ifexists."),
    ("iscolumnexists", "column:string -> bool", N, "Whether the table has a column."),
    (
        "toscalar",
        "table:table -> dynamic",
        N,
        "The first value of a table, computed once for the whole query; it has that column's type.",
    ),
];

//! Queries over a table, with what the documentation's cases do not show: columns that only the data knows, ends of axes, limits, errors.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bowline_kql::engine::{Answer, Engine as _, Failure};
use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use bowline_query::{Interpreter, Limits, Moment, QueryError, Rows, Source};

struct Machines;

impl Source for Machines {
    fn rows(&self, table: &str) -> Result<Rows, QueryError> {
        let row = |name: &str, kind: &str, tags: &str| {
            vec![Value::String(name.into()), Value::String(kind.into()), Value::Dynamic(tags.into())]
        };
        match table {
            "Machines" => Ok(Arc::new(vec![
                row("a", "vm", r#"{"env":"prod","size":2}"#),
                row("b", "vm", r#"{"env":"test","size":4,"owner":null}"#),
                row("c", "arc", "null"),
            ])),
            other => Err(QueryError::Failed { message: format!("there is no {other}") }),
        }
    }
}

fn catalogue() -> Catalogue {
    let columns = vec![
        Column::new("name", Type::String),
        Column::new("kind", Type::String),
        Column::new("tags", Type::Dynamic),
    ];
    Catalogue {
        tables: vec![Table { name: "Machines".to_owned(), schema: Schema::new(columns) }],
        ..Catalogue::default()
    }
}

fn asked(query: &str, limits: &Limits) -> Result<Vec<Answer>, Failure> {
    let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
    Interpreter.answer(query, Dialect::default(), &catalogue(), &Machines, moment, limits)
}

/// The columns' names and the cells as texts.
fn table(query: &str) -> (String, Vec<String>) {
    let found = asked(query, &Limits::default()).unwrap_or_else(|why| panic!("{query}: {why:?}"));
    let names = found[0].schema.names().collect::<Vec<_>>().join(" ");
    let cell = |value: &Value| match value {
        Value::Null(_) => "-".to_owned(),
        Value::String(text) | Value::Dynamic(text) => text.clone(),
        Value::Long(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    (names, found[0].rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect())
}

fn rows(query: &str) -> Vec<String> {
    table(query).1
}

#[test]
fn keys_of_bags_become_columns_that_the_query_may_name() {
    let (names, found) =
        table("Machines | evaluate bag_unpack(tags) | where size > 2 | project env, size, owner, kind");
    assert_eq!(names, "env size owner kind");
    assert_eq!(found, ["test 4 - vm"]);
    let (names, found) = table("Machines | evaluate bag_unpack(tags, 't_') | order by name asc");
    assert_eq!(names, "name kind t_env t_owner t_size");
    assert_eq!(found[2], "c arc  - -");
}

#[test]
fn a_key_that_is_a_column_already_is_an_error_unless_told_otherwise() {
    let query = "print name = 'a', bag = dynamic({'name': 'b'}) | evaluate bag_unpack(bag";
    assert!(matches!(
        asked(&format!("{query})"), &Limits::default()),
        Err(Failure::Run(QueryError::Failed { .. }))
    ));
    assert_eq!(rows(&format!("{query}, '', 'replace_source')")), ["b"]);
    assert_eq!(rows(&format!("{query}, '', 'keep_source')")), ["a"]);
}

#[test]
fn values_become_columns_and_what_is_missing_counts_nothing() {
    let (names, found) = table("Machines | project name, kind | evaluate pivot(kind) | order by name asc");
    assert_eq!(names, "name arc vm");
    assert_eq!(found, ["a 0 1", "b 0 1", "c 1 0"]);
}

#[test]
fn two_plug_ins_are_found_one_after_the_other() {
    let query =
        "Machines | evaluate bag_unpack(tags) | project kind, env | evaluate pivot(env) | order by kind asc";
    assert_eq!(table(query).0.split(' ').next(), Some("kind"));
    assert_eq!(rows("Machines | take 1 | project name, kind | evaluate narrow()"), ["0 name a", "0 kind vm"]);
}

#[test]
fn an_axis_ends_before_its_end_and_groups_have_their_own_lists() {
    let data =
        "datatable(k: string, x: long) ['a', 0, 'a', 1, 'b', 4, 'b', 9, 'c', 10] | make-series count() on x";
    assert_eq!(rows(&format!("{data} from 0 to 10 step 5 by k")), ["a [2,0] [0,5]", "b [1,1] [0,5]"]);
    assert_eq!(rows(&format!("{data} step 5")), ["[3,1,1] [0,5,10]"]);
    assert_eq!(rows(&format!("{data} from 20 to 30 step 5")), ["[0,0] [20,25]"]);
    let refused = asked(&format!("{data} from 0 to 10 step 0"), &Limits::default());
    assert!(matches!(refused, Err(Failure::Run(QueryError::Failed { .. }))), "{refused:?}");
}

#[test]
fn nulls_are_neither_equal_nor_unequal_and_a_missing_key_is_null() {
    assert_eq!(rows("Machines | where tags.env == 'prod' | project name"), ["a"]);
    assert_eq!(rows("Machines | where isnull(tags.size) | project name"), ["c"]);
    assert_eq!(rows("Machines | where tostring(tags.env) != 'prod' | project name"), ["b", "c"]);
    assert_eq!(
        rows("Machines | summarize n = count() by env = tostring(tags.env) | order by env asc"),
        [" 1", "prod 1", "test 1"]
    );
}

#[test]
fn a_query_ends_where_it_is_told_to_or_grows_too_large() {
    let ended = Limits { ended: Arc::new(AtomicBool::new(true)), ..Limits::default() };
    assert!(matches!(asked("Machines", &ended), Err(Failure::Run(QueryError::Ended))));
    let small = Limits { rows: 1000, ..Limits::default() };
    let query = "range a from 1 to 100 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100 step 1 | extend k = 1) on k";
    assert!(matches!(asked(query, &small), Err(Failure::Run(QueryError::TooLarge { .. }))));
}

#[test]
fn what_cannot_run_says_its_name() {
    let refused = asked("print x = hash_xxhash64('a')", &Limits::default());
    let Err(Failure::Run(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.to_string(), "'hash_xxhash64()' cannot be run by this server yet");
    assert!(matches!(asked("Nowhere | take 1", &Limits::default()), Err(Failure::Query(_))));
}

#[test]
fn a_sub_query_is_asked_once_for_all_rows() {
    // Asked for each row it would hold two million rows.
    let limits = Limits { rows: 20_000, ..Limits::default() };
    for condition in [
        "in (range y from 1 to 1000 step 2)",
        "!in (range y from 1 to 1000 step 2)",
        "<= toscalar(range y from 1 to 1000 step 1 | count)",
    ] {
        let found = asked(&format!("range x from 1 to 2000 step 1 | where x {condition} | count"), &limits);
        assert!(found.is_ok(), "{condition}: {found:?}");
    }
    assert_eq!(rows("range x from 1 to 5 step 1 | where x in (range y from 1 to 9 step 2)"), ["1", "3", "5"]);
    assert_eq!(rows("range x from 1 to 5 step 1 | where x !in (range y from 1 to 9 step 2)"), ["2", "4"]);
    assert_eq!(rows("Machines | where name in~ (print 'A') | project name"), ["a"]);
    assert_eq!(rows("Machines | where name in (print 'A') | project name"), Vec::<String>::new());
}

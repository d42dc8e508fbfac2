//! What is asked of a table, and how a run over columns ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bowline_kql::engine::Failure;
use bowline_kql::plan::Column;
use bowline_kql::{Type, Value};
use bowline_query::batches::{OneOf, Scan, Wanted};
use bowline_query::{Limits, QueryError};

use crate::tables::{Held, Tables, both};

fn machines(count: i64) -> Arc<Tables> {
    let columns = vec![
        (Column::new("name", Type::String), false),
        (Column::new("kind", Type::String), true),
        (Column::new("size", Type::Long), false),
        (Column::new("bag", Type::Dynamic), false),
    ];
    let row = |at: i64| {
        vec![
            Value::String(format!("m{at}")),
            Value::String(if at % 2 == 0 { "vm" } else { "Arc" }.to_owned()),
            Value::Long(at),
            Value::Dynamic(format!(
                r#"{{"in":{{"a":"x{}"}},"list":[{at},{}],"other":"{}"}}"#,
                at % 3,
                at + 1,
                "z".repeat(40)
            )),
        ]
    };
    let held = Held { columns, rows: (0..count).map(row).collect() };
    Arc::new(Tables { tables: [("Machines".to_owned(), held)].into(), ..Tables::default() })
}

/// The scans of a query whose answers are the same both ways, and the number of its rows.
fn scans(query: &str) -> (Vec<Scan>, usize) {
    let tables = machines(10);
    let (rows, columns) = both(&tables, query, &Limits::default());
    let (rows, columns) = (rows.unwrap(), columns.unwrap());
    let sorted = |answers: &[bowline_kql::engine::Answer]| {
        let mut all: Vec<String> = answers[0].rows.iter().map(|row| format!("{row:?}")).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(&rows), sorted(&columns), "{query}");
    let asked = tables.asked.lock().unwrap().clone();
    (asked, rows[0].rows.len())
}

fn wanted(scan: &Scan) -> Vec<(usize, String)> {
    scan.wanted.iter().map(|Wanted { column, path }| (*column, path.join("."))).collect()
}

#[test]
fn a_scan_is_asked_for_what_the_query_shows_and_no_more() {
    let (asked, _) = scans("Machines | where size > 2 | summarize count() by tostring(bag['in'].a)");
    assert_eq!(wanted(&asked[0]), [(2, String::new()), (3, "in.a".to_owned())]);
    let (asked, rows) = scans("Machines | count");
    assert_eq!((wanted(&asked[0]).len(), rows), (0, 1));
    let (asked, _) = scans("Machines | extend p = bag | sort by name asc | project p['in'].a, name");
    assert_eq!(wanted(&asked[0]), [(0, String::new()), (3, "in.a".to_owned())]);
    let (asked, _) =
        scans("Machines | join kind=inner (Machines | project name, q = bag['in']) on name | project q.a");
    assert_eq!(wanted(&asked[0]), [(0, String::new())]);
    assert_eq!(wanted(&asked[1]), [(0, String::new()), (3, "in.a".to_owned())]);
}

#[test]
fn of_a_list_that_is_unfolded_nothing_else_of_its_document_is_asked() {
    let (asked, rows) =
        scans("Machines | where kind == 'vm' | mv-expand one = bag.list | project name, toint(one)");
    assert_eq!(rows, 10);
    assert_eq!(wanted(&asked[0]), [(0, String::new()), (1, String::new()), (3, "list".to_owned())]);
    assert_eq!(asked[0].only, [OneOf { column: 1, texts: vec!["vm".to_owned()], ignore_case: false }]);
}

#[test]
fn constant_texts_reach_the_scan_through_what_lies_between() {
    let only = |column, texts: &[&str], ignore_case| OneOf {
        column,
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        ignore_case,
    };
    let (asked, _) = scans("Machines | where kind =~ 'ARC' and size > 1 | where name in ('m1', 'm3')");
    assert_eq!(asked[0].only, [only(0, &["m1", "m3"], false), only(1, &["ARC"], true)]);
    let (asked, _) = scans("Machines | project k = kind, name | where tolower(k) == 'arc' | take 1000");
    assert_eq!(asked[0].only, [only(1, &["arc"], true)]);
    // Behind a limit a condition says nothing of the rows before it, and neither does one half of a choice.
    let (asked, _) = scans("Machines | sort by size asc | take 3 | where kind == 'vm' or name == 'm1'");
    assert_eq!(asked[0].only, []);
    let (asked, _) = scans("Machines | take 1000 | where kind == 'vm'");
    assert_eq!(asked[0].only, []);
    let (asked, _) = scans(
        "Machines | join kind=leftouter (Machines | project name, k = kind) on name | where k == 'vm' | project kind",
    );
    assert!(asked.iter().all(|scan| scan.only.is_empty()), "{asked:?}");
}

#[test]
fn a_run_ends_where_it_is_told_to_or_grows_too_large() {
    let tables = machines(300);
    let refused = |query: &str, limits: &Limits| match both(&tables, query, limits).1 {
        Err(Failure::Run(error)) => error,
        other => panic!("{query}: {other:?}"),
    };
    let ended = Limits { ended: Arc::new(AtomicBool::new(true)), ..Limits::default() };
    assert_eq!(refused("Machines | count", &ended), QueryError::Ended);
    let few = Limits { rows: 100, ..Limits::default() };
    assert_eq!(refused("Machines", &few), QueryError::TooLarge { what: "rows", limit: 100 });
    let small = Limits { bytes: 10_000, ..Limits::default() };
    for query in [
        "Machines | summarize make_list(bag) by name",
        "Machines | sort by name asc",
        "Machines | summarize count() by strcat(name, tostring(bag))",
    ] {
        assert_eq!(refused(query, &small), QueryError::TooLarge { what: "bytes", limit: 10_000 }, "{query}");
    }
    let broken = refused("Machines | where name matches regex strcat(name, '(')", &Limits::default());
    assert!(broken.to_string().contains("regular expression"), "{broken}");
}

#[test]
fn the_same_data_gives_the_same_order() {
    let tables = machines(200);
    for query in [
        "union Machines, (Machines | extend size = -size) | where size % 3 == 0",
        "Machines | join kind=inner (Machines) on kind | where size < 5 and size1 < 4 | project name, name1",
        "Machines | summarize count(), make_set(size % 7) by kind, tostring(bag['in'].a)",
        "Machines | top 5 by kind asc",
    ] {
        let shown = || format!("{:?}", both(&tables, query, &Limits::default()).1.unwrap()[0].rows);
        let first = shown();
        assert!((0..4).all(|_| shown() == first), "{query}");
    }
}

#[test]
fn a_run_may_begin_where_a_server_runs_what_blocks() {
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let asked = server.block_on(async {
        let ask = || both(&machines(10), "Machines | where kind == 'vm' | count", &Limits::default()).1;
        tokio::task::spawn_blocking(ask).await
    });
    assert_eq!(asked.unwrap().unwrap()[0].rows[0], [Value::Long(5)]);
}

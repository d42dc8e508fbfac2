//! The same material with every table made columns: what the interpreter answers as expected, columns do too.

use bowline_kql::engine::Engine;
use bowline_query::{Columnar, Interpreter};
use serde_json::Value as Json;

use crate::answers::{answer, cell, read};
use crate::{documentation, engines};

#[test]
fn columns_give_what_rows_give() {
    let columns = Columnar { rows_too: true };
    let (mut same, mut joined, mut others) = (0, 0, Vec::new());
    for file in ["docs_tierA_exact", "docs_tierB_selfcontained_review", "kustoloco_babykusto"] {
        let Some(cases) = read(file) else {
            println!("skipped: columns_give_what_rows_give: no conformance files");
            return;
        };
        let check = if file.starts_with("docs") { documentation::check } else { engines::check };
        for case in cases.iter().filter(|case| check(&Interpreter, case).is_ok()) {
            match check(&columns, case) {
                Ok(()) => same += 1,
                // The language leaves open in which order a join gives its rows; some of these tests do not.
                Err(_) if case["query"].as_str().unwrap().contains("join") && alike(&columns, case) => {
                    joined += 1;
                }
                Err(why) => others.push(format!("{}: {}\n    {why}", case["id"], case["query"])),
            }
        }
    }
    println!("columns agree on {same}, and on {joined} joins in another order");
    assert!(same > 540, "only {same} were held against each other");
    assert!(others.is_empty(), "{} differ:\n{}", others.len(), others.join("\n"));
}

/// Whether the rows are the same, in any order.
fn alike(columns: &dyn Engine, case: &Json) -> bool {
    let rows = |engine: &dyn Engine| {
        let (_, rows) = answer(engine, case["query"].as_str().unwrap()).unwrap();
        let mut rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        rows.sort();
        rows
    };
    rows(&Interpreter) == rows(columns)
}

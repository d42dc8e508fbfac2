//! The documentation's examples with the tables that it prints.

use std::collections::BTreeSet;

use bowline_kql::Type;
use bowline_kql::engine::Engine;
use bowline_kql::plan::Column;
use bowline_query::Interpreter;
use serde_json::Value as Json;

use crate::answers::{answer, compare, disputed, hold_against_list, read};

pub(crate) fn check(engine: &dyn Engine, case: &Json) -> Result<(), String> {
    let query = case["query"].as_str().unwrap();
    let found = answer(engine, query)?;
    let names: Vec<String> = serde_json::from_value(case["expected"]["columns"].clone()).unwrap();
    // Where the cells have no types they are texts.
    let typed = &case["expected"]["rows_typed"];
    let rows = if typed.is_null() { &case["expected"]["rows"] } else { typed };
    let rows: Vec<Vec<Json>> = serde_json::from_value(rows.clone()).unwrap();
    let unordered = case["flags"].as_array().unwrap().iter().any(|flag| flag == "unordered");
    let rows: Vec<Vec<Json>> =
        if typed.is_null() { rows.iter().map(|row| untyped(row, &found.0)).collect() } else { rows };
    // Tables whose columns are not those of the query are of another version of it.
    let names = (case["columns_match"] != false).then_some(names.as_slice());
    compare(&found, names, &rows, !unordered)
}

/// Cells that are texts as what their columns say.
fn untyped(row: &[Json], columns: &[Column]) -> Vec<Json> {
    let read = |(cell, column): (&Json, &Column)| match (cell.as_str(), column.ty) {
        (Some("(null)"), _) => Json::Null,
        (Some(text), Type::Dynamic) => serde_json::from_str(text).unwrap_or_else(|_| cell.clone()),
        _ => cell.clone(),
    };
    row.iter().zip(columns).map(read).collect()
}

/// Whether nothing makes the case special.
fn is_core(case: &Json) -> bool {
    case["flags"].as_array().unwrap().iter().all(|flag| flag == "no_output_label" || flag == "unordered")
}

#[test]
fn documentation_cases_give_the_printed_tables() {
    let mut failing = BTreeSet::new();
    for file in ["docs_tierA_exact", "docs_tierB_selfcontained_review"] {
        let Some(cases) = read(file) else {
            println!("skipped: documentation_cases_give_the_printed_tables: no conformance files");
            return;
        };
        let (mut passed, mut core, mut core_passed) = (0, 0, 0);
        for case in &cases {
            core += u32::from(is_core(case));
            match check(&Interpreter, case) {
                Ok(()) => {
                    passed += 1;
                    core_passed += u32::from(is_core(case));
                }
                Err(_) if disputed(case["id"].as_str().unwrap()) => {}
                Err(why) => {
                    let id = case["id"].as_str().unwrap();
                    let mark = if is_core(case) { "core" } else { "flagged" };
                    println!("  {mark} {id}: {why}");
                    let _ = failing.insert(id.to_owned());
                }
            }
        }
        println!("run {file}: {passed} of {}; core {core_passed} of {core}", cases.len());
    }
    hold_against_list("documentation", &failing);
}

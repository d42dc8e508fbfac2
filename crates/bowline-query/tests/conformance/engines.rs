//! Two open engines' own tests.

use std::collections::BTreeSet;

use bowline_kql::engine::Engine;
use bowline_kql::plan::Column;
use bowline_kql::value::{format_datetime, format_timespan};
use bowline_kql::{Type, Value};
use bowline_query::{Interpreter, Rows};
use serde_json::Value as Json;

use crate::answers::{answer, compare, disputed, hold_against_list, read};

pub(crate) fn check(engine: &dyn Engine, case: &Json) -> Result<(), String> {
    let found = answer(engine, case["query"].as_str().unwrap())?;
    if case["format"] == "dump" && !case["expected"].is_null() {
        return check_dump(&found, &case["expected"]);
    }
    let separator = case["row_sep"].as_str().unwrap_or(",");
    let lines: Vec<String> =
        found.1.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",")).collect();
    let texts: Vec<String> = match case["format"].as_str().unwrap() {
        "last_row_csv" => vec![lines.last().cloned().unwrap_or_default()],
        "last_row_csv_nospace" => vec![lines.last().cloned().unwrap_or_default().replace(' ', "")],
        // Where cells hold commas the rows are set apart by bars.
        "rows_csv" => vec![lines.join(separator), lines.join("|")],
        other => return Err(format!("a format that is not known here: {other}")),
    };
    for assertion in case["assert"].as_array().unwrap() {
        let wanted = assertion["text"].as_str().unwrap();
        let holds = |text: &String| match assertion["op"].as_str().unwrap() {
            "equals" => text == wanted || same_numbers(text, wanted),
            "contains" => text.contains(wanted),
            "not_contains" => !text.contains(wanted),
            "startswith" => text.starts_with(wanted),
            _ => false,
        };
        if !texts.iter().any(holds) {
            return Err(format!("{:?} instead of {} {wanted:?}", texts[0], assertion["op"]));
        }
    }
    Ok(())
}

/// Digits behind the twelfth are not counted.
fn same_numbers(text: &str, wanted: &str) -> bool {
    let cells = |text: &str| text.split(',').map(|cell| cell.parse::<f64>().ok()).collect::<Option<Vec<_>>>();
    match (cells(text), cells(wanted)) {
        (Some(a), Some(b)) => {
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs())
        }
        _ => false,
    }
}

/// As these engines write a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null(_) => "<null>".to_owned(),
        Value::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Real(value) if value.is_infinite() => if *value > 0.0 { "∞" } else { "-∞" }.to_owned(),
        Value::Real(value) => value.to_string(),
        Value::Decimal(text) | Value::String(text) => text.clone(),
        Value::Dynamic(text) => match serde_json::from_str(text) {
            Ok(Json::String(text)) => text,
            _ => text.clone(),
        },
        Value::Datetime(ticks) => {
            let text = format_datetime(*ticks);
            text.split_once('.')
                .map_or(text.clone(), |(seconds, _)| format!("{}Z", seconds.replace('T', " ")))
        }
        Value::Timespan(ticks) => format_timespan(*ticks),
        Value::Guid(value) => {
            let digits = format!("{value:032x}");
            [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
        }
    }
}

fn check_dump(found: &(Vec<Column>, Rows), expected: &Json) -> Result<(), String> {
    let names: Vec<String> = serde_json::from_value(expected["columns"].clone()).unwrap();
    let rows: Vec<Vec<Json>> = serde_json::from_value(expected["rows"].clone()).unwrap();
    let read = |(cell, column): (&Json, &Column)| match (cell.as_str(), column.ty) {
        (Some("(null)"), _) => Json::Null,
        (Some(text), Type::Dynamic) => serde_json::from_str(text).unwrap_or_else(|_| cell.clone()),
        _ => cell.clone(),
    };
    let rows: Vec<Vec<Json>> = rows.iter().map(|row| row.iter().zip(&found.0).map(read).collect()).collect();
    // The tests of these engines fix an order that the language leaves open.
    compare(found, Some(&names), &rows, false)
}

#[test]
fn the_tests_of_two_open_engines_give_what_they_say() {
    let Some(cases) = read("kustoloco_babykusto") else {
        println!("skipped: the_tests_of_two_open_engines_give_what_they_say: no conformance files");
        return;
    };
    let left_out = |case: &&Json| case["skip"] != true && case["ms_parser"]["bind_ok"] != false;
    let cases: Vec<&Json> = cases.iter().filter(left_out).collect();
    let mut failing = BTreeSet::new();
    let mut passed = 0;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        match check(&Interpreter, case) {
            Ok(()) => passed += 1,
            Err(_) if disputed(id) => {}
            Err(why) => {
                println!("  engine {id}: {why}");
                let _ = failing.insert(id.to_owned());
            }
        }
    }
    println!("run kustoloco_babykusto: {passed} of {}", cases.len());
    hold_against_list("engines", &failing);
}

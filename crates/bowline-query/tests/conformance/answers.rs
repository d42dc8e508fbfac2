//! Running a query without tables, and comparing what came with what was expected.

use std::collections::BTreeSet;
use std::path::Path;

use bowline_kql::engine::{Engine, Failure};
use bowline_kql::plan::Column;
use bowline_kql::value::{format_datetime, format_timespan, parse_datetime, parse_timespan};
use bowline_kql::{Catalogue, Dialect, Type, Value};
use bowline_query::{Limits, Moment, QueryError, Row, Rows, Source};
use serde_json::Value as Json;

struct Nothing;

impl Source for Nothing {
    fn rows(&self, table: &str) -> Result<Rows, QueryError> {
        Err(QueryError::Unsupported { what: table.to_owned() })
    }
}

/// A moment of the tests' own: 2026-01-01.
const NOW: i64 = 639_028_224_000_000_000;

/// The columns and rows of the last answer of a query.
pub(crate) fn answer(engine: &dyn Engine, query: &str) -> Result<(Vec<Column>, Rows), String> {
    // Some examples roll dice millions of times, and what they give is no table to compare with.
    answer_within(engine, query, &Limits { rows: 2_500_000, ..Limits::default() })
}

/// The same of a query that may hold no more than this.
pub(crate) fn answer_within(
    engine: &dyn Engine,
    query: &str,
    limits: &Limits,
) -> Result<(Vec<Column>, Rows), String> {
    let moment = Moment { now: NOW, seed: 1 };
    let found = engine
        .answer(query, Dialect::default(), &Catalogue::default(), &Nothing, moment, limits)
        .map_err(|failure| match failure {
            Failure::Query(found) => format!("does not bind: {}", found[0].report(query)),
            Failure::Run(error) => error.to_string(),
        })?;
    let last = found.last().ok_or("asks for nothing")?;
    Ok((last.schema.columns.clone(), last.rows.clone()))
}

/// A cell as text that is equal for equal values; of an expected one by the column's type.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null(_) => String::new(),
        Value::Real(number) => real(*number),
        Value::Decimal(text) => text.parse().map_or_else(|_| text.clone(), real),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Datetime(ticks) => format_datetime(*ticks),
        Value::Timespan(ticks) => format_timespan(*ticks),
        Value::Guid(value) => format!("{value:032x}"),
        Value::String(text) => printed(text),
        Value::Dynamic(text) => serde_json::from_str(text).map_or_else(|_| text.clone(), |json| tidy(&json)),
    }
}

/// Six digits count.
fn real(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.5e}") }
}

/// A printed table shows blanks of every kind as one, and none at the ends.
fn printed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tidy(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => parse_datetime(text).map_or_else(|| printed(text), format_datetime),
        Json::Number(number) => number.as_f64().map_or_else(|| number.to_string(), real),
        Json::Array(list) => format!("[{}]", list.iter().map(tidy).collect::<Vec<_>>().join(",")),
        Json::Object(bag) => {
            let mut pairs: Vec<_> = bag.iter().map(|(key, value)| format!("{key}:{}", tidy(value))).collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(","))
        }
        Json::Bool(value) => value.to_string(),
    }
}

/// An expected cell: JSON of the column's type.
pub(crate) fn expected(json: &Json, ty: Type) -> String {
    let text = || json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let value = match (ty, json) {
        (_, Json::Null) => return String::new(),
        (Type::Real, Json::Object(special)) => {
            special["real"].as_str().and_then(|text| Value::parse(ty, text))
        }
        (Type::Timespan, Json::Object(of)) => of["ticks"].as_i64().map(Value::Timespan),
        (Type::Timespan, Json::Number(ticks)) => ticks.as_i64().map(Value::Timespan),
        (Type::Timespan, _) => parse_timespan(&text()).map(Value::Timespan),
        (Type::Datetime, _) => parse_datetime(&text()).map(Value::Datetime),
        (Type::Dynamic, json) => return tidy(json),
        (Type::String, _) => return printed(&text()),
        (ty, _) => Value::parse(ty, &text()),
    };
    value.map_or_else(text, |value| cell(&value))
}

/// Compares columns and rows; the order of rows counts where `ordered`.
pub(crate) fn compare(
    found: &(Vec<Column>, Rows),
    names: Option<&[String]>,
    rows: &[Vec<Json>],
    ordered: bool,
) -> Result<(), String> {
    let (columns, found_rows) = found;
    if let Some(names) = names {
        let own: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        if own != names.iter().map(String::as_str).collect::<Vec<_>>() {
            return Err(format!("columns {own:?} instead of {names:?}"));
        }
    }
    let mut own: Vec<Vec<String>> =
        found_rows.iter().map(|row: &Row| row.iter().map(cell).collect()).collect();
    let typed = |row: &Vec<Json>| {
        row.iter().zip(columns).map(|(json, column)| expected(json, column.ty)).collect::<Vec<_>>()
    };
    let mut wanted: Vec<Vec<String>> = rows.iter().map(typed).collect();
    if !ordered {
        own.sort();
        wanted.sort();
    }
    if own == wanted {
        Ok(())
    } else {
        Err(format!("rows\n      {own:?}\n      instead of\n      {wanted:?}"))
    }
}

/// Fails when a case outside of the list fails, or one in the list does not: the list may only shrink.
/// `UPDATE_FAILING=1` writes it, for whoever adds material.
pub(crate) fn hold_against_list(list: &str, failing: &BTreeSet<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/conformance/{list}.failing.txt"));
    if std::env::var_os("UPDATE_FAILING").is_some() {
        std::fs::write(&path, failing.iter().map(|id| format!("{id}\n")).collect::<String>()).unwrap();
        return;
    }
    let known: BTreeSet<String> =
        std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
    let new: Vec<_> = failing.difference(&known).collect();
    let cured: Vec<_> = known.difference(failing).collect();
    assert!(new.is_empty(), "these fail and are not in {}: {new:#?}", path.display());
    assert!(cured.is_empty(), "these pass; take them out of {}: {cured:#?}", path.display());
}

/// Whether a case's expectation is known to be wrong; the list says why.
pub(crate) fn disputed(id: &str) -> bool {
    let list = include_str!("disputed.txt");
    list.lines().any(|line| line.split('\t').next() == Some(id))
}

/// The lines of a case file; none where the files are absent.
pub(crate) fn read(file: &str) -> Option<Vec<Json>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../../shared/conformance/kql/{file}.jsonl"));
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

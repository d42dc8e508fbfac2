//! Which texts are the language, beside the verdict of Microsoft's parser.

use std::collections::BTreeSet;
use std::time::Instant;

use bowline_kql::{Dialect, Span, parse};

use crate::cases::{Case, FILES, hold_against_list, read};

fn agrees(case: &Case) -> Result<(), String> {
    let expected = case.ms_parser["syntax_ok"].as_bool().unwrap();
    // A query for the default table is one only where there is a default table.
    let expected = expected || case.implicit_table;
    let dialect = Dialect { implicit_table: case.implicit_table };
    let (_, diagnostics) = parse(&case.query, dialect);
    match (expected, diagnostics.first()) {
        (true, Some(found)) => Err(found.report(&case.query).to_string()),
        (false, None) => Err(format!("accepted, but {}", case.ms_parser["errors"])),
        _ => Ok(()),
    }
}

#[test]
fn texts_are_the_language_or_not_as_microsofts_parser_says() {
    let mut seen = BTreeSet::new();
    let mut failing = BTreeSet::new();
    for file in FILES {
        let Some(cases) = read(file) else {
            println!(
                "skipped: texts_are_the_language_or_not_as_microsofts_parser_says: no conformance files"
            );
            return;
        };
        let started = Instant::now();
        let mut agreed = 0;
        for case in &cases {
            seen.insert(case.id.clone());
            match agrees(case) {
                Ok(()) => agreed += 1,
                Err(why) => {
                    println!("  {}: {why}", case.id);
                    failing.insert(case.id.clone());
                }
            }
        }
        let bytes: usize = cases.iter().map(|case| case.query.len()).sum();
        let (of, time) = (cases.len(), started.elapsed());
        let percent = 100.0 * f64::from(agreed) / of as f64;
        println!("parse {file}: {agreed} of {of} ({percent:.1} %), {bytes} bytes in {time:?}");
    }
    hold_against_list("parsing", &seen, &failing);
}

#[test]
fn management_commands_are_refused_by_name() {
    let Some(cases) = read("docs_management_commands") else {
        println!("skipped: management_commands_are_refused_by_name: no conformance files");
        return;
    };
    let mut refused = 0;
    for case in &cases {
        let (_, diagnostics) = parse(&case.query, Dialect::default());
        assert!(!diagnostics.is_empty(), "{} was accepted", case.id);
        refused += u32::from(diagnostics[0].message.contains("is a management command"));
    }
    println!("management commands refused by name: {refused} of {}", cases.len());
    assert!(refused as usize >= cases.len() - 1);
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    let check = |query: &str, expected: &str| {
        let (_, diagnostics) = parse(query, Dialect::default());
        let found: Vec<String> = diagnostics.iter().map(|found| found.report(query).to_string()).collect();
        assert_eq!(found.join("\n"), expected, "{query}");
    };
    check(
        "T | whre a == 1",
        "line 1, column 5: expected an operator, but found 'whre'; did you mean 'where'?",
    );
    check("T\n| where a ==", "line 2, column 13: expected an expression, but the query ends");
    check("T | where (a == 1", "line 1, column 18: expected ')', but the query ends");
    check("T | extend a = 'x", "line 1, column 16: this text has no closing quote");
    check(
        "T | project a, | summarize count( | take 5",
        "line 1, column 16: expected an expression, but found '|'\nline 1, column 35: expected an expression, but found '|'",
    );
    check("T | extend x = typeof(strin)", "line 1, column 23: 'strin' is no type; did you mean 'string'?");
    check(
        ".show tables",
        "line 1, column 1: '.show' is a management command; only queries are answered here, and what exists is changed through its resource",
    );
    check("T | where a == b == c", "line 1, column 18: expected '|' or ';', but found '=='");
    let (_, diagnostics) = parse("T | where ä ? 1", Dialect::default());
    assert_eq!(diagnostics[0].span, Span { start: 13, end: 14 });
}

#[test]
fn a_default_table_is_a_dialect() {
    for query in
        ["where a == 1 | count", "summarize count()", "project a, b", "count", "top 5 by a", "extend a = 1"]
    {
        let (_, found) = parse(query, Dialect { implicit_table: true });
        assert!(found.is_empty(), "{query}: {found:?}");
    }
    assert!(!parse("where a == 1", Dialect::default()).1.is_empty());
}

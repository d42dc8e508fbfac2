//! Whatever the text: no panic, no hang, bounded answers.

use std::time::{Duration, Instant};

use bowline_kql::{Dialect, LONGEST_QUERY, bind, parse};

use crate::binding::resource_graph;
use crate::cases::{FILES, read};

/// A small generator of numbers with a seed, so that a failure is found again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

const WORDS: &[&str] = &[
    "T",
    "|",
    "where",
    "summarize",
    "by",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "=",
    "==",
    "=~",
    "!in",
    "in",
    "between",
    "..",
    "and",
    "or",
    "not",
    "'x'",
    "\"y\"",
    "@'z'",
    "1",
    "2.5",
    "1d",
    "datetime(2020-01-01)",
    "dynamic(",
    "{\"a\":",
    "let",
    "x",
    "join",
    "on",
    "$left",
    ".",
    "*",
    "union",
    "range",
    "from",
    "to",
    "step",
    "print",
    "mv-expand",
    "mv-apply",
    "parse",
    "with",
    "typeof(",
    "long",
    "datatable(",
    "a:string",
    "make-series",
    "top-nested",
    "of",
    "search",
    "find",
    "evaluate",
    "-",
    "+",
    "!",
    "'",
    "\"",
    "//",
    "\n",
    "ä",
    "```",
    "#",
    "count()",
    "as",
    "kind=inner",
    "extend",
    "project-away",
    "render",
    "declare",
    "Resources",
    "properties",
    "name",
    "arg_max(",
    "percentiles(",
    "bag_unpack(",
    "pivot(",
    "toscalar(",
    "series_stats(",
    "array_sort_asc(",
    "iff(",
    "row_number()",
    "facet",
    "fork",
    "as X",
    "top-hitters",
    "partition",
    "serialize",
    "getschema",
    "distinct",
    "sample-distinct",
    "project-reorder",
    "lookup",
    "query_parameters",
];

/// Long enough for any machine that does something else as well; short enough for something that never ends.
const FOREVER: Duration = Duration::from_secs(60);

fn check(query: &str) {
    let started = Instant::now();
    let dialect = Dialect { implicit_table: query.len().is_multiple_of(2) };
    let (_, diagnostics) = parse(query, dialect);
    let more = bind(query, dialect, &resource_graph()).err().unwrap_or_default();
    assert!(diagnostics.len().max(more.len()) <= bowline_kql::diagnostic::MOST_DIAGNOSTICS);
    for diagnostic in diagnostics.iter().chain(&more) {
        diagnostic.report(query);
    }
    assert!(started.elapsed() < FOREVER, "{} bytes took {:?}", query.len(), started.elapsed());
}

#[test]
fn random_words_neither_panic_nor_hang() {
    let mut dice = Dice(0x5eed);
    for _ in 0..3_000 {
        let words: Vec<&str> = (0..dice.below(60)).map(|_| WORDS[dice.below(WORDS.len())]).collect();
        check(&words.join(if dice.below(2) == 0 { " " } else { "" }));
    }
}

#[test]
fn real_queries_with_a_wound_neither_panic_nor_hang() {
    let mut dice = Dice(0xbad5eed);
    for file in FILES {
        let Some(cases) = read(file) else {
            println!("skipped: real_queries_with_a_wound_neither_panic_nor_hang: no conformance files");
            return;
        };
        for case in cases {
            let characters: Vec<char> = case.query.chars().take(4000).collect();
            for _ in 0..2 {
                let mut wounded = characters.clone();
                for _ in 0..=dice.below(3) {
                    let at = dice.below(wounded.len());
                    match dice.below(4) {
                        0 => wounded.truncate(at),
                        1 if !wounded.is_empty() => drop(wounded.remove(at)),
                        2 => wounded.splice(at..at, WORDS[dice.below(WORDS.len())].chars()).for_each(drop),
                        _ => wounded.splice(at..(at + dice.below(20)).min(wounded.len()), []).for_each(drop),
                    }
                }
                check(&wounded.into_iter().collect::<String>());
            }
        }
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for (open, inside, close) in [
        ("(", "1", ")"),
        ("f(", "1", ")"),
        ("dynamic([", "1", "])"),
        ("[", "1", "]"),
        ("-", "1", ""),
        ("a.", "b", ""),
        ("a[0]", "", ""),
        ("1 + ", "1", ""),
        ("1 and ", "1", ""),
        ("(T | where ", "1", ")"),
        ("union (", "T", ")"),
        ("1 in (", "1", ")"),
        ("x = ", "1", ""),
        ("toscalar(print ", "1", ")"),
        ("T | mv-apply a on (", "take 1", ")"),
        ("let f = () { ", "1", " };"),
        ("{", "", "}"),
        ("| take 1 ", "", ""),
        ("T; ", "T", ""),
        ("'a' ", "'b'", ""),
    ] {
        for count in [10, 60, 300, 12_000] {
            let query = format!("print {}{inside}{}", open.repeat(count), close.repeat(count));
            check(&query);
            check(&query["print ".len()..]);
            check(&format!("print dynamic({}1", "[".repeat(count)));
        }
    }
    let (_, found) = parse(&"a".repeat(LONGEST_QUERY + 1), Dialect::default());
    assert!(found[0].message.contains("at most"));
    check(&"a ".repeat(LONGEST_QUERY / 2));
    // Many mistakes of one kind cost no more than the few that are told.
    check(&format!("T | extend {}", "a = nosuch(1), ".repeat(20_000)));
    check(&format!("Resources | extend {} b = 1", "a = nosuch(nme), ".repeat(20_000)));
    // Long but flat is no problem: a list that a program wrote.
    let terms: Vec<String> = (0..20_000).map(|n| format!("a == {n}")).collect();
    let (_, found) = parse(&format!("T | where {}", terms.join(" or ")), Dialect::default());
    assert!(found.is_empty());
}

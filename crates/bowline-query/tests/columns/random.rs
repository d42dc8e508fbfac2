//! Random queries over random tables.
//!
//! # Design notes
//! Where the language leaves an order or a choice open, the queries do not depend on it; real numbers are quarters, whose sums have no
//! rounding. The numbers come from a seed that is printed with what fails.

use std::fmt::Write as _;
use std::sync::Arc;

use bowline_kql::engine::Answer;
use bowline_kql::plan::Column;
use bowline_kql::value::SECOND;
use bowline_kql::{Type, Value};
use bowline_query::{Limits, Row};

use crate::tables::{Held, Tables, both};

const QUERIES: u64 = 600;

/// xorshift64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

const TEXTS: &[&str] = &["", "a", "A", "b", "ab", "web-01", "Web 01", "eu west", "ü", "prod"];
const BAGS: &[&str] = &[
    "null",
    "{}",
    r#"{"env":"prod","size":2}"#,
    r#"{"env":"Prod","size":"2","in":{"a":1,"b":[1,2]}}"#,
    r#"{"size":2,"env":"prod"}"#,
    r#"{"env":null,"in":{"a":"x\"y"}}"#,
    r#"{"env":["a"],"size":2.5,"in":{"a":true}}"#,
    "[1,2]",
    "\"text\"",
];

fn tables(dice: &mut Dice) -> Arc<Tables> {
    let column = |name: &str, ty: Type, coded: bool| (Column::new(name, ty), coded);
    let mut tables = Tables::default();
    for name in ["T", "U"] {
        let flip = name == "U";
        let columns = vec![
            column("id", Type::Long, false),
            column("a", Type::String, !flip),
            column("b", Type::String, flip),
            column("n", Type::Long, false),
            column("i", Type::Int, false),
            column("r", Type::Real, false),
            column("t", Type::Datetime, false),
            column("d", Type::Dynamic, !flip),
            column("e", Type::Dynamic, flip),
            column("f", Type::Bool, false),
        ];
        let count = dice.below(24);
        let rows = (0..count).map(|id| row(dice, i64::try_from(id).unwrap())).collect();
        let _ = tables.tables.insert(name.to_owned(), Held { columns, rows });
    }
    Arc::new(tables)
}

fn row(dice: &mut Dice, id: i64) -> Row {
    let mut small = |most: usize| i64::try_from(dice.below(most)).unwrap();
    let (n, i, r, t) = (small(9) - 3, small(5), small(7), small(90));
    let maybe = |dice: &mut Dice, value: Value| if dice.chance(5) { Value::Null(value.ty()) } else { value };
    let bag = |dice: &mut Dice| match dice.one(BAGS) {
        "null" => Value::Null(Type::Dynamic),
        bag => Value::Dynamic(bag.to_owned()),
    };
    vec![
        Value::Long(id),
        Value::String(dice.one(TEXTS).to_owned()),
        Value::String(dice.one(TEXTS).to_owned()),
        maybe(dice, Value::Long(n)),
        maybe(dice, Value::Int(i32::try_from(i).unwrap())),
        maybe(dice, Value::Real(r as f64 / 4.0)),
        maybe(dice, Value::Datetime(630_000_000_000_000_000 + t * 600 * SECOND)),
        bag(dice),
        bag(dice),
        if dice.chance(4) { Value::Null(Type::Bool) } else { Value::Bool(dice.chance(2)) },
    ]
}

fn text_expr(dice: &mut Dice) -> &'static str {
    dice.one(&[
        "a",
        "b",
        "a",
        "tolower(a)",
        "tostring(d.env)",
        "tostring(e.env)",
        "tostring(d)",
        "strcat(a, '-', b)",
        "tostring(e['in'].a)",
        "substring(b, 0, 2)",
        "iff(f, a, b)",
        "tostring(n)",
        "coalesce(a, b)",
    ])
}

fn number_expr(dice: &mut Dice) -> &'static str {
    dice.one(&[
        "n",
        "n",
        "id",
        "n + id",
        "n * 2 - 1",
        "n / 2",
        "n % 3",
        "tolong(i)",
        "strlen(b)",
        "tolong(d.size)",
        "tolong(e.size)",
        "-n",
        "iff(n > 1, n, id)",
        "array_length(e['in'].b)",
        "case(f, 1, a == 'b', 2, 3)",
    ])
}

fn condition(dice: &mut Dice, depth: usize) -> String {
    let (text, number) = (text_expr(dice), number_expr(dice));
    let other = dice.one(TEXTS);
    match dice.below(if depth == 0 { 16 } else { 20 }) {
        0 => format!("{text} == '{other}'"),
        1 => format!("{text} =~ '{other}'"),
        2 => format!("{text} != '{other}'"),
        3 => format!("{text} in~ ('{other}', 'prod')"),
        4 => format!("{text} !in ('{other}', 'b')"),
        5 => {
            let op =
                dice.one(&["has", "contains", "startswith", "endswith", "!contains", "contains_cs", "!has"]);
            format!("{text} {op} '{other}'")
        }
        6 => format!("{text} == {}", text_expr(dice)),
        7 => format!("{number} {} {}", dice.one(&["<", ">", "==", "!=", ">="]), dice.below(4)),
        8 => format!("{number} {} {}", dice.one(&["<", "==", "!="]), number_expr(dice)),
        9 => format!("n between (0 .. {})", dice.below(5)),
        10 => format!("r {} 0.75", dice.one(&["<", ">=", "==", "!="])),
        11 => dice
            .one(&["isnull(n)", "isnotnull(d.env)", "isempty(b)", "isnotempty(d.env)", "isnull(e)"])
            .to_owned(),
        12 => "f".to_owned(),
        13 => format!("t > datetime(1997-05-27) + {}m", dice.below(800)),
        14 => format!("d.env == '{other}'"),
        15 => format!("{} in (U | where n > 1 | project a)", dice.one(&["a", "b"])),
        16 => format!("not({})", condition(dice, depth - 1)),
        17 => format!("({} or {})", condition(dice, depth - 1), condition(dice, depth - 1)),
        _ => format!("({} and {})", condition(dice, depth - 1), condition(dice, depth - 1)),
    }
}

/// A query, whether its rows come in an order of their own, and what of the tables it may still be asked for.
fn query(dice: &mut Dice) -> (String, bool) {
    let mut text = "T".to_owned();
    for at in 0..dice.below(4) {
        let _ = match dice.below(7) {
            0..=2 => write!(text, " | where {}", condition(dice, 2)),
            3 => write!(text, " | extend x{at} = {}", number_expr(dice)),
            4 => write!(text, " | extend s{at} = {}, d = e", text_expr(dice)),
            5 => write!(
                text,
                " | join kind={} (U) on {}",
                dice.one(&["leftsemi", "leftanti"]),
                dice.one(&["a", "n", "i"])
            ),
            _ => write!(text, " | extend a = {}", text_expr(dice)),
        };
    }
    let key = |dice: &mut Dice| {
        dice.one(&[
            "a",
            "b",
            "n",
            "i",
            "f",
            "r",
            "k = tostring(d.env)",
            "k = bin(n, 2)",
            "k = bin(t, 1h)",
            "k = tolower(b)",
        ])
    };
    let pairs = ["a", "n", "i", "$left.a == $right.b", "$left.b == $right.b, n", "r"];
    let ordered = match dice.below(12) {
        0 => false,
        1 => write!(text, " | project id, s = {}, x = {}, d", text_expr(dice), number_expr(dice)).is_err(),
        2 => write!(text, " | count").is_err(),
        3 | 4 => {
            let (one, other) = (aggregate(dice, &text), aggregate(dice, &text));
            let _ = write!(text, " | summarize {one}, {other} by {}", key(dice));
            false
        }
        5 => {
            let (one, other) = (aggregate(dice, &text), aggregate(dice, &text));
            write!(text, " | summarize p = {one}, q = {other}").is_err()
        }
        6 => write!(text, " | distinct {}", dice.one(&["a", "a, b", "n, i", "d", "f, a", "r"])).is_err(),
        7 | 8 => {
            let by = dice.one(&[
                "a asc",
                "b desc",
                "n asc",
                "r desc nulls last",
                "t asc nulls first",
                "tolower(a) desc",
            ]);
            let take = if dice.chance(2) { format!(" | take {}", dice.below(9)) } else { String::new() };
            write!(text, " | sort by {by}, id asc{take} | project id, a, b, n").is_ok()
        }
        9 | 10 => {
            let kind = dice.one(&[
                "inner",
                "leftouter",
                "rightouter",
                "fullouter",
                "innerunique",
                "rightsemi",
                "rightanti",
            ]);
            let _ = write!(
                text,
                " | join kind={kind} (U | where {}) on {}",
                condition(dice, 1),
                dice.one(&pairs)
            );
            if dice.chance(2) {
                let _ = write!(text, " | summarize count(), max(b), sum(n) by a");
            }
            false
        }
        _ => {
            let _ = write!(text, " | union (U | where {} | extend a = b)", condition(dice, 1));
            if dice.chance(2) {
                let _ = write!(text, " | summarize count(), dcount(a) by n");
            }
            false
        }
    };
    (text, ordered)
}

/// An aggregate; behind a join one that takes rows in any order.
fn aggregate(dice: &mut Dice, before: &str) -> String {
    loop {
        let found = any_aggregate(dice);
        if !before.contains("join") || !(found.contains("make_") || found.contains("take_any")) {
            return found;
        }
    }
}

fn any_aggregate(dice: &mut Dice) -> String {
    let (text, number) = (text_expr(dice), number_expr(dice));
    match dice.below(15) {
        0 => "count()".to_owned(),
        1 => format!("countif({})", condition(dice, 1)),
        2 => format!("sum({number})"),
        3 => format!("sumif(n, {})", condition(dice, 1)),
        4 => format!("min({text})"),
        5 => format!("max({number})"),
        6 => "avg(r)".to_owned(),
        7 => format!("dcount({text})"),
        8 => format!("make_list({text})"),
        9 => format!("make_set({number})"),
        10 => format!("take_any({text})"),
        11 => format!("arg_max(id, {text})"),
        12 => "min(t), max(r), sum(r)".to_owned(),
        13 => "percentile(n, 50)".to_owned(),
        _ => format!("dcountif({number}, f)"),
    }
}

/// The rows of an answer as texts, in order where that counts.
fn shown(answers: &[Answer], ordered: bool) -> Vec<String> {
    let cell = |value: &Value| match value {
        Value::Dynamic(text) if text == "null" => "Null(Dynamic)".to_owned(),
        // JSON that differs in its order only is the same.
        Value::Dynamic(text) => serde_json::from_str::<serde_json::Value>(text).unwrap().to_string(),
        value => format!("{value:?}"),
    };
    let all = answers.iter().flat_map(|answer| answer.rows.iter());
    let mut rows: Vec<String> = all.map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect();
    if !ordered {
        rows.sort();
    }
    rows
}

#[test]
fn random_queries_give_the_same_over_rows_and_over_columns() {
    let (mut asked, mut full) = (0, 0);
    for seed in 1..=QUERIES {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let tables = tables(&mut dice);
        let (query, ordered) = query(&mut dice);
        let (rows, columns) = both(&tables, &query, &Limits::default());
        let Ok(rows) = rows else {
            panic!("seed {seed}: {query}\nfails over rows: {rows:?}");
        };
        let columns =
            columns.unwrap_or_else(|why| panic!("seed {seed}: {query}\nfails over columns: {why:?}"));
        let (rows, columns) = (shown(&rows, ordered), shown(&columns, ordered));
        assert_eq!(columns, rows, "seed {seed}: {query}");
        asked += usize::from(!tables.asked.lock().unwrap().is_empty());
        full += usize::from(!rows.is_empty());
    }
    assert!(asked > 550 && full > 200, "{asked} read columns, {full} gave rows");
}

//! No call of any function panics, whatever its arguments are: nulls, empty texts, the ends of the numbers, deep and broken texts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bowline_kql::engine::{Engine as _, Failure};
use bowline_kql::functions::{self, Class, Kind, Signature};
use bowline_kql::{Catalogue, Dialect, Type};
use bowline_query::{Interpreter, Limits, Moment, QueryError, Rows, Source};

struct Nothing;

impl Source for Nothing {
    fn rows(&self, table: &str) -> Result<Rows, QueryError> {
        Err(QueryError::Unsupported { what: table.to_owned() })
    }
}

const TEXTS: &[&str] = &[
    "''",
    "'a'",
    "'ü-ß€😀'",
    "'hour'",
    "'$.a[0]'",
    "'('",
    "'%zz%'",
    "'1.2.3.4/33'",
    "'::1'",
    "'{\"a\":[null]}'",
    "'yyyy-MM'",
    "'2024-02-29'",
    "'Europe/Paris'",
    "'UTC'",
    "'xn--a'",
    "'AAAA'",
    "strrep('[', 500)",
    "'<a><b/></a>'",
];
const LONGS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "7",
    "long(null)",
    "9223372036854775807",
    "(-9223372036854775807 - 1)",
    "64",
    "1000000",
];
const INTS: &[&str] = &["int(0)", "int(-1)", "int(2147483647)", "int(null)", "int(3)"];
const REALS: &[&str] = &[
    "0.0",
    "-0.5",
    "1.5",
    "1e308",
    "-1e308",
    "real(nan)",
    "real(+inf)",
    "real(-inf)",
    "real(null)",
    "1e-320",
];
const DATETIMES: &[&str] = &[
    "datetime(0001-01-01)",
    "datetime(9999-12-31 23:59:59.9999999)",
    "datetime(2024-02-29)",
    "datetime(null)",
    "datetime(2025-03-30 02:30)",
];
const TIMESPANS: &[&str] =
    &["0s", "1d", "-1tick", "timespan(null)", "10675199.02:48:05", "-10675199.02:48:05"];
const DYNAMICS: &[&str] = &[
    "dynamic(null)",
    "dynamic([])",
    "dynamic({})",
    "dynamic([1,null,'a',2.5,[1],{'a':1}])",
    "dynamic('a')",
    "dynamic(-1)",
    "dynamic([3,1,2])",
    "dynamic(['b','a','b'])",
    "dynamic({'a':{'b':[1,2]},'c':null})",
    "dynamic([9223372036854775807,-1e308])",
    "dynamic([true,false,null])",
];

fn pool(class: Class) -> Vec<&'static str> {
    match class {
        Class::Exactly(Type::String) | Class::AsText => TEXTS.to_vec(),
        Class::Exactly(Type::Long) => LONGS.to_vec(),
        Class::Exactly(Type::Int) => INTS.to_vec(),
        Class::Exactly(Type::Real) => REALS.to_vec(),
        Class::Exactly(Type::Decimal) => {
            vec!["decimal(1.5)", "decimal(null)", "decimal(-99999999999999999999)"]
        }
        Class::Exactly(Type::Datetime) => DATETIMES.to_vec(),
        Class::Exactly(Type::Timespan) => TIMESPANS.to_vec(),
        Class::Exactly(Type::Bool) => vec!["true", "false", "bool(null)"],
        Class::Exactly(Type::Guid) => vec!["guid(null)", "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)"],
        Class::Exactly(Type::Dynamic) => DYNAMICS.to_vec(),
        Class::Number => [LONGS, INTS, REALS].concat(),
        Class::Summable => [LONGS, REALS, DATETIMES, TIMESPANS].concat(),
        Class::Orderable => [TEXTS, LONGS, REALS, DATETIMES, TIMESPANS].concat(),
        Class::Any | Class::Common => [TEXTS, LONGS, REALS, DATETIMES, TIMESPANS, DYNAMICS].concat(),
        Class::TypeName => vec!["typeof(long)", "typeof(string)", "typeof(datetime)", "typeof(dynamic)"],
        Class::Table => vec!["(print a=1)"],
    }
}

/// Arguments of a round; each is another one in each round, and they do not turn together.
fn arguments(signature: &Signature, round: usize) -> String {
    let (least, most) = signature.arity();
    let count = least + round % (most.unwrap_or(least + 3) - least + 1);
    let pick = |at: usize| {
        let pool = pool(signature.parameter(at, count).class);
        pool[(round * (2 * at + 1) + at * 5 + round / 7) % pool.len()]
    };
    (0..count).map(pick).collect::<Vec<_>>().join(", ")
}

fn ends(query: &str) -> bool {
    let limits = Limits { rows: 100_000, value_bytes: 1 << 20, ..Limits::default() };
    let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
    let run = || {
        let _ =
            Interpreter.answer(query, Dialect::default(), &Catalogue::default(), &Nothing, moment, &limits);
    };
    catch_unwind(AssertUnwindSafe(run)).is_ok()
}

#[test]
fn no_call_panics() {
    let mut panicked = Vec::new();
    for function in functions::all() {
        for signature in function.signatures() {
            for round in 0..24 {
                let call = format!("{}({})", function.name, arguments(signature, round));
                let query = match function.kind {
                    Kind::Scalar => format!("print x = {call}"),
                    Kind::Aggregate => format!("range i from 1 to 3 step 1 | summarize x = {call}"),
                    Kind::Window => format!("range i from 1 to 3 step 1 | serialize | extend x = {call}"),
                };
                if !ends(&query) {
                    panicked.push(query);
                }
            }
        }
    }
    assert!(panicked.is_empty(), "these end in a panic: {panicked:#?}");
}

#[test]
fn no_arithmetic_panics() {
    let mut panicked = Vec::new();
    let all = [LONGS, INTS, REALS, DATETIMES, TIMESPANS].concat();
    for left in &all {
        for right in &all {
            for op in ["+", "-", "*", "/", "%", "==", "<"] {
                let query = format!("print x = {left} {op} {right}, y = -{right}");
                if !ends(&query) {
                    panicked.push(query);
                }
            }
        }
    }
    assert!(panicked.is_empty(), "these end in a panic: {panicked:#?}");
}

#[test]
fn what_would_grow_without_end_is_refused() {
    let limits = Limits { rows: 10_000, value_bytes: 1 << 16, ..Limits::default() };
    let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
    for query in [
        "print strrep('0123456789', 1024) | extend b = strrep(print_0, 1024)",
        "print repeat('0123456789', 1000000)",
        "print range(1, 9223372036854775807)",
        "range x from 1 to 100000 step 1",
        "print a = range(1, 1000) | mv-expand a | extend b = range(1, 1000) | mv-expand b",
        "print a = strcat_array(repeat('0123456789', 6000), '01234567890123456789')",
        "print replace_string(strrep('a', 1000), 'a', strrep('b', 1000))",
        "print replace_regex(strrep('a', 1000), 'a', strrep('b', 1000))",
    ] {
        let found =
            Interpreter.answer(query, Dialect::default(), &Catalogue::default(), &Nothing, moment, &limits);
        let refused = matches!(found, Err(Failure::Run(QueryError::TooLarge { .. })));
        assert!(refused, "{query}");
    }
}

//! Parser, binder and engine on texts that nobody would write: none panics, none hangs. The texts are made from a kept corpus, each by a
//! number, so that a finding is found again; see its README for what to do with one. In CI each target has a minute, else a few seconds.

#![allow(clippy::disallowed_methods, reason = "tests read files, the environment and the clock")]
#![allow(clippy::unwrap_used, reason = "a corpus that cannot be read is a failed test")]

mod made;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bowline_kql::engine::Engine as _;
use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value, bind, parse};
use bowline_query::{Interpreter, Limits, Moment, QueryError, Rows, Source};

use made::Corpus;

/// How long one text may take, on a slow machine that does other things too.
const LONGEST: Duration = Duration::from_secs(30);
/// When a query is told that nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

fn corpus() -> Corpus {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bowline-kql/tests/corpus");
    let mut texts = Vec::new();
    for file in ["operators.kql", "expressions.kql", "found.kql"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        texts.extend(text.split("\n\n").map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()));
    }
    assert!(texts.len() > 30, "only {} texts", texts.len());
    Corpus::new(texts)
}

/// Runs a target on every text of the corpus, then on made ones until the time is over.
fn fuzz(name: &str, target: impl Fn(&str, &Arc<AtomicBool>)) {
    let corpus = corpus();
    let begun = Instant::now();
    let time = Duration::from_secs(if std::env::var_os("CI").is_some() { 60 } else { 4 });
    let first: u64 = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let watch = Watch::start(name);
    let mut found = Vec::new();
    let mut tried = 0;
    let mut try_text = |text: &str, what: &str| {
        let ended = watch.begin(text, what);
        let clock = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| target(text, &ended))).is_err() {
            found.push(format!("{what} panics:\n{text}"));
        }
        if clock.elapsed() > LONGEST {
            found.push(format!("{what} takes {:?}:\n{text}", clock.elapsed()));
        }
        found.len() < 5
    };
    let mut goes_on = true;
    for text in &corpus.texts {
        goes_on &= try_text(text, "a text of the corpus");
    }
    while goes_on && begun.elapsed() < time {
        let seed = first.wrapping_add(tried);
        goes_on = try_text(&corpus.made(seed), &format!("seed {seed}"));
        tried += 1;
    }
    drop(watch);
    println!("fuzz {name}: {tried} made texts");
    assert!(found.is_empty(), "{name}: {}", found.join("\n\n"));
    assert!(tried > 10, "{name}: only {tried} texts in {time:?}");
}

/// Since when, with which text, and what ends it.
type Begun = (Instant, String, Arc<AtomicBool>);

/// Tells a query when to end, and ends the test with the text at hand when that does not help.
struct Watch {
    at: Arc<Mutex<Option<Begun>>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    fn start(name: &str) -> Watch {
        let watch = Watch { at: Arc::default(), over: Arc::default() };
        let (at, over, name) = (Arc::clone(&watch.at), Arc::clone(&watch.over), name.to_owned());
        drop(std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                let at = at.lock().unwrap();
                let Some((begun, text, ended)) = &*at else { continue };
                if begun.elapsed() > PATIENCE {
                    ended.store(true, Ordering::Relaxed);
                }
                if begun.elapsed() > LONGEST * 2 {
                    eprintln!("{name}: this never ends: {text}");
                    std::process::abort();
                }
            }
        }));
        watch
    }

    fn begin(&self, text: &str, what: &str) -> Arc<AtomicBool> {
        let ended = Arc::new(AtomicBool::new(false));
        *self.at.lock().unwrap() = Some((Instant::now(), format!("{what}\n{text}"), Arc::clone(&ended)));
        ended
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

const COLUMNS: &[(&str, Type)] = &[
    ("id", Type::Guid),
    ("name", Type::String),
    ("kind", Type::String),
    ("address", Type::String),
    ("alive", Type::Bool),
    ("cores", Type::Long),
    ("slots", Type::Int),
    ("memory", Type::Real),
    ("price", Type::Decimal),
    ("seen", Type::Datetime),
    ("uptime", Type::Timespan),
    ("tags", Type::Dynamic),
    ("parts", Type::Dynamic),
];

fn catalogue() -> Catalogue {
    let columns = COLUMNS.iter().map(|(name, ty)| Column::new(*name, *ty)).collect();
    Catalogue {
        tables: vec![Table { name: "Machines".to_owned(), schema: Schema::new(columns) }],
        default_table: Some("Machines".to_owned()),
        ignore_case: true,
        ..Catalogue::default()
    }
}

struct Machines;

impl Source for Machines {
    fn rows(&self, _: &str) -> Result<Rows, QueryError> {
        let day = 864_000_000_000;
        let row = |number: i64| {
            let null = number % 5 == 4;
            COLUMNS
                .iter()
                .map(|(name, ty)| match ty {
                    ty if null && *name != "name" => Value::null(*ty),
                    Type::Bool => Value::Bool(number % 2 == 0),
                    Type::Int => Value::Int(i32::try_from(number).unwrap() - 3),
                    Type::Long => Value::Long(number * number),
                    Type::Real => Value::Real(number as f64 / 3.0),
                    Type::Decimal => Value::Decimal(format!("{number}.25")),
                    Type::Datetime => Value::Datetime(639_028_224_000_000_000 + number * day / 2),
                    Type::Timespan => Value::Timespan(number * day - day),
                    Type::Guid => Value::Guid(u128::try_from(number).unwrap()),
                    Type::String if *name == "address" => Value::String(format!("10.{number}.0.1")),
                    Type::String if *name == "kind" => {
                        Value::String(["vm", "arc"][number as usize % 2].to_owned())
                    }
                    Type::String => Value::String(format!("web-{number}-ä")),
                    Type::Dynamic if *name == "tags" => Value::Dynamic(format!(
                        r#"{{"env":"e{}","N":{number},"deep":{{"a":[1,null]}}}}"#,
                        number % 2
                    )),
                    Type::Dynamic => Value::Dynamic(format!(r#"[{number},"x",{{"a":{number}}},null]"#)),
                })
                .collect()
        };
        Ok(Arc::new((0..12).map(row).collect()))
    }
}

#[test]
fn the_parser_ends_with_a_tree_or_a_reason() {
    fuzz("parser", |text, _| {
        let (_, found) = parse(text, Dialect { implicit_table: text.len() % 2 == 0 });
        for diagnostic in &found {
            // The place that is named is in the text.
            let _ = diagnostic.report(text).to_string();
        }
    });
}

#[test]
fn the_binder_ends_with_a_plan_or_a_reason() {
    let catalogue = catalogue();
    fuzz("binder", |text, _| match bind(text, Dialect { implicit_table: true }, &catalogue) {
        Ok(query) => drop(query.explain()),
        Err(found) => assert!(!found.is_empty(), "refused without a reason"),
    });
}

#[test]
fn the_engine_ends_with_rows_or_a_reason() {
    let catalogue = catalogue();
    fuzz("engine", |text, ended| {
        let limits = Limits {
            rows: 20_000,
            value_bytes: 1 << 20,
            bytes: 256 << 20,
            ended: Arc::clone(ended),
            ..Limits::default()
        };
        let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
        let dialect = Dialect { implicit_table: true };
        if let Ok(tables) = Interpreter.answer(text, dialect, &catalogue, &Machines, moment, &limits) {
            for table in tables {
                let width = table.schema.len();
                assert!(
                    table.rows.iter().all(|row| row.len() == width),
                    "a row that is not as wide as its table"
                );
            }
        }
    });
}

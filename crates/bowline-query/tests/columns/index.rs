//! The index as the table of columns: its rows, interpreted, and its columns give the same.

use std::sync::Arc;

use bowline_kql::engine::{Answer, Engine};
use bowline_kql::plan::{Column, Schema};
use bowline_kql::tables::{Change, Entry, Held, Layout, Mask, Place, Reach, Tables as _};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use bowline_query::batches::{Batches, OneOf, Scan, Wanted};
use bowline_query::{Columnar, Index, Interpreter, Limits, Moment};
use datafusion::arrow::util::display::array_value_to_string;
use serde_json::json;

/// More than one chunk, and open rows behind them.
const ROWS: i64 = 10_500;

/// Sees all but what lies in one place.
struct Most;

impl Mask for Most {
    fn reach(&self, place: &Place) -> Reach {
        if &*place.scope == "/hidden" { Reach::Nothing } else { Reach::All }
    }

    fn shows(&self, _: &Place, _: &str) -> bool {
        false
    }
}

fn layout() -> Layout {
    let path = vec!["state".to_owned()];
    let columns = [
        ("id", Type::String, Held::Id),
        ("name", Type::String, Held::Text),
        ("kind", Type::String, Held::Few),
        ("tags", Type::Dynamic, Held::Few),
        ("amount", Type::Long, Held::Number),
        ("properties", Type::Dynamic, Held::Document),
        ("state", Type::Dynamic, Held::Alias { column: 5, path: path.clone() }),
    ];
    let schema = Schema::new(columns.iter().map(|(name, ty, _)| Column::new(*name, *ty)).collect());
    let table = Table { name: "Resources".to_owned(), schema };
    let held = columns.into_iter().map(|(_, _, held)| held).collect();
    Layout { table, held, hot: vec![(5, path)], keyed: Some(0) }
}

fn put(at: i64) -> Change {
    let text = |text: String| Value::String(text);
    let properties = json!({
        "state": (at % 3 != 0).then(|| ["Up", "Down"][usize::from(at % 2 == 0)]),
        "size": at % 7,
        "in": {"a": format!("x{}", at % 11), "list": [at % 5, "y"]},
    });
    let tags = match at % 4 {
        0 => Value::Null(Type::Dynamic),
        rest => Value::Dynamic(json!({"env": format!("e{rest}")}).to_string()),
    };
    let values = vec![
        text(format!("/subscriptions/s/resourceGroups/g{}/r{at}", at % 20)),
        text(format!("r{at}")),
        text(["vm", "Arc", "site"][usize::try_from(at % 3).unwrap()].to_owned()),
        tags,
        if at % 9 == 0 { Value::Null(Type::Long) } else { Value::Long(at) },
        Value::Dynamic(properties.to_string()),
        Value::Null(Type::Dynamic),
    ];
    let scope = if at % 10 == 3 { "/hidden" } else { "/seen" };
    let place = Place { owner: 0, class: "resource".into(), scope: scope.into() };
    let key = format!("/subscriptions/s/resourcegroups/g{}/r{at}", at % 20);
    Change::Put(Box::new(Entry { table: 0, key, place, values }))
}

#[test]
fn the_index_gives_the_same_by_rows_and_by_columns() {
    let index = Index::new(vec![layout()], usize::MAX, None);
    for at in (0..ROWS).step_by(500) {
        index.apply((at..at + 500).map(put).collect());
    }
    index.apply((0..900).map(put).collect());
    let catalogue = Catalogue { tables: vec![layout().table], ..Catalogue::default() };
    for query in [
        "Resources | count",
        "Resources | where kind =~ 'ARC' and properties.state == 'Up' | summarize n = count() by tostring(properties['in'].a)",
        "Resources | where state == 'Down' | summarize sum(amount), dcount(name), max(id) by kind, tostring(tags.env)",
        "Resources | where id =~ '/subscriptions/s/resourceGroups/G5/r105' | project name, kind, tags, state, properties",
        "Resources | where isnull(tags) and name contains '99' | top 7 by amount desc | project id, amount, state",
        "Resources | extend size = toint(properties.size) | where size in (1, 2) | summarize avg(todouble(size)), make_set(size) by kind",
        "Resources | where name startswith 'r100' | mv-expand one = properties['in'].list | summarize count() by tostring(one)",
        "Resources | where kind == 'vm' | project name, a = tostring(properties['in'].a) | join kind=leftouter (Resources | where name in ('r1', 'r3', 'r9') | project a = tostring(properties['in'].a), other = name) on a | summarize count() by other",
        "Resources | distinct kind, tostring(state)",
        "Resources | where amount < 0",
    ] {
        let ask = |engine: &dyn Engine| {
            let view = index.view(Box::new(Most));
            let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
            let asked =
                engine.answer(query, Dialect::default(), &catalogue, &*view, moment, &Limits::default());
            shown(&asked.unwrap_or_else(|why| panic!("{query}: {why:?}")))
        };
        // A second time members that were asked for are held apart.
        assert_eq!(ask(&Columnar::default()), ask(&Interpreter), "{query}");
        assert_eq!(ask(&Columnar::default()), ask(&Interpreter), "{query}, asked again");
    }
}

/// What a query is given, and with it what it does, depends on what its caller may see alone: the same rows in the same order, with as many others
/// beside them as there may be. No clock is held against it, as it would be of the machine.
#[test]
fn rows_that_are_not_seen_are_not_handed_to_the_engine() {
    let rows = |others: i64| {
        let index = Index::new(vec![layout()], usize::MAX, None);
        for at in (0..4000).filter(|at| at % 10 != 3) {
            let mut changes = vec![put(at)];
            // They lie between those that are seen, and their texts and paths are others.
            for other in 0..others {
                let Change::Put(mut entry) = put((at * others + other) * 10 + 3) else { unreachable!() };
                entry.values[2] = Value::String(format!("kind{other}"));
                entry.values[5] = Value::Dynamic(json!({"state": "Lost", "of": other}).to_string());
                changes.push(Change::Put(entry));
            }
            index.apply(changes);
        }
        let view = index.view(Box::new(Most));
        let batches = view.own().unwrap().downcast_ref::<Arc<dyn Batches>>().unwrap();
        let wanted = |column| Wanted { column, path: Vec::new() };
        let all =
            Scan { table: "Resources".to_owned(), wanted: (0..7).map(wanted).collect(), only: Vec::new() };
        let of_kind = |kind: &str| Scan {
            only: vec![OneOf { column: 2, texts: vec![kind.to_owned()], ignore_case: true }],
            ..all.clone()
        };
        let mut handed = Vec::new();
        for scan in [of_kind("ARC"), of_kind("kind1"), all.clone()] {
            let found: Vec<_> = batches.scan(&scan).unwrap().map(Result::unwrap).collect();
            let columns = (0..7).map(|column| {
                let cells = found.iter().flat_map(|batch| {
                    let column = batch.column(column);
                    (0..batch.num_rows()).map(move |row| array_value_to_string(column, row).unwrap())
                });
                cells.collect::<Vec<String>>()
            });
            handed.push(columns.collect::<Vec<_>>());
        }
        handed
    };
    let alone = rows(0);
    assert_eq!((alone[0][0].len(), alone[1][0].len(), alone[2][0].len()), (1200, 0, 3600));
    for others in [1, 3] {
        assert!(rows(others) == alone, "{others} others beside each row");
    }
}

fn shown(answers: &[Answer]) -> Vec<String> {
    let cell = |value: &Value| match value {
        Value::Dynamic(text) => serde_json::from_str::<serde_json::Value>(text).unwrap().to_string(),
        value => format!("{value:?}"),
    };
    let rows = answers.iter().flat_map(|answer| answer.rows.iter());
    let mut rows: Vec<String> = rows.map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect();
    rows.sort();
    rows
}

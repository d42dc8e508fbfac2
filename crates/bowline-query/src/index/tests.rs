//! The index against the plainest thing that it could be: a map from keys to rows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bowline_kql::engine::Row;
use bowline_kql::plan::{Column, Schema};
use bowline_kql::tables::{Change, Entry, Held, Layout, Mask, Place, Reach, Tables};
use bowline_kql::{Table, Type, Value};

use super::Index;
use super::chunk::ROWS;
use crate::batches::{Batches, OneOf, Scan, Wanted};

const COLUMNS: [(&str, Type, Held); 6] = [
    ("id", Type::String, Held::Id),
    ("name", Type::String, Held::Text),
    ("type", Type::String, Held::Few),
    ("tags", Type::Dynamic, Held::Few),
    ("size", Type::Long, Held::Number),
    ("properties", Type::Dynamic, Held::Document),
];

fn layout() -> Layout {
    let mut columns: Vec<Column> = COLUMNS.iter().map(|(name, ty, _)| Column::new(*name, *ty)).collect();
    columns.push(Column::new("state", Type::Dynamic));
    let mut held: Vec<Held> = COLUMNS.iter().map(|(_, _, held)| held.clone()).collect();
    held.push(Held::Alias { column: 5, path: vec!["state".to_owned()] });
    Layout {
        table: Table { name: "Things".to_owned(), schema: Schema::new(columns) },
        held,
        hot: vec![(5, vec!["hot".to_owned()])],
        keyed: Some(0),
    }
}

fn row(n: usize, version: usize) -> Row {
    let dynamic = |text: String| Value::Dynamic(text);
    vec![
        Value::String(format!("/groups/G{}/things/t{n}", n % 7)),
        Value::String(format!("t{n}")),
        Value::String(["a", "b", "c"][n % 3].to_owned()),
        if n.is_multiple_of(5) {
            Value::Null(Type::Dynamic)
        } else {
            dynamic(format!("{{\"n\":\"{}\"}}", n % 11))
        },
        if n.is_multiple_of(13) { Value::Null(Type::Long) } else { Value::Long(n as i64) },
        dynamic(format!("{{\"state\":\"s{}\",\"hot\":{version},\"deep\":{{\"x\":[{n}]}}}}", n % 4)),
        dynamic(format!("\"s{}\"", n % 4)),
    ]
}

fn put(n: usize, version: usize) -> Change {
    let place =
        Place { owner: (n % 2) as u128, class: "things".into(), scope: format!("/groups/g{}", n % 7).into() };
    let values = row(n, version);
    Change::Put(Box::new(Entry { table: 0, key: format!("/groups/g{}/things/t{n}", n % 7), place, values }))
}

fn key(n: usize) -> String {
    format!("/groups/g{}/things/t{n}", n % 7)
}

/// Sees these groups; of group 3 only what ends with 0.
struct Groups(Vec<usize>);

impl Mask for Groups {
    fn reach(&self, place: &Place) -> Reach {
        let group: usize = place.scope.trim_start_matches("/groups/g").parse().unwrap();
        match self.0.contains(&group) {
            true if group == 3 => Reach::Some,
            true => Reach::All,
            false => Reach::Nothing,
        }
    }

    fn shows(&self, _: &Place, key: &str) -> bool {
        key.ends_with('0')
    }
}

fn shown(groups: &[usize], n: usize) -> bool {
    groups.contains(&(n % 7)) && (n % 7 != 3 || n.is_multiple_of(10))
}

fn sorted(mut rows: Vec<Row>) -> Vec<String> {
    rows.sort_by_key(|row| format!("{:?}", row[1]));
    rows.iter().map(|row| format!("{row:?}")).collect()
}

fn agrees(index: &Index, model: &BTreeMap<usize, usize>, groups: &[usize]) {
    let view = index.view(Box::new(Groups(groups.to_vec())));
    let got = view.rows("things").unwrap().to_vec();
    let wanted =
        model.iter().filter(|(n, _)| shown(groups, **n)).map(|(n, version)| row(*n, *version)).collect();
    assert_eq!(sorted(got), sorted(wanted));
}

#[test]
fn it_holds_what_a_map_would_hold_through_changes_seals_and_compactions() {
    let index = Index::new(vec![layout()], usize::MAX, None);
    let mut model = BTreeMap::new();
    let all: Vec<usize> = (0..7).collect();
    let mut dice = 7_u64;
    let mut roll = |most: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % most
    };
    for version in 0..12 {
        let mut changes = Vec::new();
        for _ in 0..ROWS / 2 {
            let n = roll(3 * ROWS);
            if roll(4) == 0 {
                changes.push(Change::Remove { table: 0, key: key(n) });
                model.remove(&n);
            } else {
                changes.push(put(n, version));
                model.insert(n, version);
            }
        }
        index.apply(changes);
        if version % 3 == 2 {
            index.rest();
        }
        assert_eq!(index.figures()[0].1.rows, model.len());
    }
    agrees(&index, &model, &all);
    agrees(&index, &model, &[1, 3]);
    agrees(&index, &model, &[]);
    // Of one source most rows go.
    let stay: HashSet<String> = model.keys().filter(|n| *n % 10 == 1).map(|n| key(*n)).collect();
    index.apply(vec![Change::Keep { table: 0, owner: 1, keys: stay }]);
    model.retain(|n, _| n % 2 == 0 || n % 10 == 1);
    for _ in 0..10 {
        index.apply(Vec::new());
    }
    agrees(&index, &model, &all);
    agrees(&index, &model, &[3]);
    index.apply(vec![Change::Clear, put(1, 1)]);
    agrees(&index, &BTreeMap::from([(1, 1)]), &all);
}

/// The cells of a scan, as text.
fn scanned(index: &Index, groups: &[usize], scan: &Scan) -> Vec<Vec<String>> {
    let view = super::view::View::new(&index.shared, Box::new(Groups(groups.to_vec())));
    let types = view.types(scan).unwrap();
    let mut rows = Vec::new();
    for batch in view.scan(scan).unwrap() {
        let batch = batch.unwrap();
        for (column, ty) in batch.columns().iter().zip(&types) {
            assert_eq!(column.data_type(), ty);
        }
        for row in 0..batch.num_rows() {
            let cell = |column| crate::arrays::Cells::of(column, Type::Dynamic).unwrap().value(row);
            rows.push(batch.columns().iter().map(|column| format!("{:?}", cell(column))).collect());
        }
    }
    rows
}

fn wanted(column: usize, path: &[&str]) -> Wanted {
    Wanted { column, path: path.iter().map(|key| (*key).to_owned()).collect() }
}

#[test]
fn a_scan_gives_the_paths_that_are_asked_for_and_skips_what_is_of_no_use() {
    let index = Index::new(vec![layout()], usize::MAX, None);
    // Two sealed chunks and some open rows.
    index.apply((0..2 * ROWS + 50).map(|n| put(n, 1)).collect());
    let scan = Scan {
        table: "Things".to_owned(),
        wanted: vec![
            wanted(0, &[]),
            wanted(5, &["DEEP", "x"]),
            wanted(3, &["n"]),
            wanted(6, &[]),
            wanted(5, &["hot"]),
        ],
        only: Vec::new(),
    };
    // Also once the paths are held apart.
    for _ in 0..4 {
        let rows = scanned(&index, &[2], &scan);
        assert_eq!(rows.len(), (0..2 * ROWS + 50).filter(|n| n % 7 == 2).count());
        for row in rows {
            let n: usize = row[1].trim_start_matches("Dynamic(\"[").trim_end_matches("]\")").parse().unwrap();
            assert_eq!(row[0], format!("Dynamic(\"/groups/G2/things/t{n}\")"));
            let tag = if n.is_multiple_of(5) {
                "Null(Dynamic)".to_owned()
            } else {
                format!("Dynamic(\"\\\"{}\\\"\")", n % 11)
            };
            assert_eq!(
                (&row[2], row[3].as_str(), row[4].as_str()),
                (&tag, format!("Dynamic(\"\\\"s{}\\\"\")", n % 4).as_str(), "Dynamic(\"1\")")
            );
        }
    }
    let only = |column, text: &str| vec![OneOf { column, texts: vec![text.to_owned()], ignore_case: true }];
    let of_type = Scan { only: only(2, "B"), ..scan.clone() };
    let rows = scanned(&index, &[2], &of_type).len();
    let (fit, all) = ((0..2 * ROWS).filter(|n| n % 7 == 2 && n % 3 == 1).count(), 50);
    assert!((fit..=fit + all).contains(&rows), "{rows} of {fit}");
    let one = Scan { only: only(0, "/GROUPS/g2/things/t9"), ..scan.clone() };
    assert_eq!(scanned(&index, &[2], &one).len(), 1);
    let mut twice = one.clone();
    twice.only[0].texts.push("/groups/g2/things/T9".to_owned());
    assert_eq!(scanned(&index, &[2], &twice).len(), 1, "one row, however often it is named");
    assert_eq!(scanned(&index, &[1], &one).len(), 0, "another's row");
    let nothing = Scan { only: only(0, "/groups/g2/things/none"), ..scan };
    assert_eq!(scanned(&index, &[2], &nothing).len(), 0);
}

#[test]
fn in_quiet_times_few_rows_are_packed_and_packed_again_with_what_comes() {
    let index = Index::new(vec![layout()], usize::MAX, None);
    let (mut model, all) = (BTreeMap::new(), (0..7).collect::<Vec<_>>());
    for n in 0..30 {
        let some = n * 300..(n + 1) * 300;
        model.extend(some.clone().map(|n| (n, 1)));
        index.apply(some.map(|n| put(n, 1)).collect());
        let open = index.figures()[0].1.bytes;
        index.rest();
        assert!(index.figures()[0].1.bytes < open);
        let (chunks, open) = index.shared.tables.read().unwrap()[0].snapshot();
        let small = chunks.iter().filter(|sealed| sealed.chunk.len() < ROWS / 2).count();
        assert!(open.is_empty() && small <= 1, "{small} small chunks, {} open rows", open.len());
    }
    agrees(&index, &model, &all);
    // A handful is not worth it.
    index.apply((0..9).map(|n| put(n, 2)).collect());
    index.rest();
    assert_eq!(index.shared.tables.read().unwrap()[0].snapshot().1.len(), 9);
    model.extend((0..9).map(|n| (n, 2)));
    agrees(&index, &model, &all);
}

#[test]
fn a_reader_is_not_disturbed_and_beyond_the_bound_documents_are_read_from_disk() {
    let file = tempfile::tempfile().unwrap();
    let index = Index::new(vec![layout()], 10_000, Some(file));
    index.apply((0..3 * ROWS).map(|n| put(n, 1)).collect());
    let figures = index.figures()[0].1;
    assert!(figures.spilled > 100_000, "{figures:?}");
    let before: BTreeMap<usize, usize> = (0..3 * ROWS).map(|n| (n, 1)).collect();
    let view = index.view(Box::new(Groups((0..7).collect())));
    index.apply((0..3 * ROWS).map(|n| put(n, 2)).collect());
    let all = before.iter().filter(|(n, _)| shown(&[0, 1, 2, 3, 4, 5, 6], **n));
    let wanted = all.map(|(n, version)| row(*n, *version)).collect();
    assert_eq!(sorted(view.rows("Things").unwrap().to_vec()), sorted(wanted));
    drop(view);
    let after = before.keys().map(|n| (*n, 2)).collect();
    agrees(&index, &after, &[0, 1, 2, 3, 4, 5, 6]);
    let _ = Arc::new(index);
}

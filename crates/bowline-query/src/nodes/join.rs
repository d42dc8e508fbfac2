//! Joins by equal keys, with a hash table of the right side.

use std::collections::{HashMap, HashSet};

use bowline_kql::plan::{Expr, JoinKind, Plan};

use crate::compare::{Key, is_null, key};
use crate::error::QueryError;
use crate::run::{Row, Run, null};

pub(crate) fn join(
    run: &Run<'_>,
    left: &Plan,
    right: &Plan,
    kind: JoinKind,
    on: &[(Expr, Expr)],
) -> Result<Vec<Row>, QueryError> {
    let (left_rows, right_rows) = (run.rows(left)?, run.rows(right)?);
    let left_keys = keys(run, on.iter().map(|(left, _)| left), &left_rows)?;
    let right_keys = keys(run, on.iter().map(|(_, right)| right), &right_rows)?;
    match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => {
            return those(run, &left_rows, &left_keys, &right_keys, kind == JoinKind::LeftSemi);
        }
        JoinKind::RightSemi | JoinKind::RightAnti => {
            return those(run, &right_rows, &right_keys, &left_keys, kind == JoinKind::RightSemi);
        }
        _ => {}
    }
    let mut by_key: HashMap<&[Key], Vec<usize>> = HashMap::new();
    for (at, key) in right_keys.iter().enumerate() {
        run.tick()?;
        if let Some(key) = key {
            by_key.entry(key).or_default().push(at);
        }
    }
    let nulls = |plan: &Plan| plan.schema.columns.iter().map(|column| null(column.ty)).collect::<Row>();
    let (no_left, no_right) = (nulls(left), nulls(right));
    let mut matched = vec![false; right_rows.len()];
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for (row, key) in left_rows.iter().zip(&left_keys) {
        if kind == JoinKind::InnerUnique && !key.as_deref().is_some_and(|key| seen.insert(key)) {
            continue;
        }
        let found = key.as_deref().and_then(|key| by_key.get(key));
        for at in found.into_iter().flatten() {
            matched[*at] = true;
            rows.push([row.as_slice(), right_rows[*at].as_slice()].concat());
            run.room(rows.len())?;
        }
        if found.is_none() && matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter) {
            rows.push([row.as_slice(), no_right.as_slice()].concat());
        }
        run.room(rows.len())?;
    }
    if matches!(kind, JoinKind::RightOuter | JoinKind::FullOuter) {
        let alone = right_rows.iter().zip(&matched).filter(|(_, matched)| !**matched);
        rows.extend(run.collect(alone.map(|(row, _)| [no_left.as_slice(), row.as_slice()].concat()))?);
    }
    Ok(rows)
}

/// Rows of one side that have a partner, or none.
fn those(
    run: &Run<'_>,
    rows: &[Row],
    own: &[Option<Vec<Key>>],
    others: &[Option<Vec<Key>>],
    with: bool,
) -> Result<Vec<Row>, QueryError> {
    let others: HashSet<&Vec<Key>> = others.iter().flatten().collect();
    let has = |key: &Option<Vec<Key>>| key.as_ref().is_some_and(|key| others.contains(key));
    run.collect(rows.iter().zip(own).filter(|(_, key)| has(key) == with).map(|(row, _)| row.clone()))
}

/// The key of each row; none where a part is null, which equals nothing.
fn keys<'e>(
    run: &Run<'_>,
    expressions: impl Iterator<Item = &'e Expr>,
    rows: &[Row],
) -> Result<Vec<Option<Vec<Key>>>, QueryError> {
    let expressions: Vec<Expr> = expressions.cloned().collect();
    rows.iter()
        .map(|row| {
            let values = run.values(&expressions, row)?;
            Ok((!values.iter().any(is_null)).then(|| values.iter().map(key).collect()))
        })
        .collect()
}

//! Order, and rows by chance.

use std::cmp::Ordering;
use std::collections::VecDeque;

use bowline_kql::Value;
use bowline_kql::plan::{Plan, SortKey};

use crate::compare::{is_null, order};
use crate::error::QueryError;
use crate::run::{Row, Run, owned};

/// So many rows are sorted without a look at whether the run goes on.
const PIECE: usize = 4096;

/// Rows in order; equal ones stay as they came.
pub(crate) fn sort(run: &Run<'_>, input: &Plan, keys: &[SortKey]) -> Result<Vec<Row>, QueryError> {
    let rows = owned(run.rows(input)?);
    let expressions: Vec<_> = keys.iter().map(|key| key.value.clone()).collect();
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows {
        keyed.push((run.values(&expressions, &row)?, row));
    }
    let by_keys = |(a, _): &Keyed, (b, _): &Keyed| {
        let each = keys.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| by_key(key, a, b));
        each.fold(Ordering::Equal, Ordering::then)
    };
    Ok(sorted(run, keyed, &by_keys)?.into_iter().map(|(_, row)| row).collect())
}

/// What a row is sorted by, and the row.
type Keyed = (Row, Row);

/// A merge sort that ends when the run does: short pieces are sorted, and two neighbours are merged at a time.
fn sorted(
    run: &Run<'_>,
    mut rows: Vec<Keyed>,
    by: &impl Fn(&Keyed, &Keyed) -> Ordering,
) -> Result<Vec<Keyed>, QueryError> {
    let mut pieces = VecDeque::new();
    while !rows.is_empty() {
        run.check()?;
        let mut piece = rows.split_off(rows.len().saturating_sub(PIECE));
        piece.sort_by(by);
        pieces.push_front(piece);
    }
    while pieces.len() > 1 {
        let mut merged = VecDeque::with_capacity(pieces.len().div_ceil(2));
        while let Some(left) = pieces.pop_front() {
            merged.push_back(match pieces.pop_front() {
                Some(right) => merge(run, left, right, by)?,
                None => left,
            });
        }
        pieces = merged;
    }
    Ok(pieces.pop_front().unwrap_or_default())
}

/// Of equal rows those of the left one come first.
fn merge(
    run: &Run<'_>,
    left: Vec<Keyed>,
    right: Vec<Keyed>,
    by: &impl Fn(&Keyed, &Keyed) -> Ordering,
) -> Result<Vec<Keyed>, QueryError> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        run.tick()?;
        merged.extend(if by(a, b).is_le() { left.next() } else { right.next() });
    }
    merged.extend(left.chain(right));
    Ok(merged)
}

fn by_key(key: &SortKey, a: &Value, b: &Value) -> Ordering {
    let nulls = if key.nulls_first { Ordering::Less } else { Ordering::Greater };
    // A text has no null: the empty one is sorted as any.
    match (is_null(a), is_null(b)) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        (false, false) if key.descending => order(b, a),
        (false, false) => order(a, b),
    }
}

/// So many rows, each as likely as any other (reservoir sampling, Vitter 1985, algorithm R).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below the count")]
pub(crate) fn sample(run: &Run<'_>, input: &Plan, count: usize) -> Result<Vec<Row>, QueryError> {
    let rows = run.rows(input)?;
    let mut kept: Vec<Row> = Vec::with_capacity(count.min(rows.len()));
    for (at, row) in rows.iter().enumerate() {
        run.tick()?;
        if kept.len() < count {
            kept.push(row.clone());
        } else {
            let place = (run.random() * (at + 1) as f64) as usize;
            if place < count {
                row.clone_into(&mut kept[place]);
            }
        }
    }
    Ok(kept)
}

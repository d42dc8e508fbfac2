//! Order, and rows by chance.

use std::cmp::Ordering;

use bowline_kql::Value;
use bowline_kql::plan::{Plan, SortKey};

use crate::compare::{is_null, order};
use crate::error::QueryError;
use crate::run::{Row, Run, owned};

/// Rows in order; equal ones stay as they came.
pub(crate) fn sort(run: &Run<'_>, input: &Plan, keys: &[SortKey]) -> Result<Vec<Row>, QueryError> {
    let rows = owned(run.rows(input)?);
    let expressions: Vec<_> = keys.iter().map(|key| key.value.clone()).collect();
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows {
        keyed.push((run.values(&expressions, &row)?, row));
    }
    keyed.sort_by(|(a, _), (b, _)| {
        let each = keys.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| by_key(key, a, b));
        each.fold(Ordering::Equal, Ordering::then)
    });
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
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

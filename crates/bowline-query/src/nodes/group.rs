//! Groups and their aggregates.

use std::collections::HashMap;

use bowline_kql::plan::{Aggregate, Expr, Plan};

use crate::aggregates::{Gather, gather};
use crate::compare::key;
use crate::error::QueryError;
use crate::run::{Row, Run};

/// The keys, then the aggregates; groups in the order in which they came. Without keys it is one row, also of nothing.
pub(crate) fn aggregate(
    run: &Run<'_>,
    input: &Plan,
    keys: &[Expr],
    aggregates: &[Aggregate],
) -> Result<Vec<Row>, QueryError> {
    let rows = run.rows(input)?;
    let empty = || aggregates.iter().map(gather).collect::<Result<Vec<Box<dyn Gather>>, _>>();
    let mut groups: Vec<(Row, Vec<Box<dyn Gather>>)> = Vec::new();
    let mut known = HashMap::new();
    if keys.is_empty() {
        groups.push((Vec::new(), empty()?));
    }
    for row in rows.iter() {
        let values = run.values(keys, row)?;
        let at = if keys.is_empty() {
            0
        } else {
            match known.entry(values.iter().map(key).collect::<Vec<_>>()) {
                std::collections::hash_map::Entry::Occupied(entry) => *entry.get(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    groups.push((values, empty()?));
                    *entry.insert(groups.len() - 1)
                }
            }
        };
        for (aggregate, gathered) in aggregates.iter().zip(&mut groups[at].1) {
            gathered.take(&run.values(&aggregate.arguments, row)?)?;
        }
    }
    let finish = |(mut row, gathered): (Row, Vec<Box<dyn Gather>>)| {
        run.check()?;
        row.extend(gathered.into_iter().map(|mut one| one.give()));
        Ok(row)
    };
    groups.into_iter().map(finish).collect()
}

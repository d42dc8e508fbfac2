//! `top-nested`: the best groups, and inside of each the best groups of the next level.

use std::cmp::Ordering;
use std::collections::HashMap;

use bowline_kql::Value;
use bowline_kql::plan::{NestedLevel, Plan};

use crate::aggregates::gather;
use crate::compare::{is_null, key, order};
use crate::error::QueryError;
use crate::eval::eval;
use crate::run::{Row, Run, null};

pub(crate) fn top_nested(
    run: &Run<'_>,
    input: &Plan,
    levels: &[NestedLevel],
) -> Result<Vec<Row>, QueryError> {
    let rows = run.rows(input)?;
    let all: Vec<&Row> = rows.iter().collect();
    let mut out = Vec::new();
    nested(run, &all, levels, &mut Vec::new(), &mut out)?;
    Ok(out)
}

/// The groups of the first of these levels, each after what the levels above chose.
fn nested(
    run: &Run<'_>,
    rows: &[&Row],
    levels: &[NestedLevel],
    above: &mut Row,
    out: &mut Vec<Row>,
) -> Result<(), QueryError> {
    let Some((level, below)) = levels.split_first() else {
        out.push(above.clone());
        return run.room(out.len());
    };
    let mut groups = groups(run, rows, level)?;
    groups.sort_by(|a, b| by_aggregate(level, &a.1, &b.1));
    let count = level.count.as_ref().map(|count| run.count(count)).transpose()?.unwrap_or(usize::MAX);
    let others: Vec<&Row> = groups.iter().skip(count).flat_map(|group| group.2.iter().copied()).collect();
    groups.truncate(count);
    for (value, aggregate, members) in groups {
        above.extend([value, aggregate]);
        nested(run, &members, below, above, out)?;
        above.truncate(above.len() - 2);
    }
    if let Some(name) = level.others.as_ref().filter(|_| !others.is_empty()) {
        above.extend([eval(run, name, &[])?, aggregated(run, level, &others)?]);
        rest(run, &others, below, above, out)?;
        above.truncate(above.len() - 2);
    }
    Ok(())
}

/// What is not among the best is not divided any more: on each level below it is one row.
fn rest(
    run: &Run<'_>,
    rows: &[&Row],
    levels: &[NestedLevel],
    above: &Row,
    out: &mut Vec<Row>,
) -> Result<(), QueryError> {
    let mut row = above.clone();
    for level in levels {
        let name = level.others.as_ref().map(|name| eval(run, name, &[])).transpose()?;
        row.extend([name.unwrap_or_else(|| null(level.key.ty)), aggregated(run, level, rows)?]);
    }
    out.push(row);
    Ok(())
}

/// A value of the level, its aggregate, its rows.
type Group<'r> = (Value, Value, Vec<&'r Row>);

fn groups<'r>(run: &Run<'_>, rows: &[&'r Row], level: &NestedLevel) -> Result<Vec<Group<'r>>, QueryError> {
    let mut parts: Vec<(Value, Vec<&'r Row>)> = Vec::new();
    let mut known = HashMap::new();
    for row in rows {
        let value = eval(run, &level.key, row)?;
        let at = *known.entry(key(&value)).or_insert(parts.len());
        if at == parts.len() {
            parts.push((value, Vec::new()));
        }
        parts[at].1.push(row);
    }
    let whole = |(value, rows): (Value, Vec<&'r Row>)| Ok((value, aggregated(run, level, &rows)?, rows));
    parts.into_iter().map(whole).collect()
}

fn aggregated(run: &Run<'_>, level: &NestedLevel, rows: &[&Row]) -> Result<Value, QueryError> {
    let mut gathered = gather(&level.aggregate)?;
    for row in rows {
        gathered.take(&run.values(&level.aggregate.arguments, row)?)?;
    }
    Ok(gathered.give())
}

fn by_aggregate(level: &NestedLevel, a: &Value, b: &Value) -> Ordering {
    let nulls = if level.nulls_first { Ordering::Less } else { Ordering::Greater };
    match (is_null(a), is_null(b)) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        (false, false) if level.descending => order(b, a),
        (false, false) => order(a, b),
    }
}

//! Rows from lists, and queries over the elements of a list or over the rows of one key.

use std::collections::HashMap;
use std::sync::Arc;

use crate::json::{Json, Map};
use bowline_kql::plan::{Expr, List, Plan};
use bowline_kql::{Type, Value};

use crate::compare::key;
use crate::dynamic;
use crate::error::QueryError;
use crate::eval::eval;
use crate::run::{Row, Run, null};

/// Which lists, and how far.
pub(crate) struct Lists<'p> {
    pub(crate) lists: &'p [List],
    pub(crate) with_index: bool,
    pub(crate) limit: Option<&'p Expr>,
}

/// The input's columns, then one column per list, then the position if asked for: a row per element. A row whose lists are all
/// empty goes; one that has no list stays with a null.
pub(crate) fn expand(
    run: &Run<'_>,
    input: &Plan,
    lists: &[List],
    with_index: bool,
    limit: Option<&Expr>,
    bags_as_arrays: bool,
) -> Result<Vec<Row>, QueryError> {
    let lists = Lists { lists, with_index, limit };
    let mut rows = Vec::new();
    for row in run.rows(input)?.iter() {
        rows.extend(elements(run, row, &lists, bags_as_arrays)?);
        run.room(rows.len())?;
    }
    Ok(rows)
}

/// For each row, `body` over the rows of its lists.
pub(crate) fn apply(
    run: &Run<'_>,
    input: &Plan,
    lists: &Lists<'_>,
    body: &Plan,
    outer: &[usize],
    kept: &[usize],
) -> Result<Vec<Row>, QueryError> {
    let mut rows = Vec::new();
    for row in run.rows(input)?.iter() {
        let inner = Arc::new(elements(run, row, lists, false)?);
        for found in run.over(inner, body)?.iter() {
            let own = outer.iter().filter_map(|at| row.get(*at));
            rows.push(own.chain(kept.iter().filter_map(|at| found.get(*at))).cloned().collect());
        }
    }
    Ok(rows)
}

/// `body` over the rows of each value of the key, in the order in which the keys came.
pub(crate) fn partition(run: &Run<'_>, input: &Plan, by: &Expr, body: &Plan) -> Result<Vec<Row>, QueryError> {
    let mut parts: Vec<Vec<Row>> = Vec::new();
    let mut known = HashMap::new();
    for row in run.rows(input)?.iter() {
        let at = *known.entry(key(&eval(run, by, row)?)).or_insert(parts.len());
        if at == parts.len() {
            parts.push(Vec::new());
        }
        parts[at].push(row.clone());
    }
    let mut rows = Vec::new();
    for part in parts {
        rows.extend(run.over(Arc::new(part), body)?.iter().cloned());
    }
    Ok(rows)
}

fn elements(
    run: &Run<'_>,
    row: &[Value],
    lists: &Lists<'_>,
    bags_as_arrays: bool,
) -> Result<Vec<Row>, QueryError> {
    let mut columns = Vec::new();
    for list in lists.lists {
        columns.push(members(&eval(run, &list.value, row)?, bags_as_arrays));
    }
    let most = lists.limit.map(|limit| run.count(limit)).transpose()?.unwrap_or(usize::MAX);
    let count = columns.iter().map(Vec::len).max().unwrap_or_default().min(most);
    run.room(count)?;
    let mut rows = Vec::with_capacity(count);
    for at in 0..count {
        run.check()?;
        let mut new = row.to_vec();
        for (list, column) in lists.lists.iter().zip(&columns) {
            let value = column.get(at).and_then(|json| typed(json, list.ty));
            new.push(value.unwrap_or_else(|| null(list.ty)));
        }
        if lists.with_index {
            new.push(Value::Long(at as i64));
        }
        rows.push(new);
    }
    Ok(rows)
}

pub(crate) fn typed(json: &Json, ty: Type) -> Option<Value> {
    if json.is_null() { None } else { dynamic::from_json(json, ty) }
}

/// The members of a list; of a bag a bag (or a pair) for each key; anything else stands for itself.
pub(crate) fn members(value: &Value, bags_as_arrays: bool) -> Vec<Json> {
    match dynamic::to_json(value) {
        Json::Array(list) => list,
        Json::Object(bag) if bags_as_arrays => {
            bag.into_iter().map(|(key, value)| Json::Array(vec![Json::String(key), value])).collect()
        }
        Json::Object(bag) => {
            bag.into_iter().map(|(key, value)| Json::Object(Map::from([(key, value)]))).collect()
        }
        other => vec![other],
    }
}

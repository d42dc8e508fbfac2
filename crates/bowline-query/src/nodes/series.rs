//! `make-series`: lists of aggregates along an axis.

use std::collections::HashMap;

use crate::json::Json;
use bowline_kql::plan::{Expr, Op, Plan, Series};
use bowline_kql::{Type, Value};

use crate::aggregates::{Gather, gather};
use crate::compare::{is_null, key, order};
use crate::dynamic;
use crate::error::QueryError;
use crate::eval::{arithmetic, eval};
use crate::run::{Row, Run};

/// The most places that an axis may have, as in Kusto.
const LONGEST: usize = 1_048_576;

/// What a `make-series` node says.
pub(crate) struct Axis<'p> {
    pub(crate) keys: &'p [Expr],
    pub(crate) series: &'p [Series],
    pub(crate) axis: &'p Expr,
    pub(crate) from: Option<&'p Expr>,
    pub(crate) to: Option<&'p Expr>,
    pub(crate) step: &'p Expr,
}

/// The places of an axis, and its end where one is written.
type Places = (Vec<Value>, Option<Value>);
/// One group: for each place that has rows what is gathered there.
type Gathered = HashMap<usize, Vec<Box<dyn Gather>>>;

/// The keys, then a list per series, then the axis.
pub(crate) fn make_series(run: &Run<'_>, input: &Plan, node: &Axis<'_>) -> Result<Vec<Row>, QueryError> {
    let rows = run.rows(input)?;
    let (places, to) = axis(run, &rows, node)?;
    let mut groups: Vec<(Row, Gathered)> = Vec::new();
    let mut known = HashMap::new();
    for row in rows.iter() {
        let Some(place) = place(&places, to.as_ref(), &eval(run, node.axis, row)?) else { continue };
        let values = run.values(node.keys, row)?;
        let at = *known.entry(values.iter().map(key).collect::<Vec<_>>()).or_insert(groups.len());
        if at == groups.len() {
            groups.push((values, HashMap::new()));
        }
        let gathered = match groups[at].1.entry(place) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let empty: Result<Vec<_>, _> = node.series.iter().map(|one| gather(&one.aggregate)).collect();
                entry.insert(empty?)
            }
        };
        for (one, gathered) in node.series.iter().zip(gathered) {
            gathered.take(&run.values(&one.aggregate.arguments, row)?)?;
        }
    }
    if groups.is_empty() && node.keys.is_empty() {
        groups.push((Vec::new(), HashMap::new()));
    }
    run.room(groups.len().saturating_mul(places.len()))?;
    groups.into_iter().map(|(row, gathered)| finished(run, node, &places, row, gathered)).collect()
}

fn finished(
    run: &Run<'_>,
    node: &Axis<'_>,
    places: &[Value],
    mut row: Row,
    mut gathered: Gathered,
) -> Result<Row, QueryError> {
    let mut lists = vec![Vec::with_capacity(places.len()); node.series.len()];
    let defaults: Vec<Json> = node.series.iter().map(|one| default(run, one)).collect::<Result<_, _>>()?;
    for place in 0..places.len() {
        let found = gathered.remove(&place);
        let values = match found {
            Some(found) => found.into_iter().map(|mut one| dynamic::to_json(&one.give())).collect(),
            None => defaults.clone(),
        };
        lists.iter_mut().zip(values).for_each(|(list, value)| list.push(value));
    }
    row.extend(lists.into_iter().map(|list| dynamic::of(&Json::Array(list))));
    row.push(dynamic::of(&places.iter().map(dynamic::to_json).collect::<Vec<_>>().into()));
    Ok(row)
}

/// What stands where there is nothing: a zero unless told otherwise.
fn default(run: &Run<'_>, series: &Series) -> Result<Json, QueryError> {
    match &series.default {
        Some(default) => Ok(dynamic::to_json(&eval(run, default, &[])?)),
        None => Ok(match series.aggregate.ty {
            Type::Real => Json::from(0.0),
            Type::Timespan => dynamic::to_json(&Value::Timespan(0)),
            Type::String | Type::Dynamic | Type::Datetime | Type::Guid => Json::Null,
            _ => Json::from(0),
        }),
    }
}

/// The places of the axis: from the first to before the last, or around the rows where the query names no end.
fn axis(run: &Run<'_>, rows: &[Row], node: &Axis<'_>) -> Result<Places, QueryError> {
    let step = eval(run, node.step, &[])?;
    let end = |written: Option<&Expr>| written.map(|one| eval(run, one, &[])).transpose();
    let (from, to) = (end(node.from)?, end(node.to)?);
    let (mut least, mut most) = (None::<Value>, None::<Value>);
    if from.is_none() || to.is_none() {
        for row in rows {
            let value = eval(run, node.axis, row)?;
            if !is_null(&value) {
                least = least.filter(|least| order(least, &value).is_le()).or_else(|| Some(value.clone()));
                most = most.filter(|most| order(most, &value).is_ge()).or(Some(value));
            }
        }
    }
    let least = least.map(|least| below(&least, &step));
    let (Some(mut at), Some(last)) = (from.or(least), to.as_ref().or(most.as_ref())) else {
        return Ok((Vec::new(), to));
    };
    let mut places = Vec::new();
    while !is_null(&at) && (order(&at, last).is_lt() || (to.is_none() && order(&at, last).is_eq())) {
        let ty = if at.ty() == Type::Int { Type::Long } else { at.ty() };
        let next = arithmetic(Op::Add, if step.ty() == Type::Real { Type::Real } else { ty }, &at, &step);
        if is_null(&next) || order(&next, &at).is_le() {
            return Err(QueryError::failed("make-series: the step leads nowhere"));
        }
        places.push(std::mem::replace(&mut at, next));
        if places.len() > LONGEST {
            return Err(QueryError::TooLarge { what: "places on one axis", limit: LONGEST });
        }
    }
    Ok((places, to))
}

/// Where an axis begins that the query does not say: at a multiple of the step.
fn below(value: &Value, step: &Value) -> Value {
    match (value, step) {
        (Value::Datetime(at), Value::Timespan(step)) if *step > 0 => {
            Value::Datetime(at - at.rem_euclid(*step))
        }
        (Value::Timespan(at), Value::Timespan(step)) if *step > 0 => {
            Value::Timespan(at - at.rem_euclid(*step))
        }
        (at, step) => match (at.as_long(), step.as_long()) {
            (Some(at), Some(step)) if step > 0 => Value::Long(at - at.rem_euclid(step)),
            _ => at.clone(),
        },
    }
}

/// The place of the axis that a value belongs to, if it is not behind the end.
fn place(places: &[Value], to: Option<&Value>, value: &Value) -> Option<usize> {
    if is_null(value) || to.is_some_and(|to| order(value, to).is_ge()) {
        return None;
    }
    places.partition_point(|place| order(place, value).is_le()).checked_sub(1)
}

//! Functions that look at neighbouring rows.

use bowline_kql::plan::{Op, Plan, Window};
use bowline_kql::{Type, Value};

use crate::compare::{is_null, key};
use crate::convert;
use crate::error::QueryError;
use crate::eval::arithmetic;
use crate::run::{Row, Run, null, owned};

/// The input's columns, then those of the functions.
pub(crate) fn window(run: &Run<'_>, input: &Plan, columns: &[Window]) -> Result<Vec<Row>, QueryError> {
    let mut made = owned(run.rows(input)?);
    for column in columns {
        // A function may read what one before it gave.
        let mut arguments = Vec::with_capacity(made.len());
        for row in &made {
            arguments.push(run.values(&column.arguments, row)?);
        }
        let values = values(column, &arguments)?;
        for (row, value) in made.iter_mut().zip(values) {
            row.push(value);
        }
    }
    Ok(made)
}

/// Of the arguments over each row.
fn values(window: &Window, rows: &[Row]) -> Result<Vec<Value>, QueryError> {
    Ok(match window.function {
        "prev" => neighbours(window, rows, true),
        "next" => neighbours(window, rows, false),
        "row_number" => numbers(rows),
        "row_cumsum" => sums(window, rows),
        "row_rank_dense" => ranks(rows, true),
        "row_rank_min" => ranks(rows, false),
        "row_window_session" => sessions(window, rows),
        other => return Err(QueryError::unsupported(format!("{other}()"))),
    })
}

/// Whether a row begins anew.
fn restarts(row: &Row, index: usize) -> bool {
    row.get(index) == Some(&Value::Bool(true))
}

fn neighbours(window: &Window, rows: &[Row], before: bool) -> Vec<Value> {
    let of = |(at, row): (usize, &Row)| {
        let offset = row.get(1).and_then(Value::as_long).unwrap_or(1);
        let offset = if before { offset.saturating_neg() } else { offset };
        let place = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(offset);
        let found = usize::try_from(place).ok().and_then(|place| rows.get(place)).and_then(|row| row.first());
        let found = found.cloned().or_else(|| row.get(2).and_then(|value| convert::cast(value, window.ty)));
        found.unwrap_or_else(|| null(window.ty))
    };
    rows.iter().enumerate().map(of).collect()
}

fn numbers(rows: &[Row]) -> Vec<Value> {
    let mut number: Option<i64> = None;
    let each = rows.iter().map(|row| {
        let start = row.first().and_then(Value::as_long).unwrap_or(1);
        let next = number.filter(|_| !restarts(row, 1)).map_or(start, |number| number.saturating_add(1));
        number = Some(next);
        Value::Long(next)
    });
    each.collect()
}

/// A null adds nothing.
fn sums(window: &Window, rows: &[Row]) -> Vec<Value> {
    let zero = || match window.ty {
        Type::Timespan => Value::Timespan(0),
        ty => convert::number(0.0, ty).unwrap_or_else(|| null(ty)),
    };
    let mut sum = zero();
    let each = rows.iter().map(|row| {
        if restarts(row, 1) {
            sum = zero();
        }
        if let Some(value) = row.first().filter(|value| !is_null(value)) {
            sum = arithmetic(Op::Add, window.ty, &sum, value);
        }
        sum.clone()
    });
    each.collect()
}

/// A rank is as many values, or as many rows, after the one before.
fn ranks(rows: &[Row], dense: bool) -> Vec<Value> {
    let (mut rank, mut same, mut before) = (0, 1, None);
    let each = rows.iter().enumerate().map(|(at, row)| {
        let value = row.first().map(key);
        if at == 0 || restarts(row, 1) {
            (rank, same) = (1, 1);
        } else if value == before {
            same += 1;
        } else {
            rank += if dense { 1 } else { same };
            same = 1;
        }
        before = value;
        Value::Long(rank)
    });
    each.collect()
}

/// Where the session of each row began. A new one begins too long after the first row or the last one of the session.
fn sessions(window: &Window, rows: &[Row]) -> Vec<Value> {
    let ticks = |value: Option<&Value>| match value {
        Some(Value::Datetime(ticks) | Value::Timespan(ticks)) => Some(*ticks),
        _ => None,
    };
    let mut session: Option<(i64, i64)> = None;
    let each = rows.iter().map(|row| {
        let Some(at) = ticks(row.first()) else {
            session = None;
            return null(window.ty);
        };
        let within =
            |from: i64, most: usize| ticks(row.get(most)).is_some_and(|most| at.saturating_sub(from) <= most);
        let goes_on = |(start, last): &(i64, i64)| !restarts(row, 3) && within(*start, 1) && within(*last, 2);
        let start = session.filter(goes_on).map_or(at, |(start, _)| start);
        session = Some((start, at));
        Value::Datetime(start)
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_values_or_rows() {
        let rows: Vec<Row> = [1, 1, 2].into_iter().map(|value| vec![Value::Long(value)]).collect();
        let longs = |values: [i64; 3]| values.map(Value::Long).to_vec();
        assert_eq!(ranks(&rows, true), longs([1, 1, 2]));
        assert_eq!(ranks(&rows, false), longs([1, 1, 3]));
    }

    #[test]
    fn a_null_adds_nothing_to_a_sum() {
        let window = Window { function: "row_cumsum", arguments: Vec::new(), ty: Type::Timespan };
        let rows =
            [vec![Value::Null(Type::Timespan)], vec![Value::Timespan(5)], vec![Value::Null(Type::Timespan)]];
        assert_eq!(sums(&window, &rows), [0, 5, 5].map(Value::Timespan));
    }
}

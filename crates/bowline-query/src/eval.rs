//! An expression over one row.

use bowline_kql::plan::{Expr, ExprKind, Op, Step};
use bowline_kql::{Type, Value};
use std::cmp::Ordering;

use crate::compare::{equal, is_null, key, order, real};
use crate::error::QueryError;
use crate::index::path::member;
use crate::run::{Run, null};
use crate::{convert, dynamic, functions, text};

pub(crate) type Evaluated = Result<Value, QueryError>;

pub(crate) fn eval(run: &Run<'_>, expression: &Expr, row: &[Value]) -> Evaluated {
    let ty = expression.ty;
    run.tick()?;
    Ok(match &expression.kind {
        ExprKind::Column(index) => {
            let value = row.get(*index);
            run.copied(value.ok_or_else(|| QueryError::failed("a column of the plan is not in its row"))?)?
        }
        ExprKind::Late(name) => return Err(QueryError::unsupported(format!("the late column {name}"))),
        ExprKind::Literal(value) => value.clone(),
        ExprKind::Operator { op, arguments } => operator(run, *op, ty, arguments, row)?,
        ExprKind::Call { function, arguments } => functions::call(run, function, ty, arguments, row)?,
        ExprKind::Cast(inner) => convert::cast(&eval(run, inner, row)?, ty).unwrap_or_else(|| null(ty)),
        ExprKind::Path { target, steps } => path(run, target, steps, row)?,
        ExprKind::Part { of, index } => {
            let ExprKind::Call { function, arguments } = &of.kind else {
                return Err(QueryError::failed("the plan takes a part of what is no call"));
            };
            let part = functions::parts(run, function, arguments, row)?.into_iter().nth(*index);
            part.and_then(|part| convert::cast(&part, ty)).unwrap_or_else(|| null(ty))
        }
        ExprKind::Subquery(plan) => {
            let rows = run.subquery(plan)?;
            rows.first().and_then(|row| row.first().cloned()).unwrap_or_else(|| null(ty))
        }
        ExprKind::InTable { value, table, ignore_case, negated } => {
            let value = eval(run, value, row)?;
            let alike = table.schema.columns.first().is_some_and(|column| column.ty == value.ty());
            let found = if alike && !*ignore_case && value.ty() != Type::Dynamic {
                !is_null(&value) && run.members(table)?.contains(&key(&value))
            } else {
                let rows = run.subquery(table)?;
                rows.iter().filter_map(|row| row.first()).any(|one| same(&value, one, *ignore_case))
            };
            Value::Bool(found != *negated)
        }
    })
}

fn same(left: &Value, right: &Value, ignore_case: bool) -> bool {
    match (left, right) {
        (Value::String(a), Value::String(b)) if ignore_case => text::fold(a) == text::fold(b),
        (a, b) => equal(a, b) == Some(true),
    }
}

fn path(run: &Run<'_>, target: &Expr, steps: &[Step], row: &[Value]) -> Evaluated {
    const NOTHING: Value = Value::Null(Type::Dynamic);
    let Value::Dynamic(json) = eval(run, target, row)? else { return Ok(NOTHING) };
    // The first keys are found in the text, so that only what they lead to is read into a tree.
    let (mut text, mut steps) = (json.trim_start(), steps);
    while let [Step::Key(key), rest @ ..] = steps
        && run.ignore_case
        && !key.contains(['"', '\\'])
    {
        let Some(found) = member(text, key) else { return Ok(NOTHING) };
        (text, steps) = (found, rest);
    }
    let json = dynamic::parse(text);
    let mut at = &json;
    for step in steps {
        let by = match step {
            Step::Key(key) => Value::String(key.clone()),
            Step::Index(index) => Value::Long(*index),
            Step::Computed(by) => match eval(run, by, row)? {
                Value::Dynamic(json) => dynamic::natural(&dynamic::parse(&json)),
                by => by,
            },
        };
        let found = dynamic::step(at, &by);
        match found.or_else(|| if run.ignore_case { dynamic::step_any_case(at, &by) } else { None }) {
            Some(next) => at = next,
            None => return Ok(NOTHING),
        }
    }
    Ok(if at.is_null() { NOTHING } else { dynamic::of(at) })
}

fn operator(run: &Run<'_>, op: Op, ty: Type, arguments: &[Expr], row: &[Value]) -> Evaluated {
    match op {
        Op::And => return junction(run, arguments, row, false),
        Op::Or => return junction(run, arguments, row, true),
        _ => {}
    }
    let values = run.values(arguments, row)?;
    let (Some(left), right) = (values.first(), values.get(1)) else {
        return Err(QueryError::failed("an operator of the plan has no arguments"));
    };
    let Some(right) = right else {
        return Ok(arithmetic(Op::Subtract, ty, &zero(left), left));
    };
    let truth = |found: Option<bool>| found.map_or(Value::Null(Type::Bool), Value::Bool);
    Ok(match op {
        Op::Equal => truth(equal(left, right)),
        Op::NotEqual => truth(equal(left, right).map(|same| !same)),
        Op::Less => truth(ordered(left, right).map(Ordering::is_lt)),
        Op::LessOrEqual => truth(ordered(left, right).map(Ordering::is_le)),
        Op::Greater => truth(ordered(left, right).map(Ordering::is_gt)),
        Op::GreaterOrEqual => truth(ordered(left, right).map(Ordering::is_ge)),
        Op::Between { negated } => {
            let high = values.get(2).unwrap_or(right);
            let inside = ordered(left, right).zip(ordered(left, high)).map(|(a, b)| a.is_ge() && b.is_le());
            truth(inside.map(|inside| inside != negated))
        }
        Op::In { case, negated } => Value::Bool(is_in(left, &values[1..], case) != negated),
        Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo | Op::Negate => {
            arithmetic(op, ty, left, right)
        }
        _ => text::operator(op, left, &values[1..])?,
    })
}

/// `and` and `or` of any number; a null is neither.
fn junction(run: &Run<'_>, arguments: &[Expr], row: &[Value], decisive: bool) -> Evaluated {
    let mut unknown = false;
    for argument in arguments {
        match eval(run, argument, row)? {
            Value::Bool(value) if value == decisive => return Ok(Value::Bool(decisive)),
            Value::Bool(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { Value::Null(Type::Bool) } else { Value::Bool(!decisive) })
}

fn ordered(left: &Value, right: &Value) -> Option<Ordering> {
    let not_a_number = |value: &Value| matches!(value, Value::Real(number) if number.is_nan());
    if is_null(left) || is_null(right) || not_a_number(left) || not_a_number(right) {
        return None;
    }
    Some(order(left, right))
}

fn is_in(value: &Value, others: &[Value], case: bool) -> bool {
    others.iter().any(|other| match other {
        Value::Dynamic(json) => match dynamic::parse(json) {
            crate::json::Json::Array(list) => list
                .iter()
                .filter_map(|one| dynamic::from_json(one, value.ty()))
                .any(|one| same(value, &one, !case)),
            _ => same(value, other, !case),
        },
        other => same(value, other, !case),
    })
}

fn zero(like: &Value) -> Value {
    match like.ty() {
        Type::Timespan => Value::Timespan(0),
        Type::Int => Value::Int(0),
        Type::Real => Value::Real(0.0),
        Type::Decimal => Value::Decimal("0".to_owned()),
        _ => Value::Long(0),
    }
}

/// Arithmetic of two values that gives one of this type; null where one is null or the result is none.
pub(crate) fn arithmetic(op: Op, ty: Type, left: &Value, right: &Value) -> Value {
    compute(op, ty, left, right).unwrap_or_else(|| null(ty))
}

fn compute(op: Op, ty: Type, left: &Value, right: &Value) -> Option<Value> {
    if is_null(left) || is_null(right) {
        return None;
    }
    match ty {
        Type::Int | Type::Long => {
            let (a, b) = (left.as_long()?, right.as_long()?);
            let value = match op {
                Op::Add => a.wrapping_add(b),
                Op::Subtract => a.wrapping_sub(b),
                Op::Multiply => a.wrapping_mul(b),
                Op::Divide => a.checked_div(b)?,
                _ => a.checked_rem_euclid(b)?,
            };
            if ty == Type::Int { i32::try_from(value).ok().map(Value::Int) } else { Some(Value::Long(value)) }
        }
        Type::Datetime | Type::Timespan => {
            let value = ticks(op, left, right)?;
            match ty {
                // The calendar ends with the year 9999.
                Type::Datetime => {
                    (0..=functions::LAST_MOMENT).contains(&value).then_some(Value::Datetime(value))
                }
                _ => Some(Value::Timespan(value)),
            }
        }
        _ => {
            let (a, b) = match (left, right) {
                (Value::Timespan(a), Value::Timespan(b)) => (*a as f64, *b as f64),
                _ => (real(left)?, real(right)?),
            };
            let value = match op {
                Op::Add => a + b,
                Op::Subtract => a - b,
                Op::Multiply => a * b,
                Op::Divide => a / b,
                _ => a.rem_euclid(b),
            };
            convert::number(value, ty)
        }
    }
}

/// Moments and lengths of time with each other and with numbers.
#[expect(clippy::cast_possible_truncation, reason = "ticks of a length of time that was multiplied")]
fn ticks(op: Op, left: &Value, right: &Value) -> Option<i64> {
    use Value as V;
    match (left, right) {
        (V::Datetime(a) | V::Timespan(a), V::Datetime(b) | V::Timespan(b)) => match op {
            Op::Add => a.checked_add(*b),
            Op::Subtract => a.checked_sub(*b),
            Op::Modulo => a.checked_rem_euclid(*b),
            Op::Divide => a.checked_div(*b),
            _ => None,
        },
        (V::Timespan(a), number) => {
            let number = real(number)?;
            match op {
                Op::Multiply => Some((*a as f64 * number) as i64),
                Op::Divide if number != 0.0 => Some((*a as f64 / number) as i64),
                Op::Subtract | Op::Add => None,
                _ => None,
            }
        }
        (number, V::Timespan(b)) if op == Op::Multiply => Some((*b as f64 * real(number)?) as i64),
        (V::Long(0), V::Timespan(b)) if op == Op::Subtract => b.checked_neg(),
        _ => None,
    }
}

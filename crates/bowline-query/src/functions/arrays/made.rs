//! Lists that are made of values.

use crate::json::Json;
use bowline_kql::plan::Op;
use bowline_kql::value::SECOND;
use bowline_kql::{Type, Value};

use super::{Call, MOST, array, list};
use crate::compare::{is_null, order};
use crate::dynamic;
use crate::error::QueryError;
use crate::eval::{Evaluated, arithmetic};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    Some(match name {
        "pack_array" => Ok(list(Some(call.values.iter().map(dynamic::to_json).collect()))),
        "range" => range(call),
        "repeat" => repeat(call),
        "zip" => Ok(list(zip(call))),
        _ => return None,
    })
}

/// From a value up or down to another; nothing where the step leads away.
fn range(call: &Call<'_>) -> Evaluated {
    let (start, stop) = (call.value(0), call.value(1));
    let step = call.values.get(2).cloned().unwrap_or(match start.ty() {
        Type::Datetime | Type::Timespan => Value::Timespan(3600 * SECOND),
        _ => Value::Long(1),
    });
    if is_null(start) || is_null(stop) || is_null(&step) {
        return Ok(Value::Null(Type::Dynamic));
    }
    let ty = match (start.ty(), step.ty()) {
        (Type::Int | Type::Long, Type::Real) => Type::Real,
        (Type::Int, _) => Type::Long,
        (ty, _) => ty,
    };
    let mut members = Vec::new();
    let mut at = start.clone();
    let direction = order(&arithmetic(Op::Add, ty, &at, &step), &at);
    if direction.is_eq() {
        return Err(QueryError::failed("range(): the step is zero"));
    }
    while !is_null(&at) && order(&at, stop) != direction {
        if members.len() == MOST {
            return Err(QueryError::TooLarge { what: "elements in one list", limit: MOST });
        }
        members.push(dynamic::to_json(&at));
        let next = arithmetic(Op::Add, ty, &at, &step);
        // Beyond the largest number it would begin anew.
        if is_null(&next) || order(&next, &at) != direction {
            break;
        }
        at = next;
    }
    Ok(list(Some(members)))
}

fn repeat(call: &Call<'_>) -> Evaluated {
    let Some(count) = call.long(1) else { return Ok(Value::Null(Type::Dynamic)) };
    let count = usize::try_from(count).unwrap_or(0);
    let one = call.json(0);
    if count > MOST {
        return Err(QueryError::TooLarge { what: "elements in one list", limit: MOST });
    }
    let size = one.to_string().len().saturating_mul(count);
    if size > call.run.largest_value() {
        return Err(QueryError::TooLarge { what: "bytes in one value", limit: call.run.largest_value() });
    }
    Ok(list(Some(vec![one; count])))
}

/// Lists of the members at the same place; shorter lists end with nulls.
fn zip(call: &Call<'_>) -> Option<Vec<Json>> {
    let lists = (0..call.values.len()).map(|index| array(call.json(index))).collect::<Option<Vec<_>>>()?;
    let longest = lists.iter().map(Vec::len).max().unwrap_or_default();
    let at = |place: usize| lists.iter().map(|one| one.get(place).cloned().unwrap_or_default()).collect();
    Some((0..longest).map(|place| Json::Array(at(place))).collect())
}

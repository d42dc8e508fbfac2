//! Functions of lists and bags.

mod bags;
mod made;
mod moved;
mod order;
mod sets;

use crate::json::Json;
use bowline_kql::{Type, Value};

pub(super) use order::sorted;

use super::Call;
use crate::dynamic;
use crate::eval::Evaluated;

/// The most elements of a list that a function makes, as in Kusto.
const MOST: usize = 1_048_576;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    plain(name, call)
        .map(Ok)
        .or_else(|| moved::call(name, call).map(Ok))
        .or_else(|| bags::call(name, call).map(Ok))
        .or_else(|| sets::call(name, call).map(Ok))
        .or_else(|| made::call(name, call))
}

/// A list, or null where it is none.
fn list(list: Option<Vec<Json>>) -> Value {
    list.map_or(Value::Null(Type::Dynamic), |list| dynamic::of(&Json::Array(list)))
}

fn array(json: Json) -> Option<Vec<Json>> {
    match json {
        Json::Array(list) => Some(list),
        _ => None,
    }
}

fn plain(name: &str, call: &Call<'_>) -> Option<Value> {
    let long = |value: Option<usize>| {
        value.and_then(|value| i64::try_from(value).ok()).map_or(Value::Null(Type::Long), Value::Long)
    };
    Some(match name {
        "array_length" | "arraylength" => long(array(call.json(0)).map(|list| list.len())),
        "array_concat" => list(
            (0..call.values.len())
                .map(|index| array(call.json(index)))
                .collect::<Option<Vec<_>>>()
                .map(|lists| lists.concat()),
        ),
        "array_sum" => {
            let sum = array(call.json(0)).and_then(|list| list.iter().map(Json::as_f64).sum::<Option<f64>>());
            sum.map_or(Value::Null(Type::Real), Value::Real)
        }
        "array_index_of" => {
            let Some(members) = array(call.json(0)) else { return Some(Value::Null(Type::Long)) };
            Value::Long(index_of(&members, call))
        }
        "array_iff" | "array_iif" => list(array(call.json(0)).map(|conditions| {
            let (then, otherwise) = (call.json(1), call.json(2));
            let each = conditions.iter().enumerate().map(|(at, one)| match truth(one) {
                None => Json::Null,
                Some(true) => member(&then, at),
                Some(false) => member(&otherwise, at),
            });
            each.collect()
        })),
        _ => return None,
    })
}

fn truth(json: &Json) -> Option<bool> {
    json.as_bool().or_else(|| json.as_f64().map(|number| number != 0.0))
}

/// The member of a list; what is no list is every member.
fn member(json: &Json, at: usize) -> Json {
    match json {
        Json::Array(list) => list.get(at).cloned().unwrap_or_default(),
        other => other.clone(),
    }
}

fn index_of(members: &[Json], call: &Call<'_>) -> i64 {
    let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let start = call.long(2).unwrap_or(0);
    let start = if start < 0 { (count + start).max(0) } else { start.min(count) };
    let length = call.long(3).filter(|length| *length >= 0).unwrap_or(count);
    let end = start.saturating_add(length).min(count);
    let Some(nth) = call.long(4).unwrap_or(1).checked_sub(1).and_then(|nth| usize::try_from(nth).ok()) else {
        return -1;
    };
    let wanted = dynamic::canonical(&call.json(1).to_string());
    let mut found = (start..end).filter(|at| {
        let member = usize::try_from(*at).ok().and_then(|at| members.get(at));
        member.is_some_and(|one| dynamic::canonical(&one.to_string()) == wanted)
    });
    found.nth(nth).unwrap_or(-1)
}

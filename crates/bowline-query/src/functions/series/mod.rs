//! Functions of series: lists of numbers.

mod filled;
mod fitted;
mod measured;
mod seasonal;

use crate::json::{Json, Number};
use bowline_kql::{Type, Value};

pub(super) use measured::several;

use super::Call;
use crate::dynamic;
use crate::eval::Evaluated;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    each(name, call)
        .or_else(|| pairs(name, call))
        .or_else(|| filled::call(name, call))
        .or_else(|| measured::call(name, call))
        .or_else(|| seasonal::call(name, call))
        .map(Ok)
}

fn list(list: Option<Vec<Json>>) -> Value {
    list.map_or(Value::Null(Type::Dynamic), |list| dynamic::of(&Json::Array(list)))
}

/// A number, whole where those that it is made of were.
fn number(value: f64, whole: bool) -> Json {
    if whole && value.fract() == 0.0 && value.abs() < 9e15 {
        return Json::from(value as i64);
    }
    Number::from_f64(value).map_or_else(|| dynamic::to_json(&Value::Real(value)), Json::Number)
}

/// The numbers of a list; of what is no list nothing.
fn numbers(json: &Json) -> Option<Vec<Option<f64>>> {
    Some(json.as_array()?.iter().map(Json::as_f64).collect())
}

fn is_whole(json: &Json) -> bool {
    match json {
        Json::Array(list) => list.iter().all(|one| !one.is_f64()),
        one => !one.is_f64(),
    }
}

/// Member by member; what is no number becomes null.
fn each(name: &str, call: &Call<'_>) -> Option<Value> {
    let function: fn(f64) -> f64 = match name {
        "series_exp" => f64::exp,
        "series_sign" => |value| if value == 0.0 { 0.0 } else { value.signum() },
        "series_abs" => f64::abs,
        "series_sin" => f64::sin,
        "series_asin" => f64::asin,
        "series_cos" => f64::cos,
        "series_acos" => f64::acos,
        "series_tan" => f64::tan,
        "series_atan" => f64::atan,
        "series_log" => f64::ln,
        "series_floor" => f64::floor,
        "series_ceiling" => f64::ceil,
        _ => return None,
    };
    let json = call.json(0);
    let whole = is_whole(&json) && matches!(name, "series_sign" | "series_abs");
    let one = |value: Option<f64>| value.map_or(Json::Null, |value| number(function(value), whole));
    Some(list(numbers(&json).map(|all| all.into_iter().map(one).collect())))
}

enum Pair {
    Number(fn(f64, f64) -> f64),
    Truth(fn(f64, f64) -> bool),
}

#[expect(clippy::float_cmp, reason = "the functions are named for exact comparisons")]
fn pair(name: &str) -> Option<Pair> {
    Some(match name {
        "series_add" => Pair::Number(|a, b| a + b),
        "series_subtract" => Pair::Number(|a, b| a - b),
        "series_multiply" => Pair::Number(|a, b| a * b),
        "series_divide" => Pair::Number(|a, b| a / b),
        "series_pow" => Pair::Number(f64::powf),
        "series_greater" => Pair::Truth(|a, b| a > b),
        "series_greater_equals" => Pair::Truth(|a, b| a >= b),
        "series_less" => Pair::Truth(|a, b| a < b),
        "series_less_equals" => Pair::Truth(|a, b| a <= b),
        "series_equals" => Pair::Truth(|a, b| a == b),
        "series_not_equals" => Pair::Truth(|a, b| a != b),
        _ => return None,
    })
}

/// Of two series, member by member; a single number stands for as many. Where one has no number there is null.
fn pairs(name: &str, call: &Call<'_>) -> Option<Value> {
    let pair = pair(name)?;
    let (left, right) = (call.json(0), call.json(1));
    let whole = is_whole(&left) && is_whole(&right) && name != "series_divide";
    let count = match (left.as_array(), right.as_array()) {
        (Some(a), Some(b)) => a.len().max(b.len()),
        (Some(one), None) | (None, Some(one)) => one.len(),
        (None, None) => return Some(Value::Null(Type::Dynamic)),
    };
    let at = |json: &Json, place: usize| match json {
        Json::Array(list) => list.get(place).and_then(Json::as_f64),
        one => one.as_f64(),
    };
    let one = |place| match at(&left, place).zip(at(&right, place)) {
        None => Json::Null,
        Some((a, b)) => match pair {
            Pair::Number(function) => number(function(a, b), whole),
            Pair::Truth(function) => Json::from(function(a, b)),
        },
    };
    Some(list(Some((0..count).map(one).collect())))
}

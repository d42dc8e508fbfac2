//! `dynamic`: JSON text as a value. Paths, conversions to and from other types, order and equality.

use std::cmp::Ordering;

use crate::json::{Json, Map, Number};
use bowline_kql::value::{format_datetime, format_timespan};
use bowline_kql::{Type, Value};

use crate::convert;

/// The JSON of a text; null where it is none.
pub(crate) fn parse(text: &str) -> Json {
    crate::json::read(text).unwrap_or_default()
}

pub(crate) fn of(json: &Json) -> Value {
    Value::Dynamic(json.to_string())
}

/// Any value as JSON, as it stands in a bag or a list.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null(_) => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Long(value) => Json::from(*value),
        Value::Real(value) => match Number::from_f64(*value) {
            Some(number) => Json::Number(number),
            None if value.is_nan() => Json::from("NaN"),
            None => Json::from(if *value > 0.0 { "Infinity" } else { "-Infinity" }),
        },
        Value::Decimal(text) => Json::from(text.as_str()),
        Value::Datetime(ticks) => Json::from(format_datetime(*ticks)),
        Value::Timespan(ticks) => Json::from(format_timespan(*ticks)),
        Value::Guid(_) | Value::String(_) => Json::from(convert::to_text(value)),
        Value::Dynamic(text) => parse(text),
    }
}

/// What a `dynamic` is as a value of another type; nothing where it is none.
pub(crate) fn to_value(text: &str, ty: Type) -> Option<Value> {
    from_json(&parse(text), ty)
}

/// The same of JSON.
pub(crate) fn from_json(json: &Json, ty: Type) -> Option<Value> {
    match (ty, json) {
        (Type::Dynamic, json) => Some(of(json)),
        (_, Json::Null) => None,
        (Type::String, Json::String(text)) => Some(Value::String(text.clone())),
        (Type::String, json) => Some(Value::String(plain(json))),
        (_, Json::String(text)) => convert::cast(&Value::String(text.clone()), ty),
        (_, Json::Bool(value)) => convert::cast(&Value::Bool(*value), ty),
        (_, Json::Number(number)) => convert::cast(&of_number(number), ty),
        (_, Json::Array(_) | Json::Object(_)) => None,
    }
}

fn of_number(number: &Number) -> Value {
    number.as_i64().map_or_else(|| Value::Real(number.as_f64().unwrap_or(f64::NAN)), Value::Long)
}

/// A value of the type that the JSON itself has.
pub(crate) fn natural(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null(Type::Dynamic),
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => of_number(number),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(_) | Json::Object(_) => of(json),
    }
}

/// A text without quotes, anything else as JSON; null is nothing.
pub(crate) fn plain(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(value) => if *value { "true" } else { "false" }.to_owned(),
        other => other.to_string(),
    }
}

/// One step into it: a key of a bag, a position of a list (from its end where negative).
pub(crate) fn step<'j>(json: &'j Json, by: &Value) -> Option<&'j Json> {
    match (json, by) {
        (Json::Object(bag), Value::String(key)) => bag.get(key),
        (Json::Array(list), by) => {
            let index = by.as_long()?;
            let index = if index < 0 { index + list.len() as i64 } else { index };
            list.get(usize::try_from(index).ok()?)
        }
        _ => None,
    }
}

/// The first key that differs by its case only.
pub(crate) fn step_any_case<'j>(json: &'j Json, by: &Value) -> Option<&'j Json> {
    match (json, by) {
        (Json::Object(bag), Value::String(key)) => {
            bag.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
        }
        _ => None,
    }
}

/// The keys and positions of a path as it is written: `$.a[0]['b c']`; nothing where it is none.
pub(crate) fn path(text: &str) -> Option<Vec<Value>> {
    let mut steps = Vec::new();
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = inside.split_once(']')?;
            let key = step.trim_matches(['\'', '"']);
            steps.push(match step.parse() {
                Ok(index) => Value::Long(index),
                Err(_) if key.len() < step.len() => Value::String(key.to_owned()),
                Err(_) => return None,
            });
            rest = after;
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return None;
            }
            steps.push(Value::String(name[..end].to_owned()));
            rest = &name[end..];
        }
    }
    Some(steps)
}

/// What a path leads to.
pub(crate) fn at<'j>(json: &'j Json, text: &str) -> Option<&'j Json> {
    path(text)?.iter().try_fold(json, step)
}

/// One text for equal values: keys in order, numbers by their value.
pub(crate) fn canonical(text: &str) -> String {
    sorted(parse(text)).to_string()
}

fn sorted(json: Json) -> Json {
    match json {
        Json::Object(bag) => {
            let mut pairs: Vec<(String, Json)> = bag.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Json::Array(list) => Json::Array(list.into_iter().map(sorted).collect()),
        Json::Number(number) => match number.as_f64() {
            Some(real) if number.is_f64() && real.fract() == 0.0 && real.abs() < 9e15 => {
                Json::from(real as i64)
            }
            _ => Json::Number(number),
        },
        other => other,
    }
}

/// Numbers before texts, and lists and bags by their text.
pub(crate) fn order(left: &str, right: &str) -> Ordering {
    compare(&parse(left), &parse(right))
}

/// The same of JSON.
pub(crate) fn compare(left: &Json, right: &Json) -> Ordering {
    match (left, right) {
        (Json::Number(a), Json::Number(b)) => {
            a.as_f64().unwrap_or(f64::NAN).total_cmp(&b.as_f64().unwrap_or(f64::NAN))
        }
        (Json::String(a), Json::String(b)) => a.cmp(b),
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        (a, b) => rank(a)
            .cmp(&rank(b))
            .then_with(|| sorted(a.clone()).to_string().cmp(&sorted(b.clone()).to_string())),
    }
}

fn rank(json: &Json) -> u8 {
    match json {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(_) => 2,
        Json::String(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    }
}

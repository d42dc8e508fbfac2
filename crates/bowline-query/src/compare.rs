//! How values compare: equality with nulls, order for sorting, and keys for groups and joins.

use std::cmp::Ordering;

use bowline_kql::Value;

use crate::dynamic;

/// Null is a value of its own here; the null of a text is the empty text.
pub(crate) fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null(_)) || matches!(value, Value::Dynamic(text) if text == "null")
}

/// `==`: nothing for two nulls, false for one.
pub(crate) fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (is_null(left), is_null(right)) {
        (true, true) => None,
        (true, false) | (false, true) => Some(false),
        (false, false) => Some(order(left, right) == Ordering::Equal),
    }
}

/// The order of `sort`, without nulls; texts by their bytes, numbers by their value whatever their type.
pub(crate) fn order(left: &Value, right: &Value) -> Ordering {
    use Value as V;
    match (left, right) {
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Datetime(a), V::Datetime(b)) | (V::Timespan(a), V::Timespan(b)) => a.cmp(b),
        (V::Guid(a), V::Guid(b)) => a.cmp(b),
        (V::String(a), V::String(b)) => a.cmp(b),
        (V::Dynamic(a), V::Dynamic(b)) => dynamic::order(a, b),
        (V::Dynamic(a), b) => dynamic::to_value(a, b.ty()).map_or(Ordering::Less, |a| order(&a, b)),
        (a, V::Dynamic(b)) => dynamic::to_value(b, a.ty()).map_or(Ordering::Greater, |b| order(a, &b)),
        (a, b) => match (integer(a), integer(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => real(a).unwrap_or(f64::NAN).total_cmp(&real(b).unwrap_or(f64::NAN)),
        },
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(i64::from(*value)),
        Value::Long(value) => Some(*value),
        _ => None,
    }
}

/// Any number as a real.
pub(crate) fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(f64::from(*value)),
        Value::Long(value) => Some(*value as f64),
        Value::Real(value) => Some(*value),
        Value::Decimal(text) => text.parse().ok(),
        _ => None,
    }
}

/// What makes two values the same in a group, a set or a join. Keys of values of different types differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Null,
    Bool(bool),
    Integer(i64),
    Bits(u64),
    Ticks(i64),
    Guid(u128),
    Text(String),
    Json(String),
}

pub(crate) fn key(value: &Value) -> Key {
    match value {
        Value::Null(_) => Key::Null,
        Value::Bool(value) => Key::Bool(*value),
        Value::Int(value) => Key::Integer(i64::from(*value)),
        Value::Long(value) => Key::Integer(*value),
        // One zero, one NaN.
        Value::Real(value) if *value == 0.0 => Key::Bits(0),
        Value::Real(value) if value.is_nan() => Key::Bits(f64::NAN.to_bits()),
        Value::Real(value) => Key::Bits(value.to_bits()),
        Value::Decimal(text) => text.parse::<f64>().map_or(Key::Null, |value| Key::Bits(value.to_bits())),
        Value::Datetime(ticks) | Value::Timespan(ticks) => Key::Ticks(*ticks),
        Value::Guid(value) => Key::Guid(*value),
        Value::String(text) => Key::Text(text.clone()),
        Value::Dynamic(text) => Key::Json(dynamic::canonical(text)),
    }
}

//! From one type to another: `tostring`, `tolong` and their like, and the conversions that a plan writes down.

use bowline_kql::value::{DAY, format_datetime, format_timespan};
use bowline_kql::{Type, Value};

use crate::{compare, dynamic};

/// The value in another type; nothing where it is none.
pub(crate) fn cast(value: &Value, ty: Type) -> Option<Value> {
    if value.ty() == ty && !matches!(value, Value::Null(_)) {
        return Some(value.clone());
    }
    match (value, ty) {
        (Value::Null(_), Type::String) => Some(Value::String(String::new())),
        (Value::Null(_), _) => None,
        (Value::Dynamic(text), ty) => dynamic::to_value(text, ty),
        (value, Type::String) => Some(Value::String(to_text(value))),
        (value, Type::Dynamic) => Some(dynamic::of(&dynamic::to_json(value))),
        (Value::String(text), ty) => from_text(text, ty),
        (Value::Bool(value), Type::Int | Type::Long | Type::Real) => number(f64::from(u8::from(*value)), ty),
        (Value::Datetime(ticks) | Value::Timespan(ticks), Type::Long) => Some(Value::Long(*ticks)),
        (Value::Long(ticks), Type::Datetime) => Some(Value::Datetime(*ticks)),
        (Value::Long(ticks), Type::Timespan) => Some(Value::Timespan(*ticks)),
        (value, Type::Long) => match value {
            Value::Int(value) => Some(Value::Long(i64::from(*value))),
            _ => number(compare::real(value)?, ty),
        },
        (value, Type::Int) => match value {
            Value::Long(value) => i32::try_from(*value).ok().map(Value::Int),
            _ => number(compare::real(value)?, ty),
        },
        (value, Type::Bool) => Some(Value::Bool(compare::real(value)? != 0.0)),
        (value, Type::Timespan) => Some(Value::Timespan((compare::real(value)? * DAY as f64) as i64)),
        (value, ty) => number(compare::real(value)?, ty),
    }
}

/// A number in one of the numeric types; towards zero where it must be whole.
#[expect(clippy::cast_possible_truncation, reason = "checked against the type's range first")]
pub(crate) fn number(value: f64, ty: Type) -> Option<Value> {
    let whole = value.trunc();
    match ty {
        Type::Int => {
            (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&whole).then_some(Value::Int(whole as i32))
        }
        // The largest real below 2^63 is a long; 2^63 is none.
        Type::Long => {
            (-(2_f64.powi(63))..2_f64.powi(63)).contains(&whole).then_some(Value::Long(whole as i64))
        }
        Type::Real => Some(Value::Real(value)),
        Type::Decimal => value.is_finite().then(|| Value::Decimal(real_text(value))),
        _ => None,
    }
}

fn from_text(text: &str, ty: Type) -> Option<Value> {
    match Value::parse(ty, text) {
        Some(Value::Null(_)) | None => match ty {
            // A number with a fraction is cut, as one without is read.
            Type::Int | Type::Long => number(text.trim().parse().ok()?, ty),
            _ => None,
        },
        Some(value) => Some(value),
    }
}

/// As `tostring` writes it.
pub(crate) fn to_text(value: &Value) -> String {
    match value {
        Value::Null(_) => String::new(),
        Value::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Real(value) => real_text(*value),
        Value::Decimal(text) | Value::String(text) => text.clone(),
        Value::Datetime(ticks) => format_datetime(*ticks),
        Value::Timespan(ticks) => format_timespan(*ticks),
        Value::Guid(value) => guid_text(*value),
        Value::Dynamic(text) => dynamic::plain(&dynamic::parse(text)),
    }
}

fn guid_text(value: u128) -> String {
    let digits = format!("{value:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// As .NET writes it: an exponent where the number is long.
pub(crate) fn real_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e15).contains(&size) {
        let text = format!("{value:E}");
        let Some((digits, exponent)) = text.split_once('E') else { return text };
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(rest) => ('-', rest),
            None => ('+', exponent),
        };
        return format!("{digits}E{sign}{exponent:0>2}");
    }
    value.to_string()
}

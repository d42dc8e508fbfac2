//! Values that stand in a query, and how their text is read and written.
//!
//! # Design notes
//! Moments and lengths of time are counted in ticks of 100 ns, as the language does; moments from the first of January of the
//! year 1. A `dynamic` is its JSON text. Every type has a null but `string`, whose null is the empty text.

mod datetime;
mod timespan;

use serde::Serialize;

pub use datetime::{format_datetime, parse_datetime};
pub use timespan::{format_timespan, parse_timespan, timespan_unit};

use crate::types::Type;

/// Ticks of a second.
pub const SECOND: i64 = 10_000_000;
/// Ticks of a day.
pub const DAY: i64 = 86_400 * SECOND;
/// 1970 in ticks.
pub const UNIX_EPOCH: i64 = 621_355_968_000_000_000;

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    Null(Type),
    Bool(bool),
    Int(i32),
    Long(i64),
    Real(f64),
    /// Digits as written: the engine knows its own decimals.
    Decimal(String),
    /// Ticks since the beginning of the year 1, in UTC.
    Datetime(i64),
    /// Ticks.
    Timespan(i64),
    Guid(u128),
    String(String),
    /// JSON text.
    Dynamic(String),
}

impl Value {
    pub fn ty(&self) -> Type {
        match self {
            Value::Null(ty) => *ty,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Long(_) => Type::Long,
            Value::Real(_) => Type::Real,
            Value::Decimal(_) => Type::Decimal,
            Value::Datetime(_) => Type::Datetime,
            Value::Timespan(_) => Type::Timespan,
            Value::Guid(_) => Type::Guid,
            Value::String(_) => Type::String,
            Value::Dynamic(_) => Type::Dynamic,
        }
    }

    pub fn null(ty: Type) -> Value {
        match ty {
            Type::String => Value::String(String::new()),
            other => Value::Null(other),
        }
    }

    /// The value of this type that a text means; `None` when it means none.
    pub fn parse(ty: Type, text: &str) -> Option<Value> {
        let text = text.trim();
        if text == "null" {
            return Some(Value::null(ty));
        }
        Some(match ty {
            Type::Bool => Value::Bool(parse_bool(text)?),
            Type::Int => Value::Int(parse_long(text)?.try_into().ok()?),
            Type::Long => Value::Long(parse_long(text)?),
            Type::Real => Value::Real(parse_real(text)?),
            Type::Decimal => Value::Decimal(parse_decimal(text)?),
            Type::Datetime => Value::Datetime(parse_datetime(text)?),
            Type::Timespan => Value::Timespan(parse_timespan(text)?),
            Type::Guid => Value::Guid(parse_guid(text)?),
            Type::String => Value::String(text.to_owned()),
            Type::Dynamic => Value::Dynamic(text.to_owned()),
        })
    }

    pub fn as_long(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(i64::from(*value)),
            Value::Long(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        other => other.parse::<i64>().ok().map(|number| number != 0),
    }
}

pub fn parse_long(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let value = match hex {
        Some(hex) => u64::from_str_radix(hex, 16).ok()? as i64,
        None if negative => return format!("-{digits}").parse().ok(),
        None => digits.parse().ok()?,
    };
    Some(if negative { value.wrapping_neg() } else { value })
}

fn parse_real(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "+inf" | "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    }
}

fn parse_decimal(text: &str) -> Option<String> {
    text.parse::<f64>().ok()?.is_finite().then(|| text.to_owned())
}

fn parse_guid(text: &str) -> Option<u128> {
    let text = text.trim_matches(|c| matches!(c, '{' | '}' | '"' | '\''));
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_written() {
        assert_eq!(Value::parse(Type::Long, "-9223372036854775808"), Some(Value::Long(i64::MIN)));
        assert_eq!(Value::parse(Type::Long, "0x1F"), Some(Value::Long(31)));
        assert_eq!(Value::parse(Type::Int, "null"), Some(Value::Null(Type::Int)));
        assert_eq!(Value::parse(Type::Int, "4000000000"), None);
        assert_eq!(Value::parse(Type::Bool, "TRUE"), Some(Value::Bool(true)));
        assert_eq!(Value::parse(Type::Real, "+inf"), Some(Value::Real(f64::INFINITY)));
        let guid = Value::parse(Type::Guid, "74be27de-1e4e-49d9-b579-fe0b331d3642");
        assert_eq!(guid, Some(Value::Guid(0x74be27de1e4e49d9b579fe0b331d3642)));
        assert_eq!(Value::parse(Type::Long, "one"), None);
    }
}

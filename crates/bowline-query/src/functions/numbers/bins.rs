//! Rounding: to multiples of a size, to digits.

use bowline_kql::{Type, Value};

use super::Call;
use crate::compare::{is_null, real};
use crate::convert;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let found = match name {
        "bin" | "floor" => {
            let one = Value::Long(1);
            bin(call.value(0), call.values.get(1).unwrap_or(&one), None, call.ty)
        }
        "bin_at" => bin(call.value(0), call.value(1), Some(call.value(2)), call.ty),
        "ceiling" => rounded(call, f64::ceil),
        "round" => match call.long(1) {
            None | Some(0) => rounded(call, f64::round),
            Some(digits) => {
                let factor = 10_f64.powi(i32::try_from(digits.clamp(-308, 308)).unwrap_or(0));
                rounded(call, |value| to_digits(value, digits, factor))
            }
        },
        _ => return None,
    };
    Some(call.or_null(found))
}

/// Down to a multiple of a size, counted from a start.
fn bin(value: &Value, size: &Value, start: Option<&Value>, ty: Type) -> Option<Value> {
    if is_null(value) || is_null(size) || start.is_some_and(is_null) {
        return None;
    }
    if let (Some(at), Some(size)) = (whole(value), whole(size))
        && start.is_none_or(|start| whole(start).is_some())
    {
        let start = start.and_then(whole).unwrap_or(0);
        let off = at.checked_sub(start)?;
        let below =
            if size > 0 { off.checked_sub(off.rem_euclid(size))?.checked_add(start)? } else { return None };
        return match ty {
            Type::Datetime => (below >= 0).then_some(Value::Datetime(below)),
            Type::Timespan => Some(Value::Timespan(below)),
            ty => convert::cast(&Value::Long(below), ty),
        };
    }
    let (at, size, start) = (real(value)?, real(size)?, start.map_or(Some(0.0), real)?);
    // The language's own way: a size of nothing or less has no multiples.
    (size > 0.0)
        .then(|| ((at - start) / size).floor() * size + start)
        .and_then(|value| convert::number(value, ty))
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Datetime(ticks) | Value::Timespan(ticks) => Some(*ticks),
        value => value.as_long(),
    }
}

fn rounded(call: &Call<'_>, round: impl Fn(f64) -> f64) -> Option<Value> {
    match call.value(0) {
        // What is whole already loses nothing on its way through a real.
        value @ (Value::Int(_) | Value::Long(_)) if call.long(1).unwrap_or(0) >= 0 => {
            convert::cast(value, call.ty)
        }
        value => convert::number(round(real(value)?), call.ty),
    }
}

/// Half goes away from zero, judged by the digits that the number is written with: 2.15 to one digit is 2.2.
fn to_digits(value: f64, digits: i64, factor: f64) -> f64 {
    if digits < 0 {
        return (value * factor).round() / factor;
    }
    let scaled = value * factor;
    if !scaled.is_finite() {
        return value;
    }
    let nudged = scaled + scaled.signum() * scaled.abs() * f64::EPSILON;
    nudged.round() / factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_go_down_also_below_zero() {
        let long = |at, size| bin(&Value::Long(at), &Value::Long(size), None, Type::Long);
        assert_eq!(long(-1, 5), Some(Value::Long(-5)));
        assert_eq!(long(7, 0), None);
        assert_eq!(long(7, -5), None);
        assert_eq!(long(i64::MIN, 7), None);
        assert_eq!(bin(&Value::Real(4.5), &Value::Long(1), None, Type::Real), Some(Value::Real(4.0)));
        assert_eq!(bin(&Value::Null(Type::Long), &Value::Long(1), None, Type::Long), None);
    }

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!(to_digits(2.15, 1, 10.0), 2.2);
        assert_eq!(to_digits(-2.15, 1, 10.0), -2.2);
        assert_eq!(to_digits(1250.0, -2, 0.01), 1300.0);
    }
}

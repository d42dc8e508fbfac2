//! Functions of numbers.

mod bins;
mod real;
mod special;

use bowline_kql::{Type, Value};

use super::Call;
use crate::compare::{is_null, order};
use crate::convert;
use crate::eval::Evaluated;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    bins::call(name, call).or_else(|| real::call(name, call)).or_else(|| whole(name, call)).map(Ok)
}

fn whole(name: &str, call: &Call<'_>) -> Option<Value> {
    let pair = || call.long(0).zip(call.long(1));
    let long = |value: Option<i64>| Some(value.map_or(Value::Null(Type::Long), Value::Long));
    match name {
        "max_of" | "min_of" => {
            let values = call.values.iter().filter(|value| !is_null(value));
            let best = if name == "max_of" {
                values.max_by(|a, b| order(a, b))
            } else {
                values.min_by(|a, b| order(a, b))
            };
            Some(call.or_null(best.and_then(|value| convert::cast(value, call.ty))))
        }
        "binary_and" => long(pair().map(|(a, b)| a & b)),
        "binary_or" => long(pair().map(|(a, b)| a | b)),
        "binary_xor" => long(pair().map(|(a, b)| a ^ b)),
        "binary_not" => long(call.long(0).map(|a| !a)),
        "binary_shift_left" => long(pair().map(|(a, b)| shift(a, b))),
        "binary_shift_right" => long(pair().map(|(a, b)| shift(a, b.saturating_neg()))),
        "bitset_count_ones" => long(call.long(0).map(|a| i64::from(a.count_ones()))),
        "rand" => Some(Value::Real(match call.long(0) {
            Some(below) if below > 1 => (call.run.random() * below as f64).floor(),
            _ => call.run.random(),
        })),
        "abs" => Some(match call.value(0) {
            Value::Timespan(ticks) => Value::Timespan(ticks.saturating_abs()),
            value => match value.as_long() {
                Some(whole) => call.or_null(convert::cast(&Value::Long(whole.saturating_abs()), call.ty)),
                None => call.or_null(call.real(0).and_then(|real| convert::number(real.abs(), call.ty))),
            },
        }),
        _ => None,
    }
}

/// To the left, or by a negative count to the right; 64 and more push everything out.
fn shift(value: i64, by: i64) -> i64 {
    let size = u32::try_from(by.unsigned_abs()).unwrap_or(u32::MAX);
    if by >= 0 {
        value.checked_shl(size).unwrap_or(0)
    } else {
        value.checked_shr(size).unwrap_or(if value < 0 { -1 } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_push_out_what_does_not_fit() {
        assert_eq!(shift(1, 2), 4);
        assert_eq!(shift(1, 64), 0);
        assert_eq!(shift(-8, -1), -4);
        assert_eq!(shift(-8, -70), -1);
        assert_eq!(shift(8, i64::MIN), 0);
    }
}

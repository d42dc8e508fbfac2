//! Functions of the calculator.

use std::f64::consts::PI;

use bowline_kql::{Type, Value};

use super::{Call, special};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    if let Some(function) = one(name) {
        let value = call.real(0).map(function);
        // Null, not NaN, where the function has no value.
        return Some(value.filter(|value| !value.is_nan()).map_or(Value::Null(Type::Real), Value::Real));
    }
    let truth = |test: fn(f64) -> bool| {
        Some(call.real(0).map_or(Value::Null(Type::Bool), |value| Value::Bool(test(value))))
    };
    let real = |value: Option<f64>| {
        Some(value.filter(|value| !value.is_nan()).map_or(Value::Null(Type::Real), Value::Real))
    };
    match name {
        "pi" => Some(Value::Real(PI)),
        "pow" => real(call.real(0).zip(call.real(1)).map(|(base, exponent)| base.powf(exponent))),
        "atan2" => real(call.real(0).zip(call.real(1)).map(|(y, x)| y.atan2(x))),
        "isnan" => truth(f64::is_nan),
        "isinf" => truth(f64::is_infinite),
        "isfinite" => truth(f64::is_finite),
        "beta_cdf" => real(three(call).and_then(|(x, a, b)| special::beta_cdf(x, a, b))),
        "beta_pdf" => real(three(call).and_then(|(x, a, b)| special::beta_pdf(x, a, b))),
        "beta_inv" => real(three(call).and_then(|(p, a, b)| special::beta_inverse(p, a, b))),
        _ => None,
    }
}

fn three(call: &Call<'_>) -> Option<(f64, f64, f64)> {
    Some((call.real(0)?, call.real(1)?, call.real(2)?))
}

/// A function of one real.
pub(crate) fn one(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "sqrt" => f64::sqrt,
        "exp" => f64::exp,
        "exp2" => f64::exp2,
        "exp10" => |value| 10_f64.powf(value),
        "log" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "cot" => |value| 1.0 / value.tan(),
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "degrees" => f64::to_degrees,
        "radians" => f64::to_radians,
        "sign" => |value| if value == 0.0 { 0.0 } else { value.signum() },
        "gamma" => special::gamma,
        "loggamma" => special::log_gamma,
        "erf" => special::erf,
        "erfc" => |value| 1.0 - special::erf(value),
        _ => return None,
    })
}

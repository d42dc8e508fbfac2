//! Counts, sums, means and how values are spread.

use std::collections::HashSet;

use bowline_kql::plan::{Aggregate, Op};
use bowline_kql::{Type, Value};

use super::Gather;
use crate::compare::{Key, is_null, key, real};
use crate::convert;
use crate::error::QueryError;
use crate::eval::arithmetic;
use crate::run::null;

pub(super) fn gather(name: &str, aggregate: &Aggregate) -> Option<Box<dyn Gather>> {
    let ty = aggregate.ty;
    Some(match name {
        "count" | "cnt" => Box::new(Count(0)),
        "sum" => Box::new(Sum { ty, sum: None }),
        "avg" => Box::new(Mean { ty, sum: 0.0, count: 0 }),
        "dcount" | "count_distinct" => Box::new(Distinct(HashSet::new())),
        "stdev" | "stdevp" | "variance" | "variancep" => Box::new(Spread {
            population: name.ends_with('p'),
            root: name.starts_with("stdev"),
            ..Spread::default()
        }),
        "covariance" | "covariancep" => {
            Box::new(Together { population: name.ends_with('p'), ..Together::default() })
        }
        "binary_all_and" | "binary_all_or" | "binary_all_xor" => {
            let join: fn(i64, i64) -> i64 = match name {
                "binary_all_and" => |a, b| a & b,
                "binary_all_or" => |a, b| a | b,
                _ => |a, b| a ^ b,
            };
            Box::new(Bits { join, value: None })
        }
        _ => return None,
    })
}

struct Count(i64);

impl Gather for Count {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        // `count(condition)` counts where it holds.
        self.0 += i64::from(values.first().is_none_or(|value| *value == Value::Bool(true)));
        Ok(())
    }

    fn give(&mut self) -> Value {
        Value::Long(self.0)
    }
}

struct Sum {
    ty: Type,
    sum: Option<Value>,
}

impl Gather for Sum {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        let Some(value) = values.first().and_then(|value| convert::cast(value, self.ty)) else {
            return Ok(());
        };
        self.sum = Some(match self.sum.take() {
            Some(sum) => arithmetic(Op::Add, self.ty, &sum, &value),
            None => value,
        });
        Ok(())
    }

    fn give(&mut self) -> Value {
        self.sum.take().unwrap_or_else(|| match self.ty {
            Type::Timespan => Value::Timespan(0),
            ty => convert::number(0.0, ty).unwrap_or_else(|| null(ty)),
        })
    }
}

struct Mean {
    ty: Type,
    sum: f64,
    count: u64,
}

impl Gather for Mean {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        let number = match values.first() {
            Some(Value::Datetime(ticks) | Value::Timespan(ticks)) => Some(*ticks as f64),
            Some(value) => real(value),
            None => None,
        };
        if let Some(number) = number {
            self.sum += number;
            self.count += 1;
        }
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "a mean of ticks lies between them")]
    fn give(&mut self) -> Value {
        if self.count == 0 {
            return match self.ty {
                Type::Real => Value::Real(f64::NAN),
                ty => null(ty),
            };
        }
        let mean = self.sum / self.count as f64;
        match self.ty {
            Type::Datetime => Value::Datetime(mean as i64),
            Type::Timespan => Value::Timespan(mean as i64),
            ty => convert::number(mean, ty).unwrap_or_else(|| null(ty)),
        }
    }
}

/// How many different values, exactly.
struct Distinct(HashSet<Key>);

impl Gather for Distinct {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        if let Some(value) = values.first().filter(|value| !is_null(value)) {
            let _ = self.0.insert(key(value));
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        Value::Long(i64::try_from(self.0.len()).unwrap_or(i64::MAX))
    }
}

/// Welford's method, so that large values lose no digits.
#[derive(Default)]
struct Spread {
    population: bool,
    root: bool,
    count: f64,
    mean: f64,
    squares: f64,
}

impl Gather for Spread {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        if let Some(value) = values.first().and_then(real) {
            self.count += 1.0;
            let off = value - self.mean;
            self.mean += off / self.count;
            self.squares += off * (value - self.mean);
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        let among = if self.population { self.count } else { self.count - 1.0 };
        if among <= 0.0 {
            return if self.count > 0.0 { Value::Real(0.0) } else { Value::Null(Type::Real) };
        }
        let variance = self.squares / among;
        Value::Real(if self.root { variance.sqrt() } else { variance })
    }
}

/// How two numbers vary together.
#[derive(Default)]
struct Together {
    population: bool,
    count: f64,
    mean: (f64, f64),
    product: f64,
}

impl Gather for Together {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        let number = |index: usize| values.get(index).and_then(real);
        if let (Some(x), Some(y)) = (number(0), number(1)) {
            self.count += 1.0;
            let off = x - self.mean.0;
            self.mean.0 += off / self.count;
            self.mean.1 += (y - self.mean.1) / self.count;
            self.product += off * (y - self.mean.1);
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        let among = if self.population { self.count } else { self.count - 1.0 };
        if among > 0.0 { Value::Real(self.product / among) } else { Value::Null(Type::Real) }
    }
}

struct Bits {
    join: fn(i64, i64) -> i64,
    value: Option<i64>,
}

impl Gather for Bits {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        if let Some(value) = values.first().and_then(Value::as_long) {
            self.value = Some(self.value.map_or(value, |before| (self.join)(before, value)));
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        self.value.map_or(Value::Null(Type::Long), Value::Long)
    }
}

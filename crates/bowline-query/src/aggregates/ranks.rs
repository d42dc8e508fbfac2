//! Aggregates that look at all values in order: percentiles.

use crate::json::Json;
use bowline_kql::plan::Aggregate;
use bowline_kql::{Type, Value};

use super::Gather;
use crate::compare::{is_null, order, real};
use crate::error::QueryError;
use crate::run::null;
use crate::{convert, dynamic};

pub(super) fn gather(name: &str, aggregate: &Aggregate) -> Option<Box<dyn Gather>> {
    let (weighted, list) = match name {
        "percentile" | "percentiles" => (false, false),
        "percentiles_array" => (false, true),
        "percentilew" | "percentilesw" => (true, false),
        "percentilesw_array" => (true, true),
        _ => return None,
    };
    let ty = aggregate.ty;
    Some(Box::new(Percentile { ty, weighted, list, total: 0, values: Vec::new(), at: Vec::new() }))
}

/// The values at ranks: the smallest that is not below so many percent of the values.
struct Percentile {
    ty: Type,
    weighted: bool,
    /// Whether several ranks are asked for, as a list.
    list: bool,
    total: i64,
    values: Vec<(Value, i64)>,
    at: Vec<f64>,
}

impl Gather for Percentile {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        let first = 1 + usize::from(self.weighted);
        if self.at.is_empty() {
            for one in values.iter().skip(first) {
                match dynamic::to_json(one) {
                    Json::Array(list) => self.at.extend(list.iter().filter_map(Json::as_f64)),
                    _ => self.at.extend(real(one)),
                }
            }
        }
        let weight = if self.weighted { values.get(1).and_then(Value::as_long).unwrap_or(0) } else { 1 };
        if let Some(value) = values.first().filter(|value| !is_null(value) && weight > 0) {
            self.total = self.total.saturating_add(weight);
            self.values.push((value.clone(), weight));
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        self.values.sort_by(|(a, _), (b, _)| order(a, b));
        if self.list {
            let all: Vec<Json> = self.at.iter().map(|at| dynamic::to_json(&self.value(*at))).collect();
            return dynamic::of(&Json::Array(all));
        }
        let found = self.value(self.at.first().copied().unwrap_or(50.0));
        convert::cast(&found, self.ty).unwrap_or_else(|| null(self.ty))
    }
}

impl Percentile {
    fn value(&self, at: f64) -> Value {
        let wanted = at.clamp(0.0, 100.0) / 100.0 * self.total as f64;
        let mut before = 0.0;
        let found = self.values.iter().find(|(_, weight)| {
            before += *weight as f64;
            // A hair of rounding is no rank of its own.
            before + 1e-9 >= wanted
        });
        found.or(self.values.last()).map_or_else(|| null(self.ty), |(value, _)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentile(weighted: bool, values: &[(i64, i64)], at: f64) -> Value {
        let mut all = Percentile {
            ty: Type::Long,
            weighted,
            list: false,
            total: 0,
            values: Vec::new(),
            at: Vec::new(),
        };
        for (value, weight) in values {
            let mut row = vec![Value::Long(*value)];
            row.extend(weighted.then_some(Value::Long(*weight)));
            row.push(Value::Real(at));
            all.take(&row).unwrap();
        }
        all.give()
    }

    #[test]
    fn ranks_are_those_of_the_values_and_of_their_weights() {
        let latencies = [(10, 8), (20, 6), (30, 3), (40, 1)];
        assert_eq!(percentile(true, &latencies, 50.0), Value::Long(20));
        assert_eq!(percentile(true, &latencies, 99.9), Value::Long(40));
        assert_eq!(percentile(false, &latencies, 0.0), Value::Long(10));
        assert_eq!(percentile(false, &latencies, 1000.0), Value::Long(40));
        assert_eq!(percentile(true, &[(1, -5)], 50.0), Value::Null(Type::Long));
        assert_eq!(percentile(false, &[], 50.0), Value::Null(Type::Long));
    }
}

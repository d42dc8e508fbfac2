//! Aggregates: each takes the rows of a group one by one and gives a value.

mod lists;
mod numbers;
mod picks;
mod ranks;
mod schema;

use bowline_kql::Value;
use bowline_kql::plan::Aggregate;

use crate::error::QueryError;

/// What gathers the rows of one group.
pub(crate) trait Gather: Send + Sync {
    /// Takes the arguments over one row.
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError>;

    /// The value of the group.
    fn give(&mut self) -> Value;
}

/// An empty group of an aggregate.
pub(crate) fn gather(aggregate: &Aggregate) -> Result<Box<dyn Gather>, QueryError> {
    // `countif` and its like are the aggregate of the rows where their condition holds.
    let (name, condition) = match aggregate.function {
        "countif" => ("count", Some(0)),
        "anyif" => ("take_any", Some(1)),
        "take_anyif" => ("take_any", Some(1)),
        "covarianceif" | "covariancepif" => (aggregate.function.trim_end_matches("if"), Some(2)),
        name => match name.strip_suffix("_if").or_else(|| name.strip_suffix("if")) {
            Some(plain) if bowline_kql::functions::aggregate(plain).is_some() => (plain, Some(1)),
            _ => (name, None),
        },
    };
    let plain = numbers::gather(name, aggregate)
        .or_else(|| lists::gather(name, aggregate))
        .or_else(|| picks::gather(name, aggregate))
        .or_else(|| ranks::gather(name, aggregate))
        .or_else(|| schema::gather(name, aggregate))
        .ok_or_else(|| QueryError::unsupported(format!("{}()", aggregate.function)))?;
    Ok(match condition {
        Some(index) => Box::new(Where { index, plain }),
        None => plain,
    })
}

/// Only rows where a condition holds.
struct Where {
    index: usize,
    plain: Box<dyn Gather>,
}

impl Gather for Where {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        if values.get(self.index) != Some(&Value::Bool(true)) {
            return Ok(());
        }
        let others: Vec<Value> =
            values.iter().enumerate().filter(|(at, _)| *at != self.index).map(|(_, v)| v.clone()).collect();
        self.plain.take(&others)
    }

    fn give(&mut self) -> Value {
        self.plain.give()
    }
}

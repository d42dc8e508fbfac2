//! Aggregates that pick one of the values.

use std::cmp::Ordering;

use bowline_kql::plan::Aggregate;
use bowline_kql::{Type, Value};

use super::Gather;
use crate::compare::{is_null, order};
use crate::error::QueryError;
use crate::run::null;

pub(super) fn gather(name: &str, aggregate: &Aggregate) -> Option<Box<dyn Gather>> {
    let ty = aggregate.ty;
    Some(match name {
        "min" => Box::new(Extreme { ty, wanted: Ordering::Less, best: None, given: 0 }),
        "max" => Box::new(Extreme { ty, wanted: Ordering::Greater, best: None, given: 0 }),
        "arg_min" | "argmin" => Box::new(Extreme { ty, wanted: Ordering::Less, best: None, given: 1 }),
        "arg_max" | "argmax" => Box::new(Extreme { ty, wanted: Ordering::Greater, best: None, given: 1 }),
        "take_any" | "any" | "passthrough" => Box::new(Any { ty, found: None }),
        _ => return None,
    })
}

/// The smallest or largest, and what to give of its row. The first of equals.
struct Extreme {
    ty: Type,
    wanted: Ordering,
    best: Option<Vec<Value>>,
    given: usize,
}

impl Gather for Extreme {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        let Some(value) = values.first() else { return Ok(()) };
        let better = match &self.best {
            _ if is_null(value) => self.best.is_none() && self.given > 0,
            None => true,
            Some(best) => is_null(&best[0]) || order(value, &best[0]) == self.wanted,
        };
        if better {
            self.best = Some(values.to_vec());
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        let best = self.best.take();
        best.and_then(|values| values.into_iter().nth(self.given)).unwrap_or_else(|| null(self.ty))
    }
}

/// The first that is something.
struct Any {
    ty: Type,
    found: Option<Value>,
}

impl Gather for Any {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        if self.found.as_ref().is_none_or(is_null) {
            self.found = values.first().cloned().or(self.found.take());
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        self.found.take().unwrap_or_else(|| null(self.ty))
    }
}

//! Aggregates that gather values in a list, a set or a bag.

use std::collections::HashSet;

use crate::json::{Json, Map};
use bowline_kql::Value;
use bowline_kql::plan::Aggregate;

use super::Gather;
use crate::compare::{Key, is_null, key};
use crate::dynamic;
use crate::error::QueryError;

/// The most elements of a list where the query names no number, as in Kusto.
const MOST: usize = 1_048_576;

pub(super) fn gather(name: &str, _aggregate: &Aggregate) -> Option<Box<dyn Gather>> {
    Some(match name {
        "make_list" | "makelist" => Box::new(List { nulls: false, seen: None, list: Vec::new() }),
        "make_list_with_nulls" => Box::new(List { nulls: true, seen: None, list: Vec::new() }),
        "make_set" | "makeset" => {
            Box::new(List { nulls: false, seen: Some(HashSet::new()), list: Vec::new() })
        }
        "make_bag" | "make_dictionary" => Box::new(Bag(Map::new())),
        _ => return None,
    })
}

struct List {
    nulls: bool,
    /// Of a set: what is in it.
    seen: Option<HashSet<Key>>,
    list: Vec<Json>,
}

impl Gather for List {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        let Some(value) = values.first() else { return Ok(()) };
        let most = values.get(1).and_then(Value::as_long).and_then(|most| usize::try_from(most).ok());
        if self.list.len() >= most.unwrap_or(MOST) || (is_null(value) && !self.nulls) {
            return Ok(());
        }
        let json = dynamic::to_json(value);
        // A set of lists is the set of their elements.
        match (&mut self.seen, json) {
            (Some(seen), Json::Array(elements)) => {
                for one in elements {
                    if seen.insert(key(&dynamic::of(&one))) {
                        self.list.push(one);
                    }
                }
            }
            (Some(seen), json) => {
                if seen.insert(key(&dynamic::of(&json))) {
                    self.list.push(json);
                }
            }
            (None, json) => self.list.push(json),
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        dynamic::of(&Json::Array(std::mem::take(&mut self.list)))
    }
}

/// Bags into one; the first value of a key stays.
struct Bag(Map<String, Json>);

impl Gather for Bag {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        let most = values.get(1).and_then(Value::as_long).and_then(|most| usize::try_from(most).ok());
        if let Some(Json::Object(bag)) = values.first().map(dynamic::to_json) {
            for (key, value) in bag {
                if self.0.len() < most.unwrap_or(MOST) || self.0.contains_key(&key) {
                    let _ = self.0.entry(key).or_insert(value);
                }
            }
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        dynamic::of(&Json::Object(std::mem::take(&mut self.0)))
    }
}

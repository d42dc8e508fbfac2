//! `buildschema`: what the values of a `dynamic` look like.

use bowline_kql::Value;
use bowline_kql::plan::Aggregate;

use super::Gather;
use crate::dynamic;
use crate::error::QueryError;
use crate::json::{Json, Map};

pub(super) fn gather(name: &str, _aggregate: &Aggregate) -> Option<Box<dyn Gather>> {
    match name {
        "buildschema" | "build_schema" => Some(Box::new(Shape::default())),
        _ => None,
    }
}

/// The types that stood in one place, and what is inside of its bags and lists.
#[derive(Default)]
struct Shape {
    types: Vec<&'static str>,
    keys: Option<Map<String, Shape>>,
    members: Option<Box<Shape>>,
}

impl Shape {
    fn add(&mut self, json: &Json) {
        let name = match json {
            Json::Null => return,
            Json::Bool(_) => "bool",
            Json::Number(number) if number.is_f64() => "double",
            Json::Number(_) => "long",
            Json::String(_) => "string",
            Json::Array(list) => {
                let members = self.members.get_or_insert_default();
                list.iter().for_each(|one| members.add(one));
                return;
            }
            Json::Object(bag) => {
                let keys = self.keys.get_or_insert_default();
                bag.iter().for_each(|(key, value)| keys.entry(key.clone()).or_default().add(value));
                return;
            }
        };
        if !self.types.contains(&name) {
            self.types.push(name);
        }
    }

    /// One type by itself, several as a list.
    fn to_json(&self) -> Json {
        let mut all: Vec<Json> = self.types.iter().map(|name| Json::from(*name)).collect();
        if let Some(keys) = &self.keys {
            all.push(Json::Object(keys.iter().map(|(key, shape)| (key.clone(), shape.to_json())).collect()));
        }
        if let Some(members) = &self.members {
            all.push(crate::json::bag([("`indexer`", members.to_json())]));
        }
        match all.len() {
            1 => all.remove(0),
            _ => Json::Array(all),
        }
    }
}

impl Gather for Shape {
    fn take(&mut self, values: &[Value]) -> Result<(), QueryError> {
        if let Some(value) = values.first() {
            self.add(&dynamic::to_json(value));
        }
        Ok(())
    }

    fn give(&mut self) -> Value {
        dynamic::of(&self.to_json())
    }
}

//! Schemas of the resource types, from their shape tables.
//!
//! A description of one api-version says what is required and which texts a property may have; the one from which clients are generated
//! leaves that to the server, so that a client of today reads what a server of tomorrow sends.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bowline_arm::ApiVersion;
use bowline_arm::types::{Access, Kind, Node, Shape};
use bowline_control::provider::Spec;
use serde_json::{Map, Value, json};

use super::capital;

type Schemas = BTreeMap<String, Value>;

/// Adds the schemas of a type and of its list.
pub(super) fn of_resource(spec: &Spec, name: &str, version: Option<&ApiVersion>, schemas: &mut Schemas) {
    let shape: &Shape = LazyLock::force(spec.shape);
    let mut object = node_schema(&shape.root, name, version, schemas);
    for member in ["id", "name", "type"] {
        object["properties"][member] = json!({"type": "string", "readOnly": true});
    }
    object["properties"]["systemData"] = json!({"$ref": "#/components/schemas/SystemData"});
    if version.is_none() {
        object["required"] = json!(["id", "name", "type"]);
    }
    object["x-api-versions"] = json!(shape.versions);
    schemas.insert(name.to_owned(), object);
    let item = json!({"$ref": format!("#/components/schemas/{name}")});
    schemas.insert(format!("{name}List"), json!({"type": "object", "required": ["value"], "properties": {"value": {"type": "array", "items": item}, "nextLink": {"type": "string"}}}));
}

fn node_schema(node: &Node, name: &str, version: Option<&ApiVersion>, schemas: &mut Schemas) -> Value {
    let members = || node.members.iter().filter(|(_, child)| version.is_none_or(|v| child.exists_in(v)));
    let properties: Map<String, Value> = members()
        .map(|(member, child)| {
            let mut schema = member_schema(child, &format!("{name}{}", capital(member)), version, schemas);
            match child.access {
                Access::ReadOnly => schema["readOnly"] = true.into(),
                Access::WriteOnly | Access::Secret => schema["writeOnly"] = true.into(),
                Access::ReadWrite => {}
            }
            (member.clone(), schema)
        })
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    let required: Vec<&String> = members().filter(|(_, c)| c.required).map(|(member, _)| member).collect();
    if version.is_some() && !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn member_schema(node: &Node, name: &str, version: Option<&ApiVersion>, schemas: &mut Schemas) -> Value {
    if node.members.is_empty() {
        let mut schema = kind_schema(node.kind.unwrap_or(Kind::Any));
        if version.is_some() && !node.values.is_empty() {
            schema["x-ms-enum"] = json!({"modelAsString": node.open, "values": node.values});
            if !node.open {
                schema["enum"] = json!(node.values);
            }
        }
        return schema;
    }
    let schema = node_schema(node, name, version, schemas);
    schemas.insert(name.to_owned(), schema);
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    if node.array { json!({"type": "array", "items": reference}) } else { reference }
}

fn kind_schema(kind: Kind) -> Value {
    match kind {
        Kind::String => json!({"type": "string"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Strings => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Array => json!({"type": "array", "items": {}}),
        Kind::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::Any => json!({"type": "object", "additionalProperties": true}),
    }
}

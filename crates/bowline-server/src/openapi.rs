//! Renders the OpenAPI description from the registry: no path or property is written down twice.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bowline_arm::types::{Access, Kind, Node, Shape};
use bowline_control::provider::{Placement, ResourceProvider, Spec};
use bowline_control::registry::Registry;
use serde_json::{Map, Value, json};

/// Parts that are not ARM resources: the portal's session, live events, the inventory.
const FIXED: &str = include_str!("openapi/fixed.json");

/// The description as committed text.
#[must_use]
pub fn render_text() -> String {
    let mut text = serde_json::to_string_pretty(&render()).unwrap_or_default();
    text.push('\n');
    text
}

/// The description.
#[must_use]
pub fn render() -> Value {
    let registry = Registry::default();
    let fixed: Value = serde_json::from_str(FIXED).unwrap_or_default();
    let mut paths: BTreeMap<String, Value> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for provider in registry.all() {
        let name = singular(provider.spec());
        resource_schemas(provider.spec(), &name, &mut schemas);
        resource_paths(&**provider, &name, &mut paths);
    }
    merge(&mut paths, &fixed["paths"]);
    merge(&mut schemas, &fixed["schemas"]);
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Bowline", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "Apache-2.0"},
                 "description": "Azure Resource Manager's dialect for the types that Bowline serves, in their newest api-versions; older ones are listed in x-api-versions."},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
        "security": [{"bearer": []}],
    })
}

fn merge(target: &mut BTreeMap<String, Value>, source: &Value) {
    for (name, value) in source.as_object().into_iter().flatten() {
        target.insert(name.clone(), value.clone());
    }
}

/// `ConnectedCluster` of `Microsoft.Kubernetes/connectedClusters`, `MachineExtension` of `Microsoft.HybridCompute/machines/extensions`.
fn singular(spec: &Spec) -> String {
    kinds(spec).map(|kind| capital(&one(kind))).collect()
}

/// `MachineExtensions` of `Microsoft.HybridCompute/machines/extensions`.
fn plural(spec: &Spec) -> String {
    let mut kinds: Vec<&str> = kinds(spec).collect();
    let last = kinds.pop().unwrap_or_default();
    kinds.into_iter().map(|kind| capital(&one(kind))).chain([capital(last)]).collect()
}

/// The parts of a type behind its namespace.
fn kinds(spec: &Spec) -> impl Iterator<Item = &'static str> {
    spec.resource_type.split('/').skip(1)
}

fn one(kind: &str) -> String {
    match kind {
        "agentSettings" => kind.to_owned(),
        "aliases" => "alias".to_owned(),
        _ => match kind.strip_suffix("ies") {
            Some(stem) => format!("{stem}y"),
            None => kind.strip_suffix('s').unwrap_or(kind).to_owned(),
        },
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn resource_schemas(spec: &Spec, name: &str, schemas: &mut BTreeMap<String, Value>) {
    let shape: &Shape = LazyLock::force(spec.shape);
    let mut object = node_schema(&shape.root, name, schemas);
    for member in ["id", "name", "type"] {
        object["properties"][member] = json!({"type": "string", "readOnly": true});
    }
    object["properties"]["systemData"] = json!({"$ref": "#/components/schemas/SystemData"});
    object["required"] = json!(["id", "name", "type"]);
    object["x-api-versions"] = json!(shape.versions);
    schemas.insert(name.to_owned(), object);
    let item = json!({"$ref": format!("#/components/schemas/{name}")});
    schemas.insert(format!("{name}List"), json!({"type": "object", "required": ["value"], "properties": {"value": {"type": "array", "items": item}, "nextLink": {"type": "string"}}}));
}

fn node_schema(node: &Node, name: &str, schemas: &mut BTreeMap<String, Value>) -> Value {
    let properties: Map<String, Value> = node
        .members
        .iter()
        .map(|(member, child)| {
            let mut schema = member_schema(child, &format!("{name}{}", capital(member)), schemas);
            match child.access {
                Access::ReadOnly => schema["readOnly"] = true.into(),
                Access::WriteOnly | Access::Secret => schema["writeOnly"] = true.into(),
                Access::ReadWrite => {}
            }
            (member.clone(), schema)
        })
        .collect();
    json!({"type": "object", "properties": properties})
}

fn member_schema(node: &Node, name: &str, schemas: &mut BTreeMap<String, Value>) -> Value {
    if node.members.is_empty() {
        return match node.kind.unwrap_or(Kind::Any) {
            Kind::String => json!({"type": "string"}),
            Kind::Number => json!({"type": "number"}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Strings => json!({"type": "array", "items": {"type": "string"}}),
            Kind::Array => json!({"type": "array", "items": {}}),
            Kind::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            Kind::Any => json!({"type": "object", "additionalProperties": true}),
        };
    }
    let schema = node_schema(node, name, schemas);
    schemas.insert(name.to_owned(), schema);
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    if node.array { json!({"type": "array", "items": reference}) } else { reference }
}

fn resource_paths(provider: &dyn ResourceProvider, name: &str, paths: &mut BTreeMap<String, Value>) {
    let spec = provider.spec();
    let variable = variable(kinds(spec).last().unwrap_or_default());
    let group = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";
    let typed = format!("/providers/{}", spec.resource_type);
    let (scopes, item): (Vec<String>, String) = match (spec.placement, name) {
        (Placement::Tenant, "Subscription") => {
            (vec!["/subscriptions".to_owned()], "/subscriptions/{subscriptionId}".to_owned())
        }
        (Placement::Tenant, _) => (vec![typed.clone()], format!("{typed}/{{{variable}}}")),
        (Placement::Subscription, _) => {
            (vec!["/subscriptions/{subscriptionId}/resourceGroups".to_owned()], group.to_owned())
        }
        (Placement::ResourceGroup, _) => (
            vec![format!("/subscriptions/{{subscriptionId}}{typed}"), format!("{group}{typed}")],
            format!("{group}{typed}/{{{variable}}}"),
        ),
        (Placement::Child, _) => {
            let own = format!("{}/{{{variable}}}", child_path(spec, group));
            (vec![child_path(spec, group)], own)
        }
        (Placement::Extension, _) => {
            (vec![format!("/{{scope}}{typed}")], format!("/{{scope}}{typed}/{{{variable}}}"))
        }
    };
    let operation = plural(spec);
    for (index, scope) in scopes.iter().enumerate() {
        let by = match (spec.placement, index) {
            (Placement::ResourceGroup, 0) => "ListBySubscription",
            (Placement::ResourceGroup, _) => "ListByResourceGroup",
            _ => "List",
        };
        let answer = json!({"200": content(&format!("{name}List")), "default": content("ErrorResponse")});
        let mut parameters = parameters(scope, spec);
        parameters.extend([
            json!({"name": "$top", "in": "query", "schema": {"type": "integer"}}),
            json!({"name": "$filter", "in": "query", "schema": {"type": "string"}}),
        ]);
        paths.insert(scope.clone(), json!({"get": {"operationId": format!("{operation}_{by}"), "parameters": parameters, "responses": answer}}));
    }
    let mut verbs = Map::new();
    verbs
        .insert("get".to_owned(), verb(spec, &item, &format!("{operation}_Get"), None, &[(200, Some(name))]));
    if spec.writable {
        let body = Some(name);
        verbs.insert(
            "put".to_owned(),
            verb(
                spec,
                &item,
                &format!("{operation}_CreateOrUpdate"),
                body,
                &[(spec.statuses.created, Some(name)), (spec.statuses.updated, Some(name))],
            ),
        );
        verbs.insert(
            "patch".to_owned(),
            verb(spec, &item, &format!("{operation}_Update"), body, &[(200, Some(name))]),
        );
        verbs.insert(
            "delete".to_owned(),
            verb(
                spec,
                &item,
                &format!("{operation}_Delete"),
                None,
                &[(spec.statuses.deleted, None), (202, None), (204, None)],
            ),
        );
    }
    for view in provider.views() {
        let get =
            verb(spec, &item, &format!("{operation}_Get{}", capital(view)), None, &[(200, Some("Any"))]);
        paths.insert(format!("{item}/{view}"), json!({ "get": get }));
    }
    for action in provider.actions() {
        let post = verb(
            spec,
            &item,
            &format!("{operation}_{}", capital(action)),
            Some("Any"),
            &[(200, Some("Any"))],
        );
        paths.insert(format!("{item}/{action}"), json!({ "post": post }));
    }
    paths.insert(item, Value::Object(verbs));
}

/// `machineName` of `machines`.
fn variable(kind: &str) -> String {
    format!("{}Name", one(kind))
}

/// The list of a nested type: `…/machines/{machineName}/extensions`.
fn child_path(spec: &Spec, group: &str) -> String {
    let (namespace, kinds) = spec.resource_type.split_once('/').unwrap_or_default();
    let (parents, last) = kinds.rsplit_once('/').unwrap_or_default();
    let parents: String = parents.split('/').map(|kind| format!("/{kind}/{{{}}}", variable(kind))).collect();
    format!("{group}/providers/{namespace}{parents}/{last}")
}

fn content(schema: &str) -> Value {
    json!({"description": schema, "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}}})
}

fn verb(spec: &Spec, path: &str, id: &str, body: Option<&str>, answers: &[(u16, Option<&str>)]) -> Value {
    let mut responses = Map::new();
    for (status, schema) in answers {
        responses.insert(
            status.to_string(),
            schema.map_or_else(|| json!({"description": "Done, accepted or absent"}), content),
        );
    }
    responses.insert("default".to_owned(), content("ErrorResponse"));
    let mut operation =
        json!({"operationId": id, "parameters": parameters(path, spec), "responses": responses});
    if let Some(body) = body {
        operation["requestBody"] = content(body);
    }
    operation
}

fn parameters(path: &str, spec: &Spec) -> Vec<Value> {
    let mut parameters: Vec<Value> = path
        .split('{')
        .skip(1)
        .filter_map(|part| part.split('}').next())
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.push(json!({"name": "api-version", "in": "query", "required": true, "schema": {"type": "string", "default": spec.shape.latest().to_string()}}));
    parameters
}

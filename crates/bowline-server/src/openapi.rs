//! Renders the OpenAPI description from the registry: no path or property is written down twice.

mod schemas;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bowline_arm::ApiVersion;
use bowline_control::provider::{Placement, ResourceProvider, Spec};
use bowline_control::registry::Registry;
use serde_json::{Map, Value, json};

/// Parts that are not ARM resources: the portal's session, live events, the inventory.
const FIXED: &str = include_str!("openapi/fixed.json");

/// Every description as committed: its path under `openapi/` and its text.
#[must_use]
pub fn render_all() -> BTreeMap<String, String> {
    let registry = Registry::default();
    let mut all = BTreeMap::from([(NEWEST.to_owned(), text(&newest(&registry)))]);
    for (namespace, versions) in namespaces(&registry) {
        for version in versions {
            let path = format!("{}/{version}.json", namespace.to_ascii_lowercase());
            all.insert(path, text(&of_version(&registry, namespace, version)));
        }
    }
    all
}

/// The table of types and api-versions from which the command line's client takes its own: what is not described does not compile there.
#[must_use]
pub fn client_types() -> String {
    let registry = Registry::default();
    let mut lines: Vec<String> = registry
        .all()
        .iter()
        .map(|provider| {
            let spec = provider.spec();
            let versions: Vec<String> =
                spec.shape.versions.iter().map(|version| format!("\"{version}\"")).collect();
            format!("    (\"{}\", &[{}]),\n", spec.resource_type, versions.join(", "))
        })
        .collect();
    lines.sort();
    format!(
        "//! Every type and its api-versions, rendered with `openapi/` by `cargo xtask gen`.\n\n/// See the module.\n#[rustfmt::skip]\npub(crate) const TYPES: &[(&str, &[&str])] = &[\n{}];\n",
        lines.concat()
    )
}

/// One description by its path under `openapi/`, without rendering the others.
#[must_use]
pub fn render_one(path: &str) -> Option<String> {
    let registry = Registry::default();
    if path == NEWEST {
        return Some(text(&newest(&registry)));
    }
    let (folder, version) = path.strip_suffix(".json").unwrap_or(path).split_once('/')?;
    let asked: ApiVersion = version.parse().ok()?;
    let namespaces = namespaces(&registry);
    let (namespace, versions) = namespaces.iter().find(|(name, _)| name.eq_ignore_ascii_case(folder))?;
    versions.contains(&asked).then(|| text(&of_version(&registry, namespace, &asked)))
}

/// The paths of all descriptions.
#[must_use]
pub fn paths() -> Vec<String> {
    let registry = Registry::default();
    let own = std::iter::once(NEWEST.to_owned());
    own.chain(namespaces(&registry).into_iter().flat_map(|(namespace, versions)| {
        let folder = namespace.to_ascii_lowercase();
        versions.into_iter().map(move |version| format!("{folder}/{version}.json"))
    }))
    .collect()
}

/// The one description of everything in its newest version, from which the portal's and the CLI's clients are generated.
const NEWEST: &str = "bowline.json";

fn text(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// Namespaces in the order of the registry, with the versions that any of their types has.
fn namespaces(registry: &Registry) -> BTreeMap<&'static str, BTreeSet<&'static ApiVersion>> {
    let mut found: BTreeMap<&str, BTreeSet<&ApiVersion>> = BTreeMap::new();
    for provider in registry.all() {
        let spec = provider.spec();
        found.entry(namespace(spec)).or_default().extend(&LazyLock::force(spec.shape).versions);
    }
    found
}

fn namespace(spec: &Spec) -> &'static str {
    spec.resource_type.split('/').next().unwrap_or_default()
}

/// Everything, in its newest version.
fn newest(registry: &Registry) -> Value {
    let mut document = Document::new(None);
    for provider in registry.all() {
        document.add(&**provider);
    }
    let fixed: Value = serde_json::from_str(FIXED).unwrap_or_default();
    merge(&mut document.paths, &fixed["paths"]);
    document.finish(
        "Bowline",
        env!("CARGO_PKG_VERSION"),
        "Azure Resource Manager's dialect for the types that Bowline serves, in their newest api-versions; older ones are listed in x-api-versions.",
    )
}

/// One namespace in one version: the types that exist in it, with the properties that it has.
fn of_version(registry: &Registry, name: &str, version: &ApiVersion) -> Value {
    let mut document = Document::new(Some(version));
    for provider in registry.all() {
        let spec = provider.spec();
        let born = LazyLock::force(spec.shape).versions.iter().min();
        if namespace(spec).eq_ignore_ascii_case(name) && born.is_some_and(|born| born <= version) {
            document.add(&**provider);
        }
    }
    document.finish(
        name,
        &version.to_string(),
        &format!("What Bowline serves of {name} in the api-version {version}. Other well-formed versions are served as the nearest earlier one."),
    )
}

/// A description that is being made.
struct Document<'a> {
    version: Option<&'a ApiVersion>,
    paths: BTreeMap<String, Value>,
    schemas: BTreeMap<String, Value>,
}

impl<'a> Document<'a> {
    fn new(version: Option<&'a ApiVersion>) -> Self {
        Self { version, paths: BTreeMap::new(), schemas: BTreeMap::new() }
    }

    fn add(&mut self, provider: &dyn ResourceProvider) {
        let name = singular(provider.spec());
        schemas::of_resource(provider.spec(), &name, self.version, &mut self.schemas);
        let asked = self.version.unwrap_or_else(|| provider.spec().shape.latest());
        resource_paths(provider, &name, asked, &mut self.paths);
    }

    fn finish(mut self, title: &str, version: &str, description: &str) -> Value {
        let fixed: Value = serde_json::from_str(FIXED).unwrap_or_default();
        for (name, schema) in fixed["schemas"].as_object().into_iter().flatten() {
            if self.version.is_none() || SHARED.contains(&name.as_str()) {
                self.schemas.insert(name.clone(), schema.clone());
            }
        }
        json!({
            "openapi": "3.1.0",
            "info": {"title": title, "version": version, "license": {"name": "Apache-2.0"}, "description": description},
            "paths": self.paths,
            "components": {"schemas": self.schemas, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
            "security": [{"bearer": []}],
        })
    }
}

/// Schemas that every description has.
const SHARED: [&str; 4] = ["Any", "ErrorDetail", "ErrorResponse", "SystemData"];

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

fn resource_paths(
    provider: &dyn ResourceProvider,
    name: &str,
    version: &ApiVersion,
    paths: &mut BTreeMap<String, Value>,
) {
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
        let mut parameters = parameters(scope, version);
        parameters.extend([
            json!({"name": "$top", "in": "query", "schema": {"type": "integer"}}),
            json!({"name": "$filter", "in": "query", "schema": {"type": "string"}}),
        ]);
        paths.insert(scope.clone(), json!({"get": {"operationId": format!("{operation}_{by}"), "parameters": parameters, "responses": answer}}));
    }
    let mut verbs = Map::new();
    verbs.insert(
        "get".to_owned(),
        verb(version, &item, &format!("{operation}_Get"), None, &[(200, Some(name))]),
    );
    if spec.writable {
        let body = Some(name);
        verbs.insert(
            "put".to_owned(),
            verb(
                version,
                &item,
                &format!("{operation}_CreateOrUpdate"),
                body,
                &[(spec.statuses.created, Some(name)), (spec.statuses.updated, Some(name))],
            ),
        );
        verbs.insert(
            "patch".to_owned(),
            verb(version, &item, &format!("{operation}_Update"), body, &[(200, Some(name))]),
        );
        verbs.insert(
            "delete".to_owned(),
            verb(
                version,
                &item,
                &format!("{operation}_Delete"),
                None,
                &[(spec.statuses.deleted, None), (202, None), (204, None)],
            ),
        );
    }
    for view in provider.views() {
        let get =
            verb(version, &item, &format!("{operation}_Get{}", capital(view)), None, &[(200, Some("Any"))]);
        paths.insert(format!("{item}/{view}"), json!({ "get": get }));
    }
    for action in provider.actions() {
        let post = verb(
            version,
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

fn verb(
    version: &ApiVersion,
    path: &str,
    id: &str,
    body: Option<&str>,
    answers: &[(u16, Option<&str>)],
) -> Value {
    let mut responses = Map::new();
    for (status, schema) in answers {
        responses.insert(
            status.to_string(),
            schema.map_or_else(|| json!({"description": "Done, accepted or absent"}), content),
        );
    }
    responses.insert("default".to_owned(), content("ErrorResponse"));
    let mut operation =
        json!({"operationId": id, "parameters": parameters(path, version), "responses": responses});
    if let Some(body) = body {
        operation["requestBody"] = content(body);
    }
    operation
}

fn parameters(path: &str, version: &ApiVersion) -> Vec<Value> {
    let mut parameters: Vec<Value> = path
        .split('{')
        .skip(1)
        .filter_map(|part| part.split('}').next())
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.push(json!({"name": "api-version", "in": "query", "required": true, "schema": {"type": "string", "default": version.to_string()}}));
    parameters
}

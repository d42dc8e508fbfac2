//! One resource type's wire shape as a table: properties, since when they exist, and who may set and see them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{ApiVersion, Error};

/// Who sets a property and who sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// The caller sets it, everybody who may read the resource sees it.
    #[default]
    ReadWrite,
    /// The server sets it; what a caller sends is ignored, as ARM does.
    ReadOnly,
    /// The caller sets it; nobody sees it.
    WriteOnly,
    /// As write-only, and kept sealed.
    Secret,
}

/// What JSON a property without known members holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Text (also dates, durations and open enumerations).
    String,
    /// A number.
    Number,
    /// true or false.
    Boolean,
    /// An array of text.
    Strings,
    /// An array of anything.
    Array,
    /// An object with text values.
    Map,
    /// Any JSON.
    Any,
}

impl Kind {
    /// Whether a value is of this kind.
    #[must_use]
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Strings => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Array => value.is_array(),
            Self::Map => value.as_object().is_some_and(|members| members.values().all(Value::is_string)),
            Self::Any => true,
        }
    }

    /// In the words of an error.
    const fn words(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Strings => "an array of texts",
            Self::Array => "an array",
            Self::Map => "an object with text values",
            Self::Any => "any JSON",
        }
    }
}

#[derive(Deserialize)]
struct Table {
    #[serde(rename = "type")]
    resource_type: String,
    versions: Vec<ApiVersion>,
    properties: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    path: String,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    since: Option<ApiVersion>,
    #[serde(default)]
    until: Option<ApiVersion>,
    #[serde(default)]
    access: Access,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    open: bool,
    #[serde(default, rename = "shownAs")]
    shown_as: Option<Value>,
}

/// A property and what lies below it.
#[derive(Clone, Debug, Default)]
pub struct Node {
    since: Option<ApiVersion>,
    until: Option<ApiVersion>,
    /// What it holds, when it has no known members.
    pub kind: Option<Kind>,
    /// Who sets and sees it.
    pub access: Access,
    /// Whether a PUT must carry it.
    pub required: bool,
    /// The texts that it may have; empty when any may be.
    pub values: Vec<String>,
    /// Whether texts beside `values` are allowed: clients know those, a newer server may know more.
    pub open: bool,
    /// What stands in the answer for a value that is never shown.
    shown_as: Option<Value>,
    /// Known members; none means that the value is opaque (a map, or any JSON).
    pub members: BTreeMap<String, Node>,
    /// Whether the members are those of each element of an array.
    pub array: bool,
}

impl Node {
    /// Whether the version has it.
    #[must_use]
    pub fn exists_in(&self, version: &ApiVersion) -> bool {
        self.since.as_ref().is_none_or(|s| s <= version) && self.until.as_ref().is_none_or(|u| u >= version)
    }
}

/// A resource type as clients see it.
#[derive(Clone, Debug)]
pub struct Shape {
    /// As documented, e.g. `Microsoft.Kubernetes/connectedClusters`.
    pub resource_type: String,
    /// The modelled api-versions, oldest first.
    pub versions: Vec<ApiVersion>,
    /// The root of the property tree.
    pub root: Node,
    /// Whose presence in a stored text means that the newest version does not show all of it as it is written.
    hidden: Vec<String>,
}

impl Shape {
    /// Reads a table.
    ///
    /// # Errors
    /// When the text is not such a table or names no version.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let table: Table = serde_json::from_str(text)?;
        if table.versions.is_empty() {
            return Err(serde::de::Error::custom("a shape needs at least one api-version"));
        }
        let mut root = Node::default();
        for row in table.properties {
            let mut node = &mut root;
            for part in row.path.split('.') {
                let (name, array) = part.strip_suffix("[]").map_or((part, false), |n| (n, true));
                node = node.members.entry(name.to_owned()).or_default();
                node.array |= array;
            }
            node.kind = row.kind;
            (node.since, node.until, node.access, node.required) =
                (row.since, row.until, row.access, row.required);
            (node.values, node.open, node.shown_as) = (row.values, row.open, row.shown_as);
        }
        let mut shape =
            Self { resource_type: table.resource_type, versions: table.versions, root, hidden: Vec::new() };
        shape.hidden = hidden(&shape.root, shape.latest());
        Ok(shape)
    }

    /// The newest modelled version.
    #[must_use]
    pub fn latest(&self) -> &ApiVersion {
        self.versions.iter().max().expect("a shape has at least one version; from_json refuses less")
    }

    /// The modelled version that serves a request.
    #[must_use]
    pub fn serving(&self, asked: &ApiVersion) -> &ApiVersion {
        asked.nearest(&self.versions).unwrap_or_else(|| self.latest())
    }

    /// Turns the stored document into what `version` shows: nothing newer, nothing retired, nothing secret.
    pub fn show(&self, document: &mut Value, version: &ApiVersion) {
        show(&self.root, document, version);
    }

    /// Whether the newest version shows a stored document just as it is written; where that is not certain, it says no.
    #[must_use]
    pub fn shows_whole(&self, document: &str) -> bool {
        !self.hidden.iter().any(|name| document.contains(name.as_str()))
    }

    /// Turns what a caller PUTs in `version` into the next stored document.
    ///
    /// Read-only values and what `version` cannot express stay as they are; members that no table knows are dropped from the request
    /// and kept from the existing document (a newer binary may have written them).
    ///
    /// # Errors
    /// `InvalidRequestContent` (400) when a required property is missing or an object is expected where there is none.
    pub fn accept(
        &self,
        incoming: &Value,
        existing: Option<&Value>,
        version: &ApiVersion,
    ) -> Result<Value, Error> {
        let Value::Object(_) = incoming else {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                "The request body must be a JSON object that describes the resource.",
            ));
        };
        accept(&self.root, incoming, existing, version, "")
    }

    /// Takes the values of secret properties out of the document, keyed by JSON pointer (RFC 6901).
    pub fn take_secrets(&self, document: &mut Value) -> BTreeMap<String, Value> {
        let mut secrets = BTreeMap::new();
        take_secrets(&self.root, document, String::new(), &mut secrets);
        secrets
    }
}

/// The names, as JSON writes them, of everything that [`show`] takes out. Where it puts something in: the quotation mark that every text has.
fn hidden(node: &Node, version: &ApiVersion) -> Vec<String> {
    let of = |(name, child): (&String, &Node)| {
        if child.shown_as.is_some() {
            vec!["\"".to_owned()]
        } else if !child.exists_in(version) || matches!(child.access, Access::WriteOnly | Access::Secret) {
            vec![Value::from(name.as_str()).to_string()]
        } else {
            hidden(child, version)
        }
    };
    node.members.iter().flat_map(of).collect()
}

fn show(node: &Node, value: &mut Value, version: &ApiVersion) {
    match value {
        Value::Array(items) if node.array => {
            items.iter_mut().for_each(|item| show_members(node, item, version));
        }
        _ => show_members(node, value, version),
    }
}

fn show_members(node: &Node, value: &mut Value, version: &ApiVersion) {
    let Value::Object(members) = value else { return };
    if node.members.is_empty() {
        return;
    }
    members.retain(|name, value| match node.members.get(name) {
        None => true,
        Some(child)
            if !child.exists_in(version) || matches!(child.access, Access::WriteOnly | Access::Secret) =>
        {
            false
        }
        Some(child) => {
            show(child, value, version);
            true
        }
    });
    for (name, child) in &node.members {
        if let Some(shown) = child.shown_as.as_ref().filter(|_| child.exists_in(version)) {
            members.insert(name.clone(), shown.clone());
        }
    }
}

fn accept(
    node: &Node,
    incoming: &Value,
    existing: Option<&Value>,
    version: &ApiVersion,
    path: &str,
) -> Result<Value, Error> {
    if node.members.is_empty() {
        return match node.kind.filter(|kind| !kind.fits(incoming)) {
            None => one_of(node, incoming, path),
            Some(kind) => Err(Error::bad_request(
                "InvalidRequestContent",
                format!("The property '{path}' must be {}.", kind.words()),
            )
            .with_target(path)),
        };
    }
    match incoming {
        Value::Array(items) if node.array => items
            .iter()
            .map(|item| accept_members(node, item, None, version, path))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        _ => accept_members(node, incoming, existing, version, path),
    }
}

/// The documented spelling of a value that the property may have.
fn one_of(node: &Node, incoming: &Value, path: &str) -> Result<Value, Error> {
    let Some(text) = incoming.as_str().filter(|_| !node.values.is_empty()) else {
        return Ok(incoming.clone());
    };
    match node.values.iter().find(|v| v.eq_ignore_ascii_case(text)) {
        Some(known) => Ok(known.as_str().into()),
        None if node.open => Ok(incoming.clone()),
        None => Err(Error::bad_request(
            "InvalidRequestContent",
            format!(
                "The property '{path}' cannot be '{}': it is one of {}.",
                text.chars().take(64).collect::<String>(),
                node.values.join(", ")
            ),
        )
        .with_target(path)),
    }
}

fn accept_members(
    node: &Node,
    incoming: &Value,
    existing: Option<&Value>,
    version: &ApiVersion,
    path: &str,
) -> Result<Value, Error> {
    let Value::Object(incoming) = incoming else {
        let what = if node.array { "an array of objects" } else { "an object" };
        return Err(Error::bad_request(
            "InvalidRequestContent",
            format!("The property '{path}' must be {what}."),
        )
        .with_target(path));
    };
    let existing = existing.and_then(Value::as_object);
    let mut result = Map::new();
    for (name, child) in &node.members {
        let child_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let old = existing.and_then(|e| e.get(name));
        let new = incoming.get(name).filter(|v| !v.is_null());
        let value = match (new, child.access) {
            (_, Access::ReadOnly) => old.cloned(),
            (Some(new), _) => Some(accept(child, new, old, version, &child_path)?),
            (None, _) if !child.exists_in(version) => old.cloned(),
            (None, _) => old.and_then(|old| keep_unsettable(child, old, version)),
        };
        match value {
            Some(value) => {
                result.insert(name.clone(), value);
            }
            None if child.required => {
                return Err(Error::bad_request(
                    "InvalidRequestContent",
                    format!("The required property '{child_path}' is missing from the request body."),
                )
                .with_target(child_path));
            }
            None => {}
        }
    }
    let unknown = existing.into_iter().flatten().filter(|(name, _)| !node.members.contains_key(*name));
    result.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
    Ok(Value::Object(result))
}

/// What remains of an object that a PUT left out: its read-only members and those that the version cannot express.
fn keep_unsettable(node: &Node, old: &Value, version: &ApiVersion) -> Option<Value> {
    let Value::Object(members) = old else { return None };
    if node.members.is_empty() || node.array {
        return None;
    }
    let kept: Map<String, Value> = members
        .iter()
        .filter_map(|(name, value)| {
            let kept = match node.members.get(name) {
                None => Some(value.clone()),
                Some(child) if child.access == Access::ReadOnly || !child.exists_in(version) => {
                    Some(value.clone())
                }
                Some(child) => keep_unsettable(child, value, version),
            };
            kept.map(|value| (name.clone(), value))
        })
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

fn take_secrets(node: &Node, value: &mut Value, pointer: String, secrets: &mut BTreeMap<String, Value>) {
    match value {
        Value::Array(items) if node.array => {
            for (index, item) in items.iter_mut().enumerate() {
                take_member_secrets(node, item, &format!("{pointer}/{index}"), secrets);
            }
        }
        _ => take_member_secrets(node, value, &pointer, secrets),
    }
}

fn take_member_secrets(node: &Node, value: &mut Value, pointer: &str, secrets: &mut BTreeMap<String, Value>) {
    let Value::Object(members) = value else { return };
    for (name, child) in &node.members {
        let pointer = format!("{pointer}/{name}");
        if child.access == Access::Secret {
            if let Some(secret) = members.remove(name) {
                secrets.insert(pointer, secret);
            }
        } else if let Some(value) = members.get_mut(name) {
            take_secrets(child, value, pointer, secrets);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{CONNECTED_CLUSTERS, all};
    use super::*;

    fn v(text: &str) -> ApiVersion {
        text.parse().unwrap()
    }

    #[test]
    fn every_committed_table_parses() {
        let shapes = all();
        let names: std::collections::BTreeSet<_> =
            shapes.iter().map(|s| s.resource_type.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), shapes.len(), "a type has one table");
        assert!(shapes.iter().all(|s| s.versions.is_sorted()), "versions go from the oldest to the newest");
    }

    #[test]
    fn a_closed_enumeration_refuses_what_it_does_not_list_and_an_open_one_takes_it() {
        let put = |kind: &str, identity: &str| {
            let body = json!({"location": "l", "kind": kind, "identity": {"type": identity}});
            CONNECTED_CLUSTERS.accept(&body, None, &v("2026-05-01"))
        };
        let taken = put("provisionedcluster", "systemassigned").unwrap();
        assert_eq!(
            (&taken["kind"], &taken["identity"]["type"]),
            (&json!("ProvisionedCluster"), &json!("SystemAssigned"))
        );
        assert_eq!(put("Newer", "None").unwrap()["kind"], "Newer");
        let error = put("AWS", "Bogus").unwrap_err();
        assert!(error.message.contains("None, SystemAssigned"), "{}", error.message);
        assert_eq!(error.target.as_deref(), Some("identity.type"));
    }

    #[test]
    fn a_secret_may_be_shown_as_something_that_tells_nothing() {
        let mut shown = json!({"properties": {"protectedSettings": {"a": "s3cret"}}});
        super::super::MACHINE_EXTENSIONS.show(&mut shown, &v("2026-07-15"));
        assert_eq!(shown, json!({"properties": {"protectedSettings": {}}}));
    }

    #[test]
    fn an_older_version_does_not_see_newer_properties_and_keeps_them_on_put() {
        let stored = json!({"location": "local", "properties": {"agentPublicKeyCertificate": "k", "gateway": {"enabled": true}, "connectivityStatus": "Connected", "aadProfile": {"tenantID": "t"}}});
        let mut old = stored.clone();
        CONNECTED_CLUSTERS.show(&mut old, &v("2021-10-01"));
        assert_eq!(
            old,
            json!({"location": "local", "properties": {"agentPublicKeyCertificate": "k", "connectivityStatus": "Connected"}})
        );
        let next = CONNECTED_CLUSTERS
            .accept(
                &json!({"location": "local", "properties": {"agentPublicKeyCertificate": "k"}}),
                Some(&stored),
                &v("2021-10-01"),
            )
            .unwrap();
        assert_eq!(next, stored);
        let next = CONNECTED_CLUSTERS
            .accept(
                &json!({"location": "local", "properties": {"agentPublicKeyCertificate": "k"}}),
                Some(&stored),
                &v("2026-05-01"),
            )
            .unwrap();
        assert_eq!(next["properties"].get("gateway"), None);
    }

    #[test]
    fn read_only_values_cannot_be_written_and_unknown_members_survive() {
        let stored = json!({"location": "l", "properties": {"agentVersion": "1", "fromTheFuture": 1}});
        let next = CONNECTED_CLUSTERS.accept(&json!({"location": "l", "bogus": 1, "properties": {"agentVersion": "9", "distribution": "k3s"}}), Some(&stored), &v("2026-05-01")).unwrap();
        assert_eq!(
            next,
            json!({"location": "l", "properties": {"agentVersion": "1", "distribution": "k3s", "fromTheFuture": 1}})
        );
    }

    #[test]
    fn wrong_shapes_are_refused_with_the_property() {
        let error =
            CONNECTED_CLUSTERS.accept(&json!({"properties": {}}), None, &v("2026-05-01")).unwrap_err();
        assert_eq!(error.target.as_deref(), Some("location"));
        let error = CONNECTED_CLUSTERS
            .accept(&json!({"location": "l", "properties": {"gateway": 1}}), None, &v("2026-05-01"))
            .unwrap_err();
        assert_eq!(error.target.as_deref(), Some("properties.gateway"));
        assert!(CONNECTED_CLUSTERS.accept(&json!([]), None, &v("2026-05-01")).is_err());
    }

    #[test]
    fn secrets_leave_the_document_and_are_never_shown() {
        let mut document = json!({"location": "l", "properties": {"arcAgentryConfigurations": [{"feature": "proxy", "protectedSettings": {"a": "s3cret"}}]}});
        let mut shown = document.clone();
        CONNECTED_CLUSTERS.show(&mut shown, &v("2026-05-01"));
        assert!(!shown.to_string().contains("s3cret"));
        let secrets = CONNECTED_CLUSTERS.take_secrets(&mut document);
        assert!(!document.to_string().contains("s3cret"));
        assert_eq!(
            secrets["/properties/arcAgentryConfigurations/0/protectedSettings"],
            json!({"a": "s3cret"})
        );
    }
}

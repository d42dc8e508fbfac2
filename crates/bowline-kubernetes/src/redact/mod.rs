//! What of an object may leave the cluster.
//!
//! [`redact`] takes a raw object and returns what the agent may send: without what changes all the time (so that a
//! quiet cluster sends nothing) and without what is secret. It runs before hashing, so that even a hash tells nothing
//! about a secret.
//!
//! Removed from every kind, at any depth:
//! - `managedFields`, `resourceVersion`, `selfLink`, heartbeat and probe times, leader-election annotations;
//! - annotations that hold copies of objects (`last-applied-configuration` and its relatives), that are named like
//!   credentials, or that are larger than 4 KiB; annotations that hold JSON are redacted inside;
//! - literal values of environment variables (names and `valueFrom` stay), of HTTP headers of probes;
//! - `stringData`, and text members named like credentials (`password`, `clientSecret`, `token`, …);
//! - the password in `scheme://user:password@host` and in `password=…`-like pieces of any text;
//! - what a container wrote as its termination message;
//! - objects inside objects (lists, templates, manifests to be applied elsewhere) by the same rules.
//!
//! By kind: a Secret keeps its identity, labels, type and annotations from an allow list, nothing else. A ConfigMap keeps
//! its keys with the sizes of the values ([`Rules::config_map_values`] lets values out, except Helm's releases). A chart's
//! values (`HelmRelease`, `HelmChart`, Argo CD's `Application`) stay in the cluster.
//!
//! What stays and might surprise: labels, `command` and `args` of containers (apart from the pieces above), and the
//! messages of events and conditions. Whoever writes a secret there has given it to every reader of pods already.
//!
//! Design notes: rules go by allow list where the kind is known to be secret and by deny list elsewhere, because an
//! inventory that keeps only known fields would be blind for custom resources. Kinds are given by the caller: items of a
//! typed list carry no `kind`, and a rule that misses for that reason would let a Secret pass.

mod annotations;
mod text;

use serde_json::{Map, Value};

use crate::kinds::KindName;

/// An object larger than this after redaction is sent as its metadata only.
pub const MAX_OBJECT_BYTES: usize = 512 * 1024;

/// What an operator may choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Let the values of ConfigMaps out. Helm's release payloads stay even then.
    pub config_map_values: bool,
}

/// Redacts `object`, which the API server served as `kind`.
pub fn redact(kind: &KindName, mut object: Value, rules: Rules) -> Value {
    if let Value::Object(members) = &mut object {
        members.insert("apiVersion".to_owned(), Value::String(kind.api_version()));
        members.insert("kind".to_owned(), Value::String(kind.kind().to_owned()));
    }
    scrub(&mut object, rules);
    object
}

/// The part of an object that identifies it, for objects that are too large to send.
pub fn identity_of(object: &Value, bytes: usize) -> Value {
    let mut reduced = Map::new();
    for key in ["apiVersion", "kind"] {
        reduced.extend(object.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    let mut metadata = Map::new();
    for key in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "ownerReferences"] {
        let value = object.pointer(&format!("/metadata/{key}"));
        metadata.extend(value.map(|value| (key.to_owned(), value.clone())));
    }
    reduced.insert("metadata".to_owned(), Value::Object(metadata));
    reduced.insert("bowlineOmittedBytes".to_owned(), Value::from(bytes));
    Value::Object(reduced)
}

fn scrub(value: &mut Value, rules: Rules) {
    match value {
        Value::Object(members) => {
            scrub_kind(members, rules);
            scrub_members(members, rules);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, rules)),
        Value::String(text) => text::mask(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Rules of one kind, for the object itself and for every object inside an object.
fn scrub_kind(members: &mut Map<String, Value>, rules: Rules) {
    let text = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if version.is_empty() || kind.is_empty() {
        return;
    }
    let group = version.rsplit_once('/').map(|(group, _)| group).unwrap_or_default();
    match (group, kind.as_str()) {
        ("", "Secret") => keep_secret_identity(members),
        ("", "ConfigMap") => hide_config_map_values(members, rules),
        // Leases are renewed every few seconds; who holds one is news, that it is still held is not.
        ("coordination.k8s.io", "Lease") => remove_in(members, "spec", &["renewTime"]),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            remove_in(members, "status", &["currentMetrics", "currentCPUUtilizationPercentage"]);
        }
        ("helm.toolkit.fluxcd.io", "HelmRelease") => remove_in(members, "spec", &["values"]),
        ("helm.cattle.io", _) => {
            remove_in(
                members,
                "spec",
                &["valuesContent", "set", "chartContent", "repoCA", "dockerRegistrySecret"],
            );
        }
        ("argoproj.io", "Application" | "ApplicationSet") => remove_helm_sources(members),
        _ => {}
    }
}

/// What of a Secret's annotations may leave: who made it, never what is in it.
const SECRET_ANNOTATIONS: &[&str] = &[
    "kubernetes.io/service-account.name",
    "kubernetes.io/service-account.uid",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "cert-manager.io/certificate-name",
    "cert-manager.io/issuer-name",
    "cert-manager.io/issuer-kind",
    "cert-manager.io/issuer-group",
];

/// An allow list: whatever Kubernetes adds to Secrets one day stays in the cluster.
fn keep_secret_identity(secret: &mut Map<String, Value>) {
    secret.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "type" | "immutable"));
    let Some(Value::Object(metadata)) = secret.get_mut("metadata") else { return };
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.retain(|name, _| SECRET_ANNOTATIONS.contains(&name.as_str()));
    }
}

fn hide_config_map_values(map: &mut Map<String, Value>, rules: Rules) {
    let keep = rules.config_map_values && !is_helm_release(map);
    for member in ["data", "binaryData"] {
        if keep && member == "data" {
            continue;
        }
        let Some(Value::Object(entries)) = map.get_mut(member) else {
            // Anything but a map is not a ConfigMap's data; it has no sizes to tell and goes whole.
            map.remove(member);
            continue;
        };
        for value in entries.values_mut() {
            let bytes = value.as_str().map_or_else(|| value.to_string().len(), str::len);
            *value = Value::String(format!("[{bytes} bytes stay in the cluster]"));
        }
    }
}

fn is_helm_release(object: &Map<String, Value>) -> bool {
    let metadata = object.get("metadata");
    let label = |name: &str| metadata.and_then(|m| m.get("labels")?.get(name)?.as_str());
    let name = metadata.and_then(|m| m.get("name")?.as_str()).unwrap_or_default();
    label("owner").is_some_and(|owner| owner.eq_ignore_ascii_case("helm"))
        || object.get("type").and_then(Value::as_str) == Some("helm.sh/release.v1")
        || name.starts_with("sh.helm.release.")
}

fn remove_helm_sources(application: &mut Map<String, Value>) {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("helm");
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    application.values_mut().for_each(strip);
}

fn remove_in(object: &mut Map<String, Value>, member: &str, names: &[&str]) {
    if let Some(Value::Object(inner)) = object.get_mut(member) {
        names.iter().for_each(|name| drop(inner.remove(*name)));
    }
}

/// Rules that hold everywhere, by the name of the member.
fn scrub_members(members: &mut Map<String, Value>, rules: Rules) {
    members.retain(|key, value| !is_volatile(key, value) && !is_credential(key, value));
    for (key, value) in members.iter_mut() {
        match key.as_str() {
            // Labels select and group; they are short by definition and part of every reader's view.
            "labels" | "matchLabels" | "nodeSelector" => continue,
            "annotations" => annotations::scrub(value, rules),
            "httpHeaders" => hide_values(value),
            "terminated" => drop(value.as_object_mut().map(|state| state.remove("message"))),
            name if is_environment(name) => hide_values(value),
            _ => {}
        }
        scrub(value, rules);
    }
}

/// What changes without anything having happened.
fn is_volatile(key: &str, value: &Value) -> bool {
    match key {
        "managedFields" | "lastHeartbeatTime" | "lastProbeTime" => true,
        "resourceVersion" | "selfLink" => value.is_string(),
        _ => false,
    }
}

/// Text under a name that means a credential. Objects under such a name are references or schemas and stay.
fn is_credential(key: &str, value: &Value) -> bool {
    const NAMES: &[&str] = &[
        "stringdata",
        "password",
        "passwd",
        "passphrase",
        "token",
        "bearertoken",
        "accesstoken",
        "refreshtoken",
        "authtoken",
        "idtoken",
        "jointoken",
        "bootstraptoken",
        "secretkey",
        "secretaccesskey",
        "accesskey",
        "accesskeysecret",
        "sharedkey",
        "accountkey",
        "storagekey",
        "apikey",
        "apitoken",
        "clientsecret",
        "privatekey",
        "tlskey",
        "connectionstring",
        "credential",
        "credentials",
        "basicauth",
        "auth",
        "dockerconfigjson",
        "kubeconfig",
        "clientkeydata",
        "userdata",
    ];
    let name: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if name == "stringdata" {
        return true;
    }
    (value.is_string() || value.is_number()) && NAMES.contains(&name.as_str())
}

/// `env` of containers, and what custom resources call the same thing.
fn is_environment(key: &str) -> bool {
    let name = key.to_ascii_lowercase();
    name.ends_with("env")
        || name.ends_with("envvars")
        || name == "environment"
        || name == "environmentvariables"
}

/// Removes values from `[{name, value}]`, `["NAME=value"]` and `{NAME: value}`; names and references stay.
fn hide_values(value: &mut Value) {
    match value {
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::Object(variable) => drop(variable.remove("value")),
                    Value::String(text) => {
                        text.truncate(text.find(['=', ':']).unwrap_or(text.len()));
                    }
                    _ => {}
                }
            }
        }
        Value::Object(variables) => {
            for value in variables.values_mut().filter(|value| !value.is_object() && !value.is_array()) {
                *value = Value::Null;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;

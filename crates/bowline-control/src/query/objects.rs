//! Objects that clusters' agents saw, as rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_kql::tables::{Change, Entry, Place};
use bowline_kql::value::parse_datetime;
use bowline_kql::{Type, Value};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::mask::DATA;
use super::reporter::Host;
use super::resources::segment;
use super::tables::{OBJECT, Of};

/// What of an object is in columns of its own, as it is written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    uid: Option<&'a RawValue>,
    creation_timestamp: Option<&'a RawValue>,
    generation: Option<&'a RawValue>,
    managed_fields: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Managed {
    #[serde(default)]
    manager: String,
}

/// What a part of an object says, if it is of the type that it should be.
fn read<'a, T: Deserialize<'a>>(part: Option<&'a RawValue>) -> Option<T> {
    part.and_then(|part| serde_json::from_str(part.get()).ok())
}

/// An object's row; its key is `apps/v1/Deployment/namespace/name`.
pub(super) fn put(cluster: &Host, object_key: &str, text: &str) -> Option<Change> {
    let object: Object<'_> = serde_json::from_str(text).ok()?;
    let metadata: Metadata<'_> = read(object.metadata).unwrap_or_default();
    let mut parts = object_key.rsplitn(4, '/');
    let (name, namespace, kind, version) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let scope = match namespace {
        "" => Arc::clone(&cluster.key),
        namespace => format!("{}/namespaces/{namespace}", cluster.key).into(),
    };
    let place = Place { owner: cluster.owner(), class: class(version, kind).into(), scope };
    let string = |text: &str| Value::String(text.to_owned());
    let cell = |(column, ty, _, path): &(&str, Type, _, &[&str])| match *column {
        "id" => Value::String(format!(
            "{}/providers/Microsoft.Bowline/kubernetesObjects/{}",
            cluster.id,
            URL_SAFE_NO_PAD.encode(object_key)
        )),
        "clusterId" => string(&cluster.id),
        "clusterName" => string(cluster.name()),
        "subscriptionId" => string(segment(&cluster.key, "subscriptions")),
        "resourceGroup" => string(segment(&cluster.key, "resourcegroups")),
        "location" => string(&cluster.location),
        "apiVersion" => string(version),
        "kind" => string(kind),
        "namespace" => string(namespace),
        "name" => string(name),
        "uid" => Value::String(read(metadata.uid).unwrap_or_default()),
        "creationTimestamp" => {
            let time: Option<String> = read(metadata.creation_timestamp);
            let ticks = time.and_then(|time| parse_datetime(&time));
            ticks.map_or(Value::Null(Type::Datetime), Value::Datetime)
        }
        "generation" => read(metadata.generation).map_or(Value::Null(Type::Long), Value::Long),
        "managers" => managers(read(metadata.managed_fields).unwrap_or_default()),
        "object" => Value::Dynamic(text.to_owned()),
        _ => {
            debug_assert!(!path.is_empty(), "{column} is found in the object");
            Value::null(*ty)
        }
    };
    let values = OBJECT.iter().map(cell).collect();
    let entry = Entry { table: Of::Objects.position(), key: cluster.key(object_key), place, values };
    Some(Change::Put(Box::new(entry)))
}

/// Who manages fields of the object, each once.
fn managers(fields: Vec<Managed>) -> Value {
    let names: BTreeSet<String> =
        fields.into_iter().map(|field| field.manager).filter(|name| !name.is_empty()).collect();
    if names.is_empty() { Value::Null(Type::Dynamic) } else { Value::Dynamic(json!(names).to_string()) }
}

/// The data action that shows objects of a kind, as Azure's roles name it; a group of the core has none in it.
fn class(version: &str, kind: &str) -> String {
    let group = version.rsplit_once('/').map(|(group, _)| format!("{group}/")).unwrap_or_default();
    format!("{DATA}Microsoft.Kubernetes/connectedClusters/{group}{}/read", plural(&kind.to_lowercase()))
}

/// As the API server forms it.
fn plural(kind: &str) -> String {
    if kind == "endpoints" {
        return kind.to_owned();
    }
    match kind.as_bytes() {
        [.., b's' | b'x'] | [.., b'c' | b's', b'h'] => format!("{kind}es"),
        [.., before, b'y'] if !b"aeiou".contains(before) => format!("{}ies", &kind[..kind.len() - 1]),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_shown_by_the_action_that_azures_roles_have() {
        for (version, kind, action) in [
            ("v1", "Pod", "pods"),
            ("apps/v1", "Deployment", "apps/deployments"),
            ("networking.k8s.io/v1", "Ingress", "networking.k8s.io/ingresses"),
            ("networking.k8s.io/v1", "NetworkPolicy", "networking.k8s.io/networkpolicies"),
            ("v1", "Endpoints", "endpoints"),
            ("discovery.k8s.io/v1", "EndpointSlice", "discovery.k8s.io/endpointslices"),
            ("gateway.networking.k8s.io/v1", "Gateway", "gateway.networking.k8s.io/gateways"),
        ] {
            assert_eq!(
                class(version, kind),
                format!("{DATA}Microsoft.Kubernetes/connectedClusters/{action}/read")
            );
        }
    }
}

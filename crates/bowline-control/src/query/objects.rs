//! Objects that clusters' agents saw, as rows.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_kql::tables::{Change, Entry, Place};
use bowline_kql::value::parse_datetime;
use bowline_kql::{Type, Value};
use serde_json::Value as Json;

use super::mask::DATA;
use super::reporter::Host;
use super::resources::segment;
use super::tables::{OBJECT, Of};

/// An object's row; its key is `apps/v1/Deployment/namespace/name`.
pub(super) fn put(cluster: &Host, object_key: &str, text: &str) -> Option<Change> {
    let object: Json = serde_json::from_str(text).ok()?;
    let mut parts = object_key.rsplitn(4, '/');
    let (name, namespace, kind, version) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let scope = match namespace {
        "" => Arc::clone(&cluster.key),
        namespace => format!("{}/namespaces/{namespace}", cluster.key).into(),
    };
    let place = Place { owner: cluster.owner(), class: class(version, kind).into(), scope };
    let metadata = &object["metadata"];
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
        "uid" => string(metadata["uid"].as_str().unwrap_or_default()),
        "creationTimestamp" => {
            let ticks = metadata["creationTimestamp"].as_str().and_then(parse_datetime);
            ticks.map_or(Value::Null(Type::Datetime), Value::Datetime)
        }
        "generation" => metadata["generation"].as_i64().map_or(Value::Null(Type::Long), Value::Long),
        "managers" => managers(&metadata["managedFields"]),
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
fn managers(fields: &Json) -> Value {
    let names = fields.as_array().into_iter().flatten().filter_map(|field| field["manager"].as_str());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { Value::Null(Type::Dynamic) } else { Value::Dynamic(Json::from(names).to_string()) }
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

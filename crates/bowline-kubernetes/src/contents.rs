//! What lives in a namespace, of whatever kind: asked before the namespace is removed.

use serde::Deserialize;
use serde_json::Value;

use crate::connection::Connection;
use crate::error::ClusterError;
use crate::kinds::{KindName, ServedKind};

/// So many of each kind are named; the namespace is not empty all the same.
const NAMED: usize = 20;

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    preferred_version: Preferred,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preferred {
    group_version: String,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
    verbs: Vec<String>,
}

/// `Kind/name` of everything in a namespace that somebody made: without events, and without what Kubernetes puts into every namespace.
pub async fn contents(connection: &Connection, namespace: &str) -> Result<Vec<String>, ClusterError> {
    let groups: Groups = connection.get_as("/apis").await?;
    let versions = groups.groups.into_iter().map(|group| group.preferred_version.group_version);
    let mut found = Vec::new();
    for version in std::iter::once("v1".to_owned()).chain(versions) {
        for kind in kinds_of(connection, &version).await? {
            let path = format!("{}?limit={NAMED}", kind.collection_path(Some(namespace)));
            let list = connection.get(&path).await?;
            let items = list["items"].as_array().into_iter().flatten();
            let names = items.filter_map(|item| item.pointer("/metadata/name").and_then(Value::as_str));
            found.extend(
                names
                    .filter(|name| !is_everywhere(kind.name.kind(), name))
                    .map(|name| format!("{}/{name}", kind.name.kind())),
            );
        }
    }
    Ok(found)
}

/// The kinds of a group and version that are kept in namespaces; what cannot be deleted (metrics, reviews) is only shown, and is not kept.
async fn kinds_of(connection: &Connection, version: &str) -> Result<Vec<ServedKind>, ClusterError> {
    let base = if version.contains('/') { "/apis" } else { "/api" };
    let list: Resources = connection.get_as(&format!("{base}/{version}")).await?;
    let kept = list.resources.into_iter().filter(|resource| {
        let can = |verb: &str| resource.verbs.iter().any(|known| known == verb);
        resource.namespaced && !resource.name.contains('/') && can("list") && can("delete")
    });
    kept.map(|resource| {
        let name = KindName::parse(&format!("{version}/{}", resource.kind))?;
        Ok(ServedKind { name, plural: resource.name, namespaced: true })
    })
    .collect()
}

fn is_everywhere(kind: &str, name: &str) -> bool {
    matches!((kind, name), ("Event", _) | ("ConfigMap", "kube-root-ca.crt") | ("ServiceAccount", "default"))
}

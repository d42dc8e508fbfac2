//! Server-side apply of whole manifests.

use serde_json::Value;

use crate::connection::{Connection, FIELD_MANAGER};
use crate::error::ClusterError;
use crate::kinds::{KindName, resolve};

/// Applies one object as [`crate::FIELD_MANAGER`], creating it when it does not exist, and returns what is there now.
/// With `force`, fields that another manager owns are taken over; without it such a field is a
/// [`ClusterError::Conflict`] that names the manager.
pub async fn apply_object(
    connection: &Connection,
    object: &Value,
    force: bool,
) -> Result<Value, ClusterError> {
    apply_object_as(connection, FIELD_MANAGER, object, force).await
}

/// [`apply_object`] as another field manager.
pub async fn apply_object_as(
    connection: &Connection,
    manager: &str,
    object: &Value,
    force: bool,
) -> Result<Value, ClusterError> {
    let path = path_of(connection, object).await?;
    connection.apply_patch(&path, object, manager, force).await
}

/// Where an object is, or would be.
pub async fn path_of(connection: &Connection, object: &Value) -> Result<String, ClusterError> {
    let (kind, namespace, name) = address(object)?;
    let served = resolve(connection, &kind).await?;
    let namespace =
        namespace.or_else(|| served.namespaced.then(|| connection.default_namespace().to_owned()));
    Ok(served.object_path(namespace.as_deref(), &name))
}

/// Applies every document of a YAML stream, in order, and returns `kind/name` of each.
pub async fn apply_manifests(connection: &Connection, yaml: &str) -> Result<Vec<String>, ClusterError> {
    let documents = read_manifests(yaml)?;
    let mut applied = Vec::with_capacity(documents.len());
    for document in &documents {
        apply_object(connection, document, true).await?;
        let (kind, _, name) = address(document)?;
        applied.push(format!("{}/{name}", kind.kind()));
    }
    Ok(applied)
}

/// The documents of a YAML stream as JSON values, without the empty ones.
pub fn read_manifests(yaml: &str) -> Result<Vec<Value>, ClusterError> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml)
        .map_err(|error| ClusterError::BadAnswer(format!("the manifest is not YAML: {error}")))?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn address(object: &Value) -> Result<(KindName, Option<String>, String), ClusterError> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let version = text("/apiVersion").unwrap_or_default();
    let kind = KindName::parse(&format!("{version}/{}", text("/kind").unwrap_or_default()))?;
    let name = text("/metadata/name")
        .ok_or_else(|| ClusterError::BadAnswer(format!("an object of kind {kind} has no metadata.name")))?;
    Ok((kind, text("/metadata/namespace").map(str::to_owned), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_manifests_is_read_in_order() {
        let documents = read_manifests("---\nkind: A\n---\n---\nkind: B\n").unwrap();
        assert_eq!(documents.iter().map(|d| d["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["A", "B"]);
    }
}

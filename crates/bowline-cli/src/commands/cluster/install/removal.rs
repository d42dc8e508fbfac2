//! Takes away what was installed, by its marks, and nothing else.
//!
//! It needs no helm, also where helm installed it: the chart has no hooks, so that what helm would remove is what is marked as its
//! release's, and the records of the release. The agent's Secret and ConfigMap go last, because they are what proves that this is
//! the cluster that was meant: an interrupted removal goes on when it is run again.

use std::time::Duration;

use bowline_kubernetes::{ClusterError, Connection, contents, path_of};
use serde_json::Value;
use tokio::time::Instant;

use super::{DEPLOYMENT, helm, manifest};
use crate::commands::cluster::enrolment::{self, NAMESPACE, refused};
use crate::failure::Result;

/// How long a pod may take to end, and a namespace to go.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
const NAMESPACE_PATH: &str = "/api/v1/namespaces/bowline-system";
const PODS: &str =
    "/api/v1/namespaces/bowline-system/pods?labelSelector=app.kubernetes.io%2Fname%3Dbowline-agent";

/// What a removal left.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::commands::cluster) enum Removed {
    /// Nothing of it is there any more.
    Everything,
    /// The same, and no pod was there: the agent runs beside the cluster.
    Identity,
    /// The namespace is still there; why.
    ButTheNamespace(String),
    /// Another release of helm has the agent.
    ButTheAgent { release: String, namespace: String },
    /// This cluster is not that one, and was left as it is.
    Nothing,
}

/// Removes the agent with the identity of one resource; another's is left alone.
pub(in crate::commands::cluster) async fn remove(cluster: &Connection, resource_id: &str) -> Result<Removed> {
    if !enrolment::is_of(cluster, resource_id).await? {
        return Ok(Removed::Nothing);
    }
    let deployment = find(cluster, DEPLOYMENT).await?;
    let foreign = deployment.as_ref().and_then(manifest::release_of);
    let foreign = foreign.filter(|_| !deployment.as_ref().is_some_and(manifest::is_ours));
    if let Some((release, namespace)) = foreign {
        let (release, namespace) = (release.to_owned(), namespace.to_owned());
        enrolment::forget(cluster).await?;
        return Ok(Removed::ButTheAgent { release, namespace });
    }
    remove_marked(cluster).await?;
    let gone = wait(cluster, PODS, |pods| pods["items"].as_array().is_none_or(Vec::is_empty)).await?;
    enrolment::forget(cluster).await?;
    for record in list(cluster, helm::RECORDS).await? {
        let name = record.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        delete(cluster, &format!("{NAMESPACE_PATH}/secrets/{name}")).await?;
    }
    if !gone {
        return Ok(Removed::ButTheNamespace("the agent's pod has not ended yet".to_owned()));
    }
    match remove_namespace(cluster).await? {
        Removed::Everything if deployment.is_none() => Ok(Removed::Identity),
        other => Ok(other),
    }
}

/// Every object of the manifest that is marked as the release's, the last first; the agent's own two are left for later.
async fn remove_marked(cluster: &Connection) -> Result<()> {
    for object in manifest::rendered().iter().rev() {
        let path = path_of(cluster, object).await.map_err(|error| refused(&error))?;
        if enrolment::PATHS.contains(&path.as_str()) {
            continue;
        }
        if find(cluster, &path).await?.as_ref().is_some_and(manifest::is_ours) {
            delete(cluster, &path).await?;
        }
    }
    Ok(())
}

/// Only when connecting made it, and nothing of anybody else is in it.
async fn remove_namespace(cluster: &Connection) -> Result<Removed> {
    let Some(found) = find(cluster, NAMESPACE_PATH).await? else { return Ok(Removed::Everything) };
    if !enrolment::is_our_namespace(&found) {
        return Ok(Removed::ButTheNamespace("it was there before".to_owned()));
    }
    let end = Instant::now() + PATIENCE;
    // What a Deployment had made goes a moment after it.
    loop {
        match contents(cluster, NAMESPACE).await {
            Ok(others) if others.is_empty() => break,
            Ok(others) if Instant::now() >= end => {
                let first: Vec<&str> = others.iter().take(5).map(String::as_str).collect();
                return Ok(Removed::ButTheNamespace(format!("it holds {}", first.join(", "))));
            }
            Ok(_) => tokio::time::sleep(LOOK_AGAIN).await,
            Err(error) => {
                return Ok(Removed::ButTheNamespace(format!("what is in it cannot be listed: {error}")));
            }
        }
    }
    delete(cluster, NAMESPACE_PATH).await?;
    match wait(cluster, NAMESPACE_PATH, Value::is_null).await? {
        true => Ok(Removed::Everything),
        false => Ok(Removed::ButTheNamespace("it is still going".to_owned())),
    }
}

/// Looks until it is so; false when it was not in time. What is not there is null.
async fn wait(cluster: &Connection, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<bool> {
    let end = Instant::now() + PATIENCE;
    loop {
        if wanted(&find(cluster, path).await?.unwrap_or_default()) {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn find(cluster: &Connection, path: &str) -> Result<Option<Value>> {
    cluster.find(path).await.map_err(|error| refused(&error))
}

async fn list(cluster: &Connection, path: &str) -> Result<Vec<Value>> {
    let list = find(cluster, path).await?.unwrap_or_default();
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

async fn delete(cluster: &Connection, path: &str) -> Result<()> {
    match cluster.delete(path).await {
        Ok(()) | Err(ClusterError::NotFound { .. }) => Ok(()),
        Err(error) => Err(refused(&error)),
    }
}

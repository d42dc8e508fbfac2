//! What a cluster's resource in the record says about it.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use crate::connection::Connection;
use crate::detect::{GENERIC, NodeFacts, distribution_of_version, majority, observe_node};
use crate::error::ClusterError;

/// The properties that the agent reports, named as ARM names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterFacts {
    pub kubernetes_version: String,
    pub distribution: String,
    pub infrastructure: String,
    pub total_node_count: u32,
    pub total_core_count: u32,
}

/// The nodes of a cluster, as far as the facts need them.
#[derive(Debug, Default)]
pub struct Nodes {
    by_name: HashMap<Box<str>, NodeFacts>,
}

impl Nodes {
    /// Takes in a node that is new or has changed.
    pub fn put(&mut self, name: &str, node: NodeFacts) {
        self.by_name.insert(name.into(), node);
    }

    /// Forgets a node.
    pub fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    /// Forgets the nodes that are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.by_name.retain(|name, _| keep(name));
    }

    /// The facts of a cluster whose API server has this version.
    pub fn facts(&self, git_version: &str) -> ClusterFacts {
        let nodes = self.by_name.values();
        let distribution = majority(nodes.clone().map(|node| node.distribution));
        let infrastructure = majority(nodes.clone().map(|node| node.infrastructure));
        let millicores: u64 = nodes.map(|node| u64::from(node.millicores)).sum();
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        ClusterFacts {
            kubernetes_version: git_version.trim_start_matches('v').to_owned(),
            distribution: distribution.unwrap_or_else(|| distribution_of_version(git_version)).to_owned(),
            infrastructure: infrastructure.unwrap_or(GENERIC).to_owned(),
            total_node_count: count(self.by_name.len() as u64),
            total_core_count: count(millicores.div_ceil(1000)),
        }
    }
}

/// The API server's version, for instance `v1.34.4`.
pub async fn server_version(connection: &Connection) -> Result<String, ClusterError> {
    let version = connection.get("/version").await?;
    let text = version["gitVersion"].as_str();
    text.map(str::to_owned).ok_or_else(|| ClusterError::BadAnswer("/version has no gitVersion".to_owned()))
}

/// Which cluster it is: the UID of the namespace that each cluster makes for itself. Nothing where that may not be read.
pub async fn cluster_uid(connection: &Connection) -> Result<Option<String>, ClusterError> {
    match connection.find("/api/v1/namespaces/kube-system").await {
        Ok(found) => Ok(found.and_then(|found| found.pointer("/metadata/uid")?.as_str().map(str::to_owned))),
        Err(ClusterError::Forbidden { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the facts once, as the CLI needs them before a cluster is connected.
pub async fn read_facts(connection: &Connection) -> Result<ClusterFacts, ClusterError> {
    let version = server_version(connection).await?;
    let mut nodes = Nodes::default();
    let mut next = String::new();
    loop {
        let page = connection.get(&format!("/api/v1/nodes?limit=250{next}")).await?;
        for node in page["items"].as_array().into_iter().flatten() {
            nodes.put(
                node.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default(),
                observe_node(node),
            );
        }
        match page.pointer("/metadata/continue").and_then(Value::as_str) {
            Some(token) if !token.is_empty() => next = crate::watch::continue_parameter(token),
            _ => return Ok(nodes.facts(&version)),
        }
    }
}

//! Kinds: what `apps/v1/Deployment` means, and where the API server serves it.

use std::fmt;

use serde::Deserialize;

use crate::connection::Connection;
use crate::error::ClusterError;

/// A kind as people and settings write it: `v1/Pod`, `apps/v1/Deployment`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindName {
    group: String,
    version: String,
    kind: String,
}

impl KindName {
    /// Reads `version/Kind` or `group/version/Kind`.
    pub fn parse(text: &str) -> Result<Self, ClusterError> {
        let refuse = || ClusterError::BadKind(text.chars().take(100).collect());
        let parts: Vec<&str> = text.split('/').collect();
        let (group, version, kind) = match parts.as_slice() {
            [version, kind] => ("", *version, *kind),
            [group, version, kind] if !group.is_empty() => (*group, *version, *kind),
            _ => return Err(refuse()),
        };
        let named = |part: &str, more: &str| {
            !part.is_empty()
                && part.len() <= 253
                && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let version_like = version.starts_with('v') && version.len() > 1;
        let capitalised = kind.starts_with(|c: char| c.is_ascii_uppercase());
        if !version_like || !capitalised || !named(version, "") || !named(kind, "") {
            return Err(refuse());
        }
        if !group.is_empty() && !named(group, ".-") {
            return Err(refuse());
        }
        Ok(Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() })
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// `Pod`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Where the API server lists the resources of this group and version.
    fn discovery_path(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api_version(), self.kind)
    }
}

/// A kind with its place in the API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServedKind {
    pub name: KindName,
    pub plural: String,
    pub namespaced: bool,
}

impl ServedKind {
    /// The path of the collection, over all namespaces or in one.
    pub fn collection_path(&self, namespace: Option<&str>) -> String {
        let base = self.name.discovery_path();
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{base}/namespaces/{}/{}", encode(namespace), self.plural),
            None => format!("{base}/{}", self.plural),
        }
    }

    /// The path of one object.
    pub fn object_path(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{}", self.collection_path(namespace), encode(name))
    }
}

/// Kinds whose place never changes, so that the common case needs no discovery request.
const BUILT_IN: &[(&str, &str, bool)] = &[
    ("v1/Node", "nodes", false),
    ("v1/Namespace", "namespaces", false),
    ("v1/Pod", "pods", true),
    ("v1/Service", "services", true),
    ("v1/Event", "events", true),
    ("v1/ConfigMap", "configmaps", true),
    ("v1/Secret", "secrets", true),
    ("v1/ServiceAccount", "serviceaccounts", true),
    ("v1/PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("v1/PersistentVolume", "persistentvolumes", false),
    ("apps/v1/Deployment", "deployments", true),
    ("apps/v1/StatefulSet", "statefulsets", true),
    ("apps/v1/DaemonSet", "daemonsets", true),
    ("apps/v1/ReplicaSet", "replicasets", true),
    ("batch/v1/Job", "jobs", true),
    ("batch/v1/CronJob", "cronjobs", true),
    ("networking.k8s.io/v1/Ingress", "ingresses", true),
    ("rbac.authorization.k8s.io/v1/ClusterRole", "clusterroles", false),
    ("rbac.authorization.k8s.io/v1/ClusterRoleBinding", "clusterrolebindings", false),
    ("rbac.authorization.k8s.io/v1/Role", "roles", true),
    ("rbac.authorization.k8s.io/v1/RoleBinding", "rolebindings", true),
    ("networking.k8s.io/v1/NetworkPolicy", "networkpolicies", true),
    ("storage.k8s.io/v1/StorageClass", "storageclasses", false),
    ("autoscaling/v2/HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("policy/v1/PodDisruptionBudget", "poddisruptionbudgets", true),
    ("v1/ResourceQuota", "resourcequotas", true),
];

/// What an agent watches when nobody says otherwise: workloads, network, storage, rights, and configuration without its data. Secrets are not
/// among them.
pub const DEFAULT_WATCHED: &[&str] = &[
    "v1/Node",
    "v1/Namespace",
    "apps/v1/Deployment",
    "apps/v1/StatefulSet",
    "apps/v1/DaemonSet",
    "apps/v1/ReplicaSet",
    "batch/v1/Job",
    "batch/v1/CronJob",
    "v1/Pod",
    "v1/Service",
    "v1/Event",
    "v1/ConfigMap",
    "v1/ServiceAccount",
    "v1/PersistentVolumeClaim",
    "v1/PersistentVolume",
    "v1/ResourceQuota",
    "networking.k8s.io/v1/Ingress",
    "networking.k8s.io/v1/NetworkPolicy",
    "storage.k8s.io/v1/StorageClass",
    "autoscaling/v2/HorizontalPodAutoscaler",
    "policy/v1/PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1/ClusterRole",
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
    "rbac.authorization.k8s.io/v1/Role",
    "rbac.authorization.k8s.io/v1/RoleBinding",
];

/// What it watches besides where the cluster has it: Flux, Gatekeeper, cert-manager.
pub const WATCHED_WHEN_PRESENT: &[&str] = &[
    "source.toolkit.fluxcd.io/v1/GitRepository",
    "source.toolkit.fluxcd.io/v1/OCIRepository",
    "source.toolkit.fluxcd.io/v1/HelmRepository",
    "source.toolkit.fluxcd.io/v1/Bucket",
    "kustomize.toolkit.fluxcd.io/v1/Kustomization",
    "helm.toolkit.fluxcd.io/v2/HelmRelease",
    "templates.gatekeeper.sh/v1/ConstraintTemplate",
    "cert-manager.io/v1/Certificate",
    "cert-manager.io/v1/Issuer",
    "cert-manager.io/v1/ClusterIssuer",
];

impl KindName {
    /// Whether a cluster need not have it, although it is watched when nobody says otherwise.
    pub fn is_optional(&self) -> bool {
        let name = self.to_string();
        WATCHED_WHEN_PRESENT.contains(&name.as_str())
    }
}

/// The place of a built-in kind, without asking the cluster.
pub fn built_in(name: &KindName) -> Option<ServedKind> {
    let wanted = name.to_string();
    BUILT_IN.iter().find(|(known, _, _)| *known == wanted).map(|(_, plural, namespaced)| ServedKind {
        name: name.clone(),
        plural: (*plural).to_owned(),
        namespaced: *namespaced,
    })
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
}

/// Finds where a kind is served; asks the cluster for kinds that are not built in.
pub async fn resolve(connection: &Connection, name: &KindName) -> Result<ServedKind, ClusterError> {
    if let Some(served) = built_in(name) {
        return Ok(served);
    }
    let list: ResourceList = connection.get_as(&name.discovery_path()).await?;
    let found = list.resources.into_iter().find(|r| r.kind == name.kind && !r.name.contains('/'));
    match found {
        Some(resource) => {
            Ok(ServedKind { name: name.clone(), plural: resource.name, namespaced: resource.namespaced })
        }
        None => {
            Err(ClusterError::NotFound { message: format!("the cluster does not serve the kind {name}") })
        }
    }
}

/// A path segment, percent-encoded. Names of RBAC objects may hold colons.
fn encode(segment: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');
    percent_encoding::utf8_percent_encode(segment, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_people_write_them() {
        let pod = KindName::parse("v1/Pod").unwrap();
        assert_eq!((pod.group(), pod.api_version().as_str(), pod.kind()), ("", "v1", "Pod"));
        let deployment = KindName::parse("apps/v1/Deployment").unwrap();
        assert_eq!(deployment.to_string(), "apps/v1/Deployment");
        for bad in
            ["", "Pod", "v1/pod", "/v1/Pod", "a/b/c/D", "v/Pod", "v1/P od", "apps/v1/../Pod", "ap ps/v1/Pod"]
        {
            assert!(KindName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_default_kind_is_built_in_and_none_is_a_secret() {
        for name in DEFAULT_WATCHED {
            assert!(built_in(&KindName::parse(name).unwrap()).is_some(), "{name}");
            assert_ne!(*name, "v1/Secret");
        }
    }

    #[test]
    fn paths_follow_the_scope_of_the_kind() {
        let node = built_in(&KindName::parse("v1/Node").unwrap()).unwrap();
        assert_eq!(node.object_path(Some("ignored"), "n1"), "/api/v1/nodes/n1");
        let deployment = built_in(&KindName::parse("apps/v1/Deployment").unwrap()).unwrap();
        assert_eq!(deployment.collection_path(None), "/apis/apps/v1/deployments");
        assert_eq!(deployment.object_path(Some("a"), "web"), "/apis/apps/v1/namespaces/a/deployments/web");
        let role = built_in(&KindName::parse("rbac.authorization.k8s.io/v1/ClusterRole").unwrap()).unwrap();
        assert!(role.object_path(None, "a:b").ends_with("/clusterroles/a%3Ab"));
    }
}

//! Which distribution a cluster is, and on whose infrastructure it runs, from what its nodes say of themselves.
//!
//! Two tables, first match wins: marks that only one distribution leaves come before marks that several share. The values
//! are those that ARM clients know (`aks`, `eks`, `openshift`, …; `azure`, `aws`, …) and, where ARM has none, the
//! project's own name in lower case. What is not recognised is `generic`.
//!
//! Design notes: the API server's address is not looked at, because a proxy or a private name may stand in front of it.
//! The cases in `tests/kubernetes/cases/detection.json` are the specification.

use std::collections::BTreeMap;

use serde_json::Value;

/// What nothing in the tables matches.
pub const GENERIC: &str = "generic";

/// One mark on a node.
enum Mark {
    /// A label with this name, whatever its value.
    Label(&'static str),
    /// A label whose name starts with this.
    LabelPrefix(&'static str),
    /// An annotation with this name.
    Annotation(&'static str),
    /// An annotation with this value.
    AnnotationValue(&'static str, &'static str),
    /// The beginning of `spec.providerID`.
    Provider(&'static str),
    /// A piece of the kubelet's version.
    Version(&'static str),
    /// A piece of the operating system's name.
    Os(&'static str),
    /// An annotation together with the beginning of the provider id.
    AnnotationOn(&'static str, &'static str),
}

const DISTRIBUTIONS: &[(Mark, &str)] = &[
    (Mark::Label("node.openshift.io/os_id"), "openshift"),
    (Mark::AnnotationValue("node.aksedge.io/distro", "aks_edge_k3s"), "aks_edge_k3s"),
    (Mark::AnnotationValue("node.aksedge.io/distro", "aks_edge_k8s"), "aks_edge_k8s"),
    (Mark::Label("kubernetes.azure.com/node-image-version"), "aks"),
    (Mark::Label("kubernetes.azure.com/cluster"), "aks"),
    (Mark::Label("eks.amazonaws.com/nodegroup"), "eks"),
    (Mark::Label("eks.amazonaws.com/compute-type"), "eks"),
    (Mark::LabelPrefix("alpha.eksctl.io/"), "eks"),
    (Mark::Version("-eks-"), "eks"),
    (Mark::Label("cloud.google.com/gke-nodepool"), "gke"),
    (Mark::Version("-gke."), "gke"),
    (Mark::Label("minikube.k8s.io/version"), "minikube"),
    (Mark::Provider("kind://"), "kind"),
    (Mark::Annotation("rke.cattle.io/external-ip"), "rancher_rke"),
    (Mark::Annotation("rke.cattle.io/internal-ip"), "rancher_rke"),
    (Mark::Version("+rke2"), "rke2"),
    (Mark::Provider("k3s://"), "k3s"),
    (Mark::Version("+k3s"), "k3s"),
    (Mark::Version("+k0s"), "k0s"),
    (Mark::Label("microk8s.io/cluster"), "microk8s"),
    (Mark::LabelPrefix("juju-"), "canonical"),
    (Mark::LabelPrefix("run.tanzu.vmware.com/"), "tkg"),
    (Mark::Version("+vmware"), "tkg"),
    (Mark::Os("Talos"), "talos"),
    (Mark::AnnotationOn("cluster.x-k8s.io/cluster-name", "azure://"), "capz"),
    (Mark::Annotation("cluster.x-k8s.io/cluster-name"), "cluster_api"),
    // What many of those above leave too.
    (Mark::Annotation("kubeadm.alpha.kubernetes.io/cri-socket"), "kubeadm"),
];

const INFRASTRUCTURES: &[(Mark, &str)] = &[
    (Mark::Provider("azure://"), "azure"),
    (Mark::Provider("aws://"), "aws"),
    (Mark::Provider("gce://"), "gcp"),
    (Mark::Provider("moc://"), "azure_stack_hci"),
    (Mark::Provider("vsphere://"), "vsphere"),
    (Mark::Provider("openstack://"), "openstack"),
    (Mark::Provider("nutanix://"), "nutanix"),
    (Mark::Provider("harvester://"), "harvester"),
    (Mark::Provider("metal3://"), "bare_metal"),
    (Mark::Provider("tinkerbell://"), "bare_metal"),
    (Mark::Provider("sidero://"), "bare_metal"),
    (Mark::Provider("digitalocean://"), "digitalocean"),
    (Mark::Provider("hcloud://"), "hetzner"),
    (Mark::Provider("linode://"), "linode"),
    (Mark::Provider("scaleway://"), "scaleway"),
    (Mark::Provider("equinixmetal://"), "equinixmetal"),
    (Mark::Provider("ibm://"), "ibm"),
    (Mark::Provider("ocid1."), "oracle"),
    (Mark::Provider("oci://"), "oracle"),
    // Managed nodes whose provider id is not filled in yet.
    (Mark::Label("kubernetes.azure.com/cluster"), "azure"),
    (Mark::Label("eks.amazonaws.com/nodegroup"), "aws"),
    (Mark::Label("cloud.google.com/gke-nodepool"), "gcp"),
];

/// What one node says; small, so that a cluster of thousands of nodes costs little to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFacts {
    pub distribution: &'static str,
    pub infrastructure: &'static str,
    /// Thousandths of a core.
    pub millicores: u32,
}

/// Reads a node.
pub fn observe_node(node: &Value) -> NodeFacts {
    let cpu = node.pointer("/status/capacity/cpu").and_then(Value::as_str).unwrap_or_default();
    NodeFacts {
        distribution: first_match(DISTRIBUTIONS, node),
        infrastructure: first_match(INFRASTRUCTURES, node),
        millicores: parse_millicores(cpu).unwrap_or(0),
    }
}

/// The distribution of a cluster whose nodes say nothing, from the API server's version.
pub fn distribution_of_version(git_version: &str) -> &'static str {
    let matches = |mark: &Mark| matches!(mark, Mark::Version(piece) if git_version.contains(piece));
    DISTRIBUTIONS.iter().find(|(mark, _)| matches(mark)).map_or(GENERIC, |(_, name)| name)
}

/// What most of the nodes say; a node that says `generic` does not vote. Equal votes go to the alphabet, so that the answer
/// does not flap.
pub(crate) fn majority<'a>(votes: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for vote in votes.into_iter().filter(|vote| *vote != GENERIC) {
        *counts.entry(vote).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name)
}

fn first_match(table: &[(Mark, &'static str)], node: &Value) -> &'static str {
    table.iter().find(|(mark, _)| is_on(mark, node)).map_or(GENERIC, |(_, name)| name)
}

fn is_on(mark: &Mark, node: &Value) -> bool {
    let text = |pointer: &str| node.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let entry = |map: &str, name: &str| node.get("metadata").and_then(|m| m.get(map)?.get(name)?.as_str());
    match mark {
        Mark::Label(name) => entry("labels", name).is_some(),
        Mark::LabelPrefix(prefix) => node
            .pointer("/metadata/labels")
            .and_then(Value::as_object)
            .is_some_and(|labels| labels.keys().any(|name| name.starts_with(prefix))),
        Mark::Annotation(name) => entry("annotations", name).is_some(),
        Mark::AnnotationValue(name, value) => entry("annotations", name) == Some(value),
        Mark::Provider(prefix) => text("/spec/providerID").starts_with(prefix),
        Mark::Version(piece) => text("/status/nodeInfo/kubeletVersion").contains(piece),
        Mark::Os(piece) => text("/status/nodeInfo/osImage").contains(piece),
        Mark::AnnotationOn(name, prefix) => {
            entry("annotations", name).is_some() && text("/spec/providerID").starts_with(prefix)
        }
    }
}

/// Kubernetes quantities of CPU: `4`, `3920m`, `0.5`.
fn parse_millicores(quantity: &str) -> Option<u32> {
    if let Some(milli) = quantity.strip_suffix('m') {
        return milli.parse().ok();
    }
    let cores: f64 = quantity.parse().ok()?;
    let thousandths = (cores * 1000.0).round();
    // A cast of a float saturates; a node beyond four million cores does not exist.
    (thousandths >= 0.0).then_some(thousandths as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_cpu_are_read() {
        for (text, milli) in
            [("4", Some(4000)), ("3920m", Some(3920)), ("0.5", Some(500)), ("", None), ("x", None)]
        {
            assert_eq!(parse_millicores(text), milli, "{text}");
        }
    }

    #[test]
    fn the_majority_decides_and_ties_do_not_flap() {
        assert_eq!(majority(["aws", "generic", "azure", "aws"]), Some("aws"));
        assert_eq!(majority(["b", "a"]), majority(["a", "b"]));
        assert_eq!(majority(["generic"]), None);
    }

    #[test]
    fn a_cluster_without_nodes_is_told_by_its_version() {
        for (version, name) in [
            ("v1.30.4+k3s1", "k3s"),
            ("v1.29.1-eks-508b6b3", "eks"),
            ("v1.30.2-gke.1587003", "gke"),
            ("v1.30.0+rke2r1", "rke2"),
            ("v1.34.4", GENERIC),
        ] {
            assert_eq!(distribution_of_version(version), name);
        }
    }
}

//! The resource's status: what the cluster is, and what of it cannot be seen.

use std::collections::BTreeMap;

use bowline_kubernetes::{ClusterError, KindName, NodeFacts, Nodes};
use bowline_link::wire;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{VERSION, conditions::Condition};

/// The part of the agent that reports what is in the cluster.
const INVENTORY: &str = "inventory";

/// What the agent reports as properties of the connected cluster.
#[derive(Debug, Default)]
pub(super) struct Facts {
    nodes: Nodes,
    nodes_listed: bool,
    git_version: Option<String>,
    uid: Option<String>,
    errors: BTreeMap<String, AgentError>,
}

#[derive(Debug, PartialEq, Eq)]
struct AgentError {
    component: &'static str,
    message: String,
    since: Timestamp,
}

impl Facts {
    /// A node exists.
    pub(super) fn saw_node(&mut self, name: &str, node: NodeFacts) {
        self.nodes.put(name, node);
    }

    /// A node is gone.
    pub(super) fn lost_node(&mut self, name: &str) {
        self.nodes.remove(name);
    }

    /// Every node has been seen once; before that a count would be wrong. What exists no longer is forgotten.
    pub(super) fn listed_nodes(&mut self, exists: impl Fn(&str) -> bool) {
        self.nodes.retain(exists);
        self.nodes_listed = true;
    }

    /// The API server's version.
    pub(super) fn saw_version(&mut self, git_version: String) {
        self.git_version = Some(git_version);
    }

    /// Which cluster it is; nothing where that may not be read.
    pub(super) fn saw_uid(&mut self, uid: Option<String>) {
        self.uid = uid;
    }

    /// A kind can be watched.
    pub(super) fn works(&mut self, kind: &KindName) {
        self.errors.remove(&kind.to_string());
    }

    /// A kind cannot be watched until a person does something.
    pub(super) fn fails(&mut self, kind: &KindName, error: &ClusterError, now: Timestamp) {
        let message = format!("{kind} is missing from the inventory: {error}. {}", error.advice());
        self.complain(INVENTORY, kind.to_string(), message, now);
    }

    /// A setting cannot be followed.
    pub(super) fn misunderstands(&mut self, setting: &str, why: &str, now: Timestamp) {
        self.complain(INVENTORY, setting.to_owned(), why.to_owned(), now);
    }

    /// What is to be known about a setting, or nothing any more.
    pub(super) fn tell(&mut self, setting: &str, condition: Option<Condition>, now: Timestamp) {
        match condition {
            Some(condition) => self.complain("agent", setting.to_owned(), condition.message, now),
            None => self.understands(setting),
        }
    }

    /// The setting is understood.
    pub(super) fn understands(&mut self, setting: &str) {
        self.errors.remove(setting);
    }

    fn complain(&mut self, component: &'static str, about: String, message: String, now: Timestamp) {
        // The time is that of the first complaint: a status must not change because time passes.
        if self.errors.get(&about).is_none_or(|before| before.message != message) {
            self.errors.insert(about, AgentError { component, message, since: now });
        }
    }

    /// The reported properties; none before the cluster's version is known and its nodes have been counted, or are known
    /// to be out of reach.
    pub(super) fn status(&self) -> Option<Value> {
        let git_version = self.git_version.as_ref()?;
        let blind = self.errors.contains_key("v1/Node");
        if !self.nodes_listed && !blind {
            return None;
        }
        let errors: Vec<Value> = self
            .errors
            .values()
            .map(|error| {
                json!({"component": error.component, "severity": "Warning", "message": error.message, "time": error.since})
            })
            .collect();
        let mut status =
            serde_json::to_value(self.nodes.facts(git_version)).expect("facts are strings and numbers");
        if !self.nodes_listed {
            let members = status.as_object_mut().expect("facts are an object");
            members.retain(|name, _| name == "kubernetesVersion");
        }
        status["agentVersion"] = VERSION.into();
        if let Some(uid) = &self.uid {
            status["miscellaneousProperties"] = json!({wire::CLUSTER_UID: uid});
        }
        status["arcAgentProfile"] = json!({"agentState": "Succeeded", "agentErrors": errors});
        Some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline_kubernetes::observe_node;

    #[test]
    fn nothing_is_said_before_it_is_known_and_nothing_changes_by_itself() {
        let mut facts = Facts::default();
        facts.saw_version("v1.34.4".into());
        assert_eq!(facts.status(), None);
        let node = json!({"spec": {"providerID": "kind://a"}, "status": {"capacity": {"cpu": "4"}}});
        facts.saw_node("/n", observe_node(&node));
        facts.listed_nodes(|_| true);
        let status = facts.status().unwrap();
        assert_eq!(
            status,
            json!({"kubernetesVersion": "1.34.4", "distribution": "kind", "infrastructure": "generic", "totalNodeCount": 1,
                "totalCoreCount": 4, "agentVersion": VERSION,
                "arcAgentProfile": {"agentState": "Succeeded", "agentErrors": []}})
        );
        let kind = KindName::parse("v1/Pod").unwrap();
        let forbidden = || ClusterError::Forbidden { message: "no".into() };
        facts.fails(&kind, &forbidden(), Timestamp::UNIX_EPOCH);
        let first = facts.status().unwrap();
        assert!(first["arcAgentProfile"]["agentErrors"][0]["message"].as_str().unwrap().contains("v1/Pod"));
        facts.fails(&kind, &forbidden(), Timestamp::MAX);
        assert_eq!(facts.status().unwrap(), first);
        facts.works(&kind);
        assert_eq!(facts.status().unwrap(), status);
        facts.saw_uid(Some("u".into()));
        assert_eq!(facts.status().unwrap()["miscellaneousProperties"], json!({"kubeSystemUid": "u"}));
    }

    #[test]
    fn without_a_right_on_nodes_the_version_is_still_told() {
        let mut facts = Facts::default();
        facts.saw_version("v1.34.4".into());
        facts.fails(
            &KindName::parse("v1/Node").unwrap(),
            &ClusterError::Forbidden { message: "no".into() },
            Timestamp::UNIX_EPOCH,
        );
        let status = facts.status().unwrap();
        assert_eq!(status["kubernetesVersion"], "1.34.4");
        assert_eq!(status.get("totalNodeCount"), None);
    }
}

//! Install checks: can this cluster be connected, and if not, what is missing and what fixes it.
//!
//! The checks never change the cluster: rights are asked for with `SelfSubjectAccessReview`.

use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::error::ClusterError;
use crate::kinds::{DEFAULT_WATCHED, KindName, built_in};

/// As the chart says in its `kubeVersion`.
const OLDEST_MINOR: u32 = 26;

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum Outcome {
    /// All is well; `detail` says what was found.
    Passed { detail: String },
    /// It cannot work like this.
    Failed { why: String, fix: String },
    /// Not tried, because a check before it failed.
    Skipped { why: String },
}

/// One check with its stable name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub name: String,
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Check {
    fn passed(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Passed { detail: detail.into() } }
    }

    fn failed(name: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Failed { why: why.into(), fix: fix.into() } }
    }

    /// Whether the check stands in the way.
    pub fn is_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

/// For whom the rights are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A person who connects a cluster: makes the namespace, the Secret, the ConfigMap and the agent's rights.
    Connect,
    /// The same, and installs the agent.
    Install,
    /// The agent itself.
    Agent,
}

/// One right that is needed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Right {
    verb: &'static str,
    group: String,
    resource: String,
    namespace: Option<String>,
    name: Option<&'static str>,
    why: &'static str,
}

/// Runs every check in order. `namespace` is where the agent lives. An unreachable cluster fails the first check and
/// skips the rest, so that the answer is one cause and not ten consequences.
pub async fn run_checks(connection: &Connection, namespace: &str, purpose: Purpose) -> Vec<Check> {
    let version = match connection.get("/version").await {
        Ok(version) => version,
        Err(error) => return unreachable(connection, &error),
    };
    let mut checks = vec![Check::passed("clusterReachable", format!("{} answers", connection.server()))];
    checks.push(check_version(&version));
    checks.push(check_linux_node(connection).await);
    for right in rights(namespace, purpose) {
        checks.push(check_right(connection, &right).await);
    }
    checks
}

fn unreachable(connection: &Connection, error: &ClusterError) -> Vec<Check> {
    let name = match error {
        ClusterError::Untrusted { .. } => "clusterCertificate",
        ClusterError::Unauthorized { .. } => "clusterCredentials",
        _ => "clusterReachable",
    };
    let skipped = Outcome::Skipped { why: format!("{} has to answer first", connection.server()) };
    vec![
        Check::failed(name, error.to_string(), error.advice()),
        Check { name: "kubernetesVersion".into(), outcome: skipped.clone() },
        Check { name: "permissions".into(), outcome: skipped },
    ]
}

fn check_version(version: &Value) -> Check {
    let text = version["gitVersion"].as_str().unwrap_or("unknown");
    // Managed clusters append a plus sign to the minor version.
    let number = |key: &str| -> u32 {
        let digits = version[key].as_str().unwrap_or_default();
        digits.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
    };
    if (number("major"), number("minor")) >= (1, OLDEST_MINOR) {
        return Check::passed("kubernetesVersion", text);
    }
    Check::failed(
        "kubernetesVersion",
        format!("the cluster runs {text}; the agent needs v1.{OLDEST_MINOR} or later"),
        format!("Upgrade the cluster to v1.{OLDEST_MINOR} or later."),
    )
}

async fn check_linux_node(connection: &Connection) -> Check {
    const NAME: &str = "linuxNode";
    let path = "/api/v1/nodes?labelSelector=kubernetes.io%2Fos%3Dlinux&limit=1";
    match connection.get(path).await {
        Ok(list) if list["items"].as_array().is_some_and(|items| !items.is_empty()) => {
            Check::passed(NAME, "a Linux node can run the agent")
        }
        // The agent also runs outside of the cluster, so that an empty cluster can be connected.
        Ok(_) => Check::passed(
            NAME,
            "no Linux node is ready for the agent yet; run it outside of the cluster until there is one",
        ),
        Err(error) => Check::failed(NAME, error.to_string(), error.advice()),
    }
}

async fn check_right(connection: &Connection, right: &Right) -> Check {
    let name = right_name(right);
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": right.verb, "group": right.group, "resource": right.resource,
            "namespace": right.namespace.clone().unwrap_or_default(), "name": right.name.unwrap_or_default(),
        }},
    });
    match connection.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await {
        Ok(answer) if answer.pointer("/status/allowed") == Some(&Value::Bool(true)) => {
            Check::passed(name, right.why)
        }
        Ok(answer) => {
            let reason = answer.pointer("/status/reason").and_then(Value::as_str).filter(|r| !r.is_empty());
            let because = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            Check::failed(
                name,
                format!("not allowed{because}; it is needed so that {}", right.why),
                fix(right),
            )
        }
        Err(error) => Check::failed(name, error.to_string(), error.advice()),
    }
}

/// `list pods`, `create secrets in bowline-system`.
fn right_name(right: &Right) -> String {
    let group = if right.group.is_empty() { String::new() } else { format!(".{}", right.group) };
    let place = right.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    format!("{} {}{group}{place}", right.verb, right.resource)
}

fn fix(right: &Right) -> String {
    let (kind, place) = match &right.namespace {
        Some(namespace) => ("Role", format!(" in the namespace {namespace}")),
        None => ("ClusterRole", String::new()),
    };
    format!(
        "Bind a {kind}{place} that allows `{}` on `{}` of API group `{}`, or use a context of a cluster administrator.",
        right.verb, right.resource, right.group
    )
}

/// The right to make something of a group, anywhere.
fn of_group(group: &str, resource: &str, why: &'static str) -> Right {
    Right {
        verb: "create",
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: None,
        name: None,
        why,
    }
}

fn rights(namespace: &str, purpose: Purpose) -> Vec<Right> {
    let own = Some(namespace.to_owned());
    let core = |verb, resource: &str, namespace: Option<String>, name, why| Right {
        verb,
        group: String::new(),
        resource: resource.to_owned(),
        namespace,
        name,
        why,
    };
    if purpose != Purpose::Agent {
        let rbac =
            |resource: &str| of_group("rbac.authorization.k8s.io", resource, "the agent gets its rights");
        let mut wanted = vec![
            core("create", "namespaces", None, None, "the agent has a namespace of its own"),
            core("patch", "secrets", own.clone(), None, "the agent's key is stored"),
            core("patch", "configmaps", own, None, "the agent's settings are stored"),
        ];
        wanted.extend([rbac("clusterroles"), rbac("clusterrolebindings")]);
        if purpose == Purpose::Install {
            let here = |right: Right| Right { namespace: Some(namespace.to_owned()), ..right };
            wanted.extend([here(rbac("roles")), here(rbac("rolebindings"))]);
            wanted.push(here(core(
                "create",
                "serviceaccounts",
                None,
                None,
                "the agent has an account of its own",
            )));
            wanted.push(here(of_group("apps", "deployments", "the agent is installed")));
            wanted.push(here(core("create", "pods", None, None, "a pod tries the way to the server")));
            // Nobody can hand out a right that they do not have.
            for resource in ["users", "groups"] {
                let why = "the agent may act as the callers of remote kubectl";
                wanted.push(core("impersonate", resource, None, None, why));
            }
        }
        return wanted;
    }
    let mut wanted = Vec::new();
    for verb in ["get", "watch", "patch"] {
        wanted.push(core(
            verb,
            "secrets",
            own.clone(),
            Some("bowline-agent"),
            "the agent reads and renews its key",
        ));
    }
    wanted.push(core(
        "get",
        "namespaces",
        None,
        Some("kube-system"),
        "a copy of the cluster is told from the cluster itself",
    ));
    for verb in ["create", "get", "list", "watch", "patch", "delete"] {
        wanted.push(core(verb, "configmaps", own.clone(), None, "the agent keeps its ledger"));
    }
    for kind in DEFAULT_WATCHED {
        let Some(served) = KindName::parse(kind).ok().and_then(|name| built_in(&name)) else { continue };
        for verb in ["list", "watch"] {
            wanted.push(Right {
                verb,
                group: served.name.group().to_owned(),
                resource: served.plural.clone(),
                namespace: None,
                name: None,
                why: "the inventory is complete",
            });
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_managed_clusters_are_understood() {
        let cases =
            [("1", "34", true), ("1", "27+", true), ("1", "26", true), ("1", "25", false), ("", "", false)];
        for (major, minor, good) in cases {
            let check = check_version(&json!({"major": major, "minor": minor, "gitVersion": "v"}));
            assert_eq!(check.is_failed(), !good, "{major}.{minor}");
        }
    }

    #[test]
    fn a_missing_right_names_itself_and_its_fix() {
        let wanted = rights("bowline-system", Purpose::Agent);
        let pods = wanted.iter().find(|r| r.resource == "pods" && r.verb == "list").unwrap();
        assert_eq!(right_name(pods), "list pods");
        assert!(fix(pods).contains("ClusterRole"));
        let own = wanted.iter().find(|r| r.resource == "configmaps").unwrap();
        assert_eq!(right_name(own), "create configmaps in bowline-system");
        assert!(
            !wanted.iter().any(|r| r.resource == "secrets" && r.namespace.is_none()),
            "no secrets cluster-wide"
        );
    }
}

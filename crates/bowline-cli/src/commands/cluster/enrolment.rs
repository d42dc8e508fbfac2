//! The agent's identity inside the cluster: Secret and ConfigMap `bowline-agent` in `bowline-system`.
//!
//! The Secret is written before the server learns its key, and says for which resource it was made: a connection that
//! broke in the middle finds its key again and goes on with it. The ConfigMap is written last; it is what makes the
//! agent start, and what proves that this very cluster is the one that was connected.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bowline_kubernetes::{Access, ClusterError, Connection, apply_object};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{KubeArgs, install};
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::identity::AgentKey;

pub(super) const NAMESPACE: &str = "bowline-system";
const NAME: &str = "bowline-agent";
const RESOURCE_ANNOTATION: &str = "bowline.io/resource-id";
const SECRET_PATH: &str = "/api/v1/namespaces/bowline-system/secrets/bowline-agent";
const CONFIG_MAP_PATH: &str = "/api/v1/namespaces/bowline-system/configmaps/bowline-agent";
const NAMESPACE_PATH: &str = "/api/v1/namespaces/bowline-system";
/// Where the two objects are.
pub(super) const PATHS: [&str; 2] = [SECRET_PATH, CONFIG_MAP_PATH];
/// How long a namespace that is being deleted is waited for.
const GOING: Duration = Duration::from_secs(60);
/// Who made the namespace, when connecting did.
const MADE_BY: &str = "app.kubernetes.io/managed-by";

/// What a cluster already holds of an identity.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The resource whose enrolment is complete.
    pub(super) enrolled_as: Option<String>,
    /// The resource that the key was made for, and its public half.
    pub(super) key: Option<(String, String)>,
}

pub(super) async fn open(kube: &KubeArgs) -> Result<Connection> {
    let access = Access {
        kubeconfig: kube.kubeconfig.clone(),
        context: kube.context.clone(),
        no_proxy: host::variable("NO_PROXY").or_else(|| host::variable("no_proxy")),
        impersonate: None,
    };
    Connection::open(&access).await.map_err(|error| refused(&error))
}

/// A cluster's refusal in our words.
pub(super) fn refused(error: &ClusterError) -> Failure {
    let kind = match error {
        ClusterError::Kubeconfig(_) | ClusterError::NotConfigured(_) => Kind::Usage,
        _ => Kind::Service,
    };
    Failure::new(kind, error.to_string()).code("ClusterRefused").next(error.advice())
}

/// Looks at what is there; nothing is changed.
pub(super) async fn look(connection: &Connection) -> Result<Found> {
    let config_map = connection.find(CONFIG_MAP_PATH).await.map_err(|error| refused(&error))?;
    let secret = connection.find(SECRET_PATH).await.map_err(|error| refused(&error))?;
    let enrolled_as = config_map.as_ref().and_then(resource_of_config_map);
    let key = secret.as_ref().and_then(|secret| {
        let pem = secret.pointer("/data/key.pem")?.as_str()?;
        let pem = String::from_utf8(BASE64_STANDARD.decode(pem).ok()?).ok()?;
        let made_for = secret.pointer("/metadata/annotations").and_then(|a| a.get(RESOURCE_ANNOTATION));
        let made_for = made_for.and_then(Value::as_str).map(str::to_owned).or_else(|| enrolled_as.clone())?;
        Some((made_for, AgentKey::public_of(&pem)?))
    });
    Ok(Found { enrolled_as, key })
}

fn resource_of_config_map(config_map: &Value) -> Option<String> {
    let text = config_map.pointer("/data/agent.json")?.as_str()?;
    let agent: Value = serde_json::from_str(text).ok()?;
    agent.get("resourceId")?.as_str().map(str::to_owned)
}

/// The agent's namespace, as connecting makes it where there is none.
pub(super) fn namespace() -> Value {
    let labels = json!({
        MADE_BY: "bowline", "app.kubernetes.io/part-of": "bowline", "pod-security.kubernetes.io/enforce": "restricted",
    });
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
}

/// Whether connecting made the namespace; one that was there before stays as it is.
pub(super) fn is_our_namespace(found: &Value) -> bool {
    found.pointer("/metadata/labels").is_some_and(|labels| labels[MADE_BY] == "bowline")
}

/// Makes the namespace unless it is there; whether it did. One that is going (somebody removed it just now) is let go first.
pub(super) async fn make_namespace(connection: &Connection) -> Result<bool> {
    let end = Instant::now() + GOING;
    loop {
        let found = connection.find(NAMESPACE_PATH).await.map_err(|error| refused(&error))?;
        let Some(found) = found else { break };
        if found.pointer("/metadata/deletionTimestamp").is_none() {
            return Ok(false);
        }
        if Instant::now() >= end {
            return Err(Failure::new(Kind::Conflict, format!("the namespace {NAMESPACE} is being deleted"))
                .code("NamespaceTerminating")
                .why("something in it does not end")
                .next(format!(
                    "kubectl get namespace {NAMESPACE} -o yaml says what; then run this command again"
                )));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    apply_object(connection, &namespace(), true).await.map_err(|error| refused(&error))?;
    Ok(true)
}

/// Writes the key.
pub(super) async fn write_key(connection: &Connection, resource_id: &str, key: &AgentKey) -> Result<()> {
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": NAME, "namespace": NAMESPACE, "labels": labels(),
            "annotations": {RESOURCE_ANNOTATION: resource_id},
        },
        "data": {"key.pem": BASE64_STANDARD.encode(&key.private_pem)},
    });
    install::own(&mut secret["metadata"]);
    apply_object(connection, &secret, true).await.map(drop).map_err(|error| refused(&error))
}

/// Writes `agent.json`: the agent starts from here.
pub(super) async fn write_settings(connection: &Connection, agent: &Value) -> Result<()> {
    let mut config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels()},
        "data": {"agent.json": serde_json::to_string_pretty(agent).expect("a JSON value is JSON")},
    });
    install::own(&mut config_map["metadata"]);
    apply_object(connection, &config_map, true).await.map_err(|error| refused(&error))?;
    // An older command wrote the key's Secret without the marks.
    let mut marks = json!({"metadata": {}});
    install::own(&mut marks["metadata"]);
    connection.merge_patch(SECRET_PATH, &marks).await.map(drop).map_err(|error| refused(&error))
}

/// Whether the cluster holds the identity of a resource.
pub(super) async fn is_of(connection: &Connection, resource_id: &str) -> Result<bool> {
    let found = look(connection).await?;
    let made_for = found.enrolled_as.or(found.key.map(|(made_for, _)| made_for));
    Ok(made_for.is_some_and(|id| id.eq_ignore_ascii_case(resource_id)))
}

/// Removes the identity, and what the agent keeps of its own beside it. The identity goes last: it says whose all that is.
pub(super) async fn forget(connection: &Connection) -> Result<()> {
    let list = connection
        .get("/api/v1/namespaces/bowline-system/configmaps?limit=500")
        .await
        .map_err(|error| refused(&error))?;
    let names =
        list["items"].as_array().into_iter().flatten().filter_map(|item| item.pointer("/metadata/name"));
    let ledger = names.filter_map(Value::as_str).filter(|name| name.starts_with("bowline-ledger-"));
    let ledger = ledger.map(|name| format!("/api/v1/namespaces/bowline-system/configmaps/{name}"));
    for path in ledger.chain(PATHS.map(str::to_owned)) {
        match connection.delete(&path).await {
            Ok(()) | Err(ClusterError::NotFound { .. }) => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Ok(())
}

fn labels() -> Value {
    json!({"app.kubernetes.io/name": "bowline-agent", "app.kubernetes.io/part-of": "bowline"})
}

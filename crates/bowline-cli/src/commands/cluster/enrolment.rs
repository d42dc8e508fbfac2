//! The agent's identity inside the cluster: Secret and ConfigMap `bowline-agent` in `bowline-system`.
//!
//! The Secret is written before the server learns its key, and says for which resource it was made: a connection that
//! broke in the middle finds its key again and goes on with it. The ConfigMap is written last; it is what makes the
//! agent start, and what proves that this very cluster is the one that was connected.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bowline_kubernetes::{Access, ClusterError, Connection, apply_object};
use serde_json::{Value, json};

use super::KubeArgs;
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::identity::AgentKey;

pub(super) const NAMESPACE: &str = "bowline-system";
const NAME: &str = "bowline-agent";
const RESOURCE_ANNOTATION: &str = "bowline.io/resource-id";
const SECRET_PATH: &str = "/api/v1/namespaces/bowline-system/secrets/bowline-agent";
const CONFIG_MAP_PATH: &str = "/api/v1/namespaces/bowline-system/configmaps/bowline-agent";

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

/// Writes the namespace and the key.
pub(super) async fn write_key(connection: &Connection, resource_id: &str, key: &AgentKey) -> Result<()> {
    let labels = labels();
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}});
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": NAME, "namespace": NAMESPACE, "labels": labels,
            "annotations": {RESOURCE_ANNOTATION: resource_id},
        },
        "data": {"key.pem": BASE64_STANDARD.encode(&key.private_pem)},
    });
    for object in [namespace, secret] {
        apply_object(connection, &object, true).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// Writes `agent.json`: the agent starts from here.
pub(super) async fn write_settings(connection: &Connection, agent: &Value) -> Result<()> {
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels()},
        "data": {"agent.json": serde_json::to_string_pretty(agent).expect("a JSON value is JSON")},
    });
    apply_object(connection, &config_map, true).await.map(drop).map_err(|error| refused(&error))
}

/// Removes the identity and the ledger of one resource; another's is left alone. Tells whether there was one.
pub(super) async fn remove(connection: &Connection, resource_id: &str) -> Result<bool> {
    let found = look(connection).await?;
    let made_for = found.enrolled_as.or(found.key.map(|(made_for, _)| made_for));
    if !made_for.is_some_and(|id| id.eq_ignore_ascii_case(resource_id)) {
        return Ok(false);
    }
    let list = connection
        .get("/api/v1/namespaces/bowline-system/configmaps?limit=500")
        .await
        .map_err(|error| refused(&error))?;
    let names =
        list["items"].as_array().into_iter().flatten().filter_map(|item| item.pointer("/metadata/name"));
    let ledger = names.filter_map(Value::as_str).filter(|name| name.starts_with("bowline-ledger-"));
    let mut paths = vec![CONFIG_MAP_PATH.to_owned(), SECRET_PATH.to_owned()];
    paths.extend(ledger.map(|name| format!("/api/v1/namespaces/bowline-system/configmaps/{name}")));
    for path in paths {
        match connection.delete(&path).await {
            Ok(()) | Err(ClusterError::NotFound { .. }) => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Ok(true)
}

fn labels() -> Value {
    json!({"app.kubernetes.io/name": "bowline-agent", "app.kubernetes.io/managed-by": "bowline"})
}

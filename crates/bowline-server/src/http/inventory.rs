//! `GET {clusterId}/providers/Microsoft.Bowline/kubernetesObjects`: what the cluster's agent saw, answered without touching the cluster.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_arm::{Error, ResourceId};
use bowline_control::context::OpContext;
use http::StatusCode;
use serde_json::{Value, json};

use super::State;
use super::arm::{json_response, next_link};
use super::call::Call;

/// Whose objects are Kubernetes' own; a machine's are its packages.
const CLUSTER: &str = "Microsoft.Kubernetes/connectedClusters";
/// The action that the caller needs at the cluster.
const ACTION: &str = "Microsoft.Bowline/kubernetesObjects/read";
const MAX_PAGE: usize = 1000;

/// Lists objects of a cluster.
///
/// # Errors
/// ARM errors for the caller.
pub async fn list(
    state: &State,
    context: &OpContext,
    scope: &ResourceId,
    call: &Call,
) -> Result<Response, Error> {
    state.control.authorization().snapshot().await.require(context, ACTION, scope.key())?;
    let record = state.control.store().get(scope.key()).await.map_err(|e| {
        Error::unavailable("The database cannot be read right now. Try again.", 2).with_context(e)
    })?;
    let record = record.ok_or_else(|| Error::resource_not_found(scope.as_str()))?;
    let top = call.parameter("$top").and_then(|t| t.parse().ok()).unwrap_or(200).clamp(1, MAX_PAGE);
    let bad_token = || {
        Error::bad_request(
            "InvalidSkipToken",
            "The page link is not one that this service issued: start the list again without $skipToken.",
        )
        .with_target("$skipToken")
    };
    let after = match call.parameter("$skiptoken") {
        None => None,
        Some(token) => Some(
            URL_SAFE_NO_PAD
                .decode(token)
                .ok()
                .and_then(|b| String::from_utf8(b).ok())
                .ok_or_else(bad_token)?,
        ),
    };
    let wanted = Wanted {
        kind: call.parameter("kind"),
        namespace: call.parameter("namespace"),
        name: call.parameter("name"),
    };
    let is_cluster = record.resource_type.eq_ignore_ascii_case(CLUSTER);
    let mut seen = state
        .control
        .inventory()
        .list(record.uid, "inventory", after.as_deref(), top + 1, |key, _| is_cluster && wanted.matches(key))
        .await
        .map_err(|e| {
            Error::unavailable("The cluster's inventory cannot be read right now. Try again.", 2)
                .with_context(e)
        })?;
    let more = seen.len() > top;
    seen.truncate(top);
    let mut page = json!({"value": seen.iter().map(|(key, s)| show(&record.id, key, &s.object, s.at)).collect::<Vec<Value>>()});
    if let Some((last, _)) = seen.last().filter(|_| more) {
        page["nextLink"] = next_link(state, call, &URL_SAFE_NO_PAD.encode(last)).into();
    }
    Ok(json_response(StatusCode::OK, &page))
}

struct Wanted<'a> {
    kind: Option<&'a str>,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
}

/// `apps/v1/Deployment/ns/name`, `v1/Node//name`: api version, kind, namespace, name.
fn split(key: &str) -> Option<(&str, &str, &str, &str)> {
    let mut parts = key.rsplitn(4, '/');
    let (name, namespace, kind, version) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some((version, kind, namespace, name))
}

impl Wanted<'_> {
    fn matches(&self, key: &str) -> bool {
        let Some((_, kind, namespace, name)) = split(key) else { return false };
        self.kind.is_none_or(|k| k.split(',').any(|k| k.eq_ignore_ascii_case(kind)))
            && self.namespace.is_none_or(|n| n == namespace)
            && self.name.is_none_or(|n| n == name)
    }
}

fn show(cluster: &str, key: &str, object: &str, at: jiff::Timestamp) -> Value {
    let (version, kind, namespace, name) = split(key).unwrap_or(("", "", "", key));
    let object: Value = serde_json::from_str(object).unwrap_or_default();
    json!({
        "id": format!("{cluster}/providers/Microsoft.Bowline/kubernetesObjects/{}", URL_SAFE_NO_PAD.encode(key)),
        "name": name, "type": "Microsoft.Bowline/kubernetesObjects",
        "properties": {"apiVersion": version, "kind": kind, "namespace": namespace, "name": name, "observedAt": at.to_string(), "object": object},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_the_right() {
        assert_eq!(split("apps/v1/Deployment/ns/name"), Some(("apps/v1", "Deployment", "ns", "name")));
        assert_eq!(split("v1/Node//n1"), Some(("v1", "Node", "", "n1")));
        assert_eq!(split("x"), None);
    }
}

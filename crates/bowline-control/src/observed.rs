//! What an agent reports: properties of its resource (through the pipeline, only when they change) and objects (into the inventory).

use bowline_arm::Error;
use bowline_arm::types::Access;
use bowline_link::observed::ObservedBatch;
use bowline_store::Record;
use serde_json::Value;

use crate::Control;
use crate::context::OpContext;
use crate::inventory::{SOURCES, TakeError};
use crate::pipeline::{StatusChange, store_error, update_status};
use crate::provider::{Spec, properties_of};

/// What an agent may never set, although its type has it: keys, presence and what the server itself decides.
const SERVERS_OWN: [&str; 10] = [
    "agentPublicKeyCertificate",
    "clientPublicKey",
    "connectivityStatus",
    "status",
    "statusReason",
    "lastStatusChange",
    "lastConnectivityTime",
    "managedIdentityCertificateExpirationTime",
    "provisioningState",
    "vmId",
];
/// What an agent detects although callers may set it too.
const DETECTED: [&str; 6] = [
    "distribution",
    "distributionVersion",
    "infrastructure",
    "osProfile",
    "arcAgentProfile",
    "mssqlDiscovered",
];

/// Takes a batch of the agent of `record`; gives the acknowledged number.
///
/// # Errors
/// `ResyncRequired` (409) with the expected number in the context, store errors otherwise.
pub async fn observe(
    control: &Control,
    context: &OpContext,
    record: &Record,
    batch: &ObservedBatch,
) -> Result<u64, TakeOrError> {
    if !SOURCES.contains(&batch.source.as_str()) {
        return Err(Error::bad_request(
            "UnknownSource",
            format!("The source '{}' is not known. This server takes: {}.", batch.source, SOURCES.join(", ")),
        )
        .into());
    }
    if !holds(control, record.uid, batch.session).await? {
        return Err(Error::conflict(
            bowline_link::wire::NO_SESSION,
            "This session has ended; open a new one and report under its id.",
        )
        .into());
    }
    let acknowledged =
        control.inventory().take(record.uid, batch, context.now).await.map_err(TakeOrError::Take)?;
    if let Some(status) = &batch.status {
        let spec = control
            .registry()
            .by_key(&record.resource_type)
            .map(|p| p.spec())
            .ok_or_else(|| Error::internal("a resource without a provider"))?;
        let change: &StatusChange<'_> = &|document| merge_reported(spec, document, status);
        update_status(control, context, &record.key, record.uid, change).await?;
    }
    Ok(acknowledged)
}

/// Whether a session is the agent's: here, or on another server, because a report goes to whichever server the balancer chose.
async fn holds(control: &Control, agent: uuid::Uuid, session: uuid::Uuid) -> Result<bool, Error> {
    if control.sessions().is_current(agent, session) {
        return Ok(true);
    }
    let found = control.fleet().find(agent).await.map_err(|e| store_error(&e))?;
    Ok(found.is_some_and(|one| one.session == session && one.server.is_some()))
}

/// A batch that was not taken, or another error.
#[derive(Debug, thiserror::Error)]
pub enum TakeOrError {
    /// The batch.
    #[error(transparent)]
    Take(TakeError),
    /// Anything else.
    #[error(transparent)]
    Arm(#[from] Error),
}

/// Puts reported members into `properties`: known to the type, read-only or detected, and never the server's own.
fn merge_reported(spec: &Spec, document: &mut Value, status: &Value) -> bool {
    let Some(reported) = status.as_object() else { return false };
    let Some(known) = spec.shape.root.members.get("properties") else { return false };
    let properties = properties_of(document);
    for (name, value) in reported {
        let allowed = known.members.get(name).is_some_and(|node| {
            node.access == Access::ReadOnly
                || DETECTED.contains(&name.as_str())
                || node.members.values().any(|m| m.access == Access::ReadOnly)
        });
        if !allowed || SERVERS_OWN.contains(&name.as_str()) {
            continue;
        }
        match (value, properties.get_mut(name)) {
            (Value::Null, _) => {
                properties.remove(name);
            }
            // What callers set inside (patch settings, agent upgrades) stays beside what was detected.
            (Value::Object(new), Some(Value::Object(old))) if name != "detectedProperties" => {
                old.extend(new.clone());
            }
            (value, _) => {
                properties.insert(name.clone(), value.clone());
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_agent_sets_what_it_detects_and_nothing_else() {
        let registry = crate::registry::Registry::default();
        let spec = registry.by_key("microsoft.hybridcompute/machines").unwrap().spec();
        let mut document = json!({"properties": {"status": "Disconnected", "clientPublicKey": "k", "agentUpgrade": {"desiredVersion": "1"}}});
        merge_reported(
            spec,
            &mut document,
            &json!({"osName": "Debian", "status": "Connected", "clientPublicKey": "evil", "bogus": 1, "agentVersion": "0.1"}),
        );
        assert_eq!(
            document["properties"],
            json!({"status": "Disconnected", "clientPublicKey": "k", "agentUpgrade": {"desiredVersion": "1"}, "osName": "Debian", "agentVersion": "0.1"})
        );
    }
}

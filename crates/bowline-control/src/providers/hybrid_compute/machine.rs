//! `Microsoft.HybridCompute/machines`: a Linux or Windows server anywhere, with one agent on it (arc.md A.4).

use bowline_arm::{Error, NameRule, types};
use serde_json::{Value, json};

use super::machine_action;
use crate::provider::{Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses, unknown_action};
use crate::providers::{admit_agent_key, brings_other_key, refuse_enrollment_takeover};

/// See the module.
pub struct Machines;

/// The property that holds the agent's public key.
const KEY_PROPERTY: &str = "clientPublicKey";

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/machines",
    shape: &types::MACHINES,
    action: "Microsoft.HybridCompute/machines",
    placement: Placement::ResourceGroup,
    name: NameRule {
        min: 1,
        max: 54,
        extra: "-_.",
        alphanumeric_ends: false,
        words: "1 to 54 letters, digits, '-', '_' and '.'",
    },
    writable: true,
    tracked: true,
    agent_key: Some(KEY_PROPERTY),
    // The SDKs accept only 200 on PUT, and not 200 on DELETE (arm-clients.md section 2).
    statuses: Statuses { created: 200, updated: 200, deleted: 204 },
    watermark: None,
};

impl ResourceProvider for Machines {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        if admission.property(KEY_PROPERTY).is_none() {
            // A machine may be prepared before its agent exists; it waits for one.
            admission.default("status", "AwaitingConnection");
        } else {
            refuse_takeover(admission)?;
            if admit_agent_key(admission, KEY_PROPERTY)? {
                // Until the holder of this key has connected, nothing is known of the host.
                admission.set("status", "AwaitingConnection");
            }
        }
        admission.set("provisioningState", "Succeeded");
        // After the takeover was refused: there a missing vmId must not look like the same one.
        admission.keep("vmId");
        admission.default("vmId", bowline_auth::random::guid().to_string());
        Ok(())
    }

    fn views(&self) -> &'static [&'static str] {
        &["networkProfile"]
    }

    fn view(&self, view: &str, document: &Value) -> Result<Value, Error> {
        match (view, &document["properties"]["networkProfile"]) {
            ("networkProfile", Value::Null) => Ok(json!({"networkInterfaces": []})),
            ("networkProfile", profile) => Ok(profile.clone()),
            _ => Err(unknown_action(SPEC.resource_type, view)),
        }
    }

    fn actions(&self) -> &'static [&'static str] {
        &machine_action::ACTIONS
    }

    fn act(&self, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
        machine_action::act(action, acting)
    }
}

/// Three hosts may PUT a name that exists: the same host again (its key or its `vmId`), the same host re-imaged (another key: only when asked to
/// replace), and somebody else's (refused). A cloned disk has the same key and is found by its second session.
fn refuse_takeover(admission: &Admission<'_>) -> Result<(), Error> {
    let Some(existing) = admission.existing else { return Ok(()) };
    let properties = &existing["properties"];
    let same_installation =
        properties["vmId"].as_str().is_some_and(|id| admission.property("vmId") == Some(id));
    let connected = properties["status"] == "Connected";
    if !brings_other_key(admission, KEY_PROPERTY) {
        return Ok(());
    }
    refuse_enrollment_takeover(admission)?;
    if admission.context.replace || (same_installation && !connected) {
        return Ok(());
    }
    let text =
        |pointer: &str| properties.pointer(pointer).and_then(|v| v.as_str()).unwrap_or("unknown").to_owned();
    Err(Error::conflict(
        "MachineNameInUse",
        format!(
            "'{}' belongs to another installation: host {} ({}), status {} since {}. \
             Choose another name (--name), or, if this is that host built anew, run connect again with --replace: its tags, roles and settings stay.",
            admission.id,
            text("/osProfile/computerName"),
            text("/osSku"),
            text("/status"),
            text("/lastStatusChange"),
        ),
    ))
}

//! `Microsoft.HybridCompute/machines/runCommands`: a script that a machine is to run. It is stored; agents of this release run none, and the
//! instance view says so.

use bowline_arm::{Error, types};
use serde_json::json;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// The longest that a command may ask for: 90 minutes, as clients' documentation says.
const MAX_SECONDS: u64 = 5400;

/// See the module.
pub struct MachineRunCommands;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/machines/runCommands",
    shape: &types::MACHINE_RUN_COMMANDS,
    action: "Microsoft.HybridCompute/machines/runCommands",
    placement: Placement::Child,
    name: super::CHILD_NAME,
    writable: true,
    tracked: true,
    agent_key: None,
    statuses: Statuses { created: 201, updated: 200, deleted: 204 },
    watermark: None,
};

impl ResourceProvider for MachineRunCommands {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let source = &admission.document["properties"]["source"];
        let given = ["script", "scriptUri", "commandId"].iter().filter(|m| source[**m].is_string()).count();
        if given != 1 {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                "The property 'properties.source' must have one of 'script', 'scriptUri' and 'commandId'.",
            )
            .with_target("properties.source"));
        }
        let limit = &admission.document["properties"]["timeoutInSeconds"];
        if !limit.is_null() && limit.as_u64().is_none_or(|s| !(1..=MAX_SECONDS).contains(&s)) {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                format!("The property 'properties.timeoutInSeconds' must be a whole number from 1 to {MAX_SECONDS}."),
            )
            .with_target("properties.timeoutInSeconds"));
        }
        admission.default("asyncExecution", false);
        let view = json!({
            "executionState": "Pending", "exitCode": 0, "output": "", "error": "",
            "executionMessage": "The command is stored. Agents of this release do not run commands, so nothing was run on the machine.",
            "statuses": [],
        });
        admission.set("instanceView", view);
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }
}

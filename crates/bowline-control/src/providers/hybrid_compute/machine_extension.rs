//! `Microsoft.HybridCompute/machines/extensions`: an extension that a machine is to have. It is stored; agents of this release install
//! none, and the instance view says so.

use bowline_arm::{Error, types};
use serde_json::json;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct MachineExtensions;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/machines/extensions",
    shape: &types::MACHINE_EXTENSIONS,
    action: "Microsoft.HybridCompute/machines/extensions",
    placement: Placement::Child,
    name: super::CHILD_NAME,
    writable: true,
    tracked: true,
    agent_key: None,
    // The SDKs refuse 201 on PUT (arm-clients.md section 2).
    statuses: Statuses { created: 200, updated: 200, deleted: 200 },
    watermark: None,
};

impl ResourceProvider for MachineExtensions {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        for needed in ["publisher", "type"] {
            if admission.property(needed).is_none_or(str::is_empty) {
                return Err(super::missing(needed));
            }
        }
        let text = |name: &str| admission.property(name).unwrap_or_default().to_owned();
        let view = json!({
            "name": admission.id.name(), "type": text("type"), "typeHandlerVersion": text("typeHandlerVersion"),
            "status": {
                "code": "NotExecuted", "level": "Warning", "displayStatus": "Stored, not installed",
                "message": "The extension is stored. Agents of this release do not install extensions, so nothing was changed on the machine.",
                "time": super::kept_time(admission, "/properties/instanceView/status/time"),
            },
        });
        admission.default("autoUpgradeMinorVersion", false);
        admission.set("instanceView", view);
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }
}

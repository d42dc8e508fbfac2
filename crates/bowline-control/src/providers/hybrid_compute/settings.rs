//! `{resource}/providers/Microsoft.HybridCompute/settings/default`: the gateway that a machine is to use.

use bowline_arm::{Error, types};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct HybridComputeSettings;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/settings",
    shape: &types::HYBRID_COMPUTE_SETTINGS,
    action: "Microsoft.HybridCompute/settings",
    placement: Placement::Extension,
    name: super::CHILD_NAME,
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for HybridComputeSettings {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let tenant = admission.tenant.to_string();
        admission.set("tenantId", tenant);
        Ok(())
    }
}

//! `Microsoft.HybridCompute/gateways`: which addresses agents may reach through one gateway. It is stored; this release runs no gateway, so
//! there is no endpoint.

use bowline_arm::{Error, types};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct Gateways;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/gateways",
    shape: &types::GATEWAYS,
    action: "Microsoft.HybridCompute/gateways",
    placement: Placement::ResourceGroup,
    name: super::CHILD_NAME,
    writable: true,
    tracked: true,
    agent_key: None,
    statuses: Statuses { created: 201, updated: 200, deleted: 204 },
    watermark: None,
};

impl ResourceProvider for Gateways {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        admission.default("gatewayId", bowline_auth::random::guid().to_string());
        admission.default("gatewayType", "Public");
        admission.default("allowedFeatures", serde_json::json!(["*"]));
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }
}

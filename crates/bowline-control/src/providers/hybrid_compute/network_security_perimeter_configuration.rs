//! `Microsoft.HybridCompute/privateLinkScopes/networkSecurityPerimeterConfigurations`: there are none, because Bowline has no network perimeters.

use bowline_arm::{Error, types};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct NetworkSecurityPerimeterConfigurations;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/privateLinkScopes/networkSecurityPerimeterConfigurations",
    shape: &types::NETWORK_SECURITY_PERIMETER_CONFIGURATIONS,
    action: "Microsoft.HybridCompute/privateLinkScopes/networkSecurityPerimeterConfigurations",
    placement: Placement::Child,
    name: super::CHILD_NAME,
    writable: false,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for NetworkSecurityPerimeterConfigurations {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, _admission: &mut Admission<'_>) -> Result<(), Error> {
        // The pipeline refuses writes of a type that callers cannot write.
        Ok(())
    }
}

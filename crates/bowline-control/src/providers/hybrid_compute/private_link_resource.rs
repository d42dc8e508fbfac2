//! `Microsoft.HybridCompute/privateLinkScopes/privateLinkResources`: the one group of endpoints that a private link would cover.

use bowline_arm::{Error, ResourceId, types};
use serde_json::{Value, json};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// Its name, as clients know it.
const GROUP: &str = "hybridcompute";

/// See the module.
pub struct PrivateLinkResources;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/privateLinkScopes/privateLinkResources",
    shape: &types::PRIVATE_LINK_RESOURCES,
    action: "Microsoft.HybridCompute/privateLinkScopes/privateLinkResources",
    placement: Placement::Child,
    name: super::CHILD_NAME,
    writable: false,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for PrivateLinkResources {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, _admission: &mut Admission<'_>) -> Result<(), Error> {
        // The pipeline refuses writes of a type that callers cannot write.
        Ok(())
    }

    fn built_in(&self, scope: &ResourceId) -> Vec<(ResourceId, Value)> {
        let Ok(id) = format!("{scope}/privateLinkResources/{GROUP}").parse() else { return Vec::new() };
        vec![(
            id,
            json!({"properties": {"groupId": GROUP, "requiredMembers": [GROUP], "requiredZoneNames": []}}),
        )]
    }
}

//! `Microsoft.HybridCompute/privateLinkScopes`: which machines may be reached over private links. Bowline's agents only call out, so a scope has no
//! connections; what it says about public access is kept for its owner.

use bowline_arm::{Error, types};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct PrivateLinkScopes;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/privateLinkScopes",
    shape: &types::PRIVATE_LINK_SCOPES,
    action: "Microsoft.HybridCompute/privateLinkScopes",
    placement: Placement::ResourceGroup,
    name: super::CHILD_NAME,
    writable: true,
    tracked: true,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for PrivateLinkScopes {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        admission.default("privateLinkScopeId", bowline_auth::random::guid().to_string());
        admission.default("publicNetworkAccess", "Disabled");
        admission.default("privateEndpointConnections", serde_json::json!([]));
        // Clients of this type read the tags without asking whether there are any.
        crate::provider::member_object(admission.document, "tags");
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }
}

//! `Microsoft.HybridCompute/privateLinkScopes/privateEndpointConnections`: there are none, because nothing calls in to an agent.

use bowline_arm::{Error, types};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct PrivateEndpointConnections;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/privateLinkScopes/privateEndpointConnections",
    shape: &types::PRIVATE_ENDPOINT_CONNECTIONS,
    action: "Microsoft.HybridCompute/privateLinkScopes/privateEndpointConnections",
    placement: Placement::Child,
    name: super::CHILD_NAME,
    writable: false,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for PrivateEndpointConnections {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, _admission: &mut Admission<'_>) -> Result<(), Error> {
        // The pipeline refuses writes of a type that callers cannot write.
        Ok(())
    }
}

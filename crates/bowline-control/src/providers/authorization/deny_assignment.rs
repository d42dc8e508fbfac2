//! `Microsoft.Authorization/denyAssignments`: read-only, and there are none: in Azure too only the platform itself makes them.

use bowline_arm::{Error, types};

use super::GUID;
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct DenyAssignments;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Authorization/denyAssignments",
    shape: &types::DENY_ASSIGNMENTS,
    action: "Microsoft.Authorization/denyAssignments",
    placement: Placement::Extension,
    name: GUID,
    writable: false,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for DenyAssignments {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, _admission: &mut Admission<'_>) -> Result<(), Error> {
        Err(Error::new(
            405,
            "MethodNotAllowed",
            "Deny assignments cannot be created: nobody but the platform makes them. Take a role away instead, or lock the resource.",
        ))
    }
}

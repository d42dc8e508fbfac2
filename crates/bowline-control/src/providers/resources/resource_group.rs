//! `Microsoft.Resources/resourceGroups`: what belongs together and goes together.

use bowline_arm::{Error, NameRule, types};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct ResourceGroups;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Resources/resourceGroups",
    shape: &types::RESOURCE_GROUPS,
    action: "Microsoft.Resources/subscriptions/resourceGroups",
    placement: Placement::Subscription,
    name: NameRule {
        min: 1,
        max: 90,
        extra: "-_.()",
        alphanumeric_ends: false,
        words: "1 to 90 letters, digits, '-', '_', '.', '(' and ')', and does not end with '.'",
    },
    writable: true,
    tracked: true,
    agent_key: None,
    statuses: Statuses { created: 201, updated: 200, deleted: 200 },
    watermark: None,
};

impl ResourceProvider for ResourceGroups {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }
}

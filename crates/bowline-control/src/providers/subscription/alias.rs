//! `Microsoft.Subscription/aliases`: the name under which a client created a subscription; see [`crate::subscriptions`].

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;
use uuid::Uuid;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct Aliases;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Subscription/aliases",
    shape: &types::SUBSCRIPTION_ALIASES,
    action: "Microsoft.Subscription/aliases",
    placement: Placement::Tenant,
    name: NameRule {
        min: 1,
        max: 63,
        extra: "-_.",
        alphanumeric_ends: false,
        words: "1 to 63 letters, digits, '-', '_' and '.', and does not end with '.'",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for Aliases {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        if let Some(old) = admission.existing.and_then(|e| e["properties"]["subscriptionId"].as_str()) {
            let old = old.to_owned();
            if admission.property("subscriptionId").is_some_and(|new| !new.eq_ignore_ascii_case(&old)) {
                return Err(Error::conflict(
                    "AliasAlreadyExists",
                    format!("The alias stands for the subscription '{old}' and cannot be given to another."),
                )
                .with_target("properties.subscriptionId"));
            }
            admission.set("subscriptionId", old);
        }
        let created = admission.context.now.to_string();
        admission.keep("createdTime");
        admission.default("createdTime", created);
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
    }
}

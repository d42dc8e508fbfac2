//! `Microsoft.Resources/subscriptions`: the scope in which resources are owned and paid for; here, the first level below the tenant.

use bowline_arm::{Error, NameRule, types};
use serde_json::json;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct Subscriptions;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Resources/subscriptions",
    shape: &types::SUBSCRIPTIONS,
    action: "Microsoft.Resources/subscriptions",
    placement: Placement::Tenant,
    name: NameRule {
        min: 36,
        max: 36,
        extra: "-",
        alphanumeric_ends: true,
        words: "the 36 characters of a GUID",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: Some(crate::authorization::WATERMARK),
};

impl ResourceProvider for Subscriptions {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let id = admission.id.name().to_ascii_lowercase();
        if id.parse::<uuid::Uuid>().is_err() {
            return Err(Error::bad_request(
                "InvalidSubscriptionId",
                format!("The subscription id '{id}' is not a GUID."),
            )
            .with_target("name"));
        }
        let tenant = admission.tenant.to_string();
        admission.document["subscriptionId"] = id.into();
        admission.document["tenantId"] = tenant.into();
        if !admission.document["state"].is_string() {
            admission.document["state"] = "Enabled".into();
        }
        admission.document["subscriptionPolicies"] = json!({"locationPlacementId": "Internal_2014-09-01", "quotaId": "Internal_2014-09-01", "spendingLimit": "Off"});
        admission.document["managedByTenants"] = json!([]);
        admission.document["authorizationSource"] = "RoleBased".into();
        Ok(())
    }
}

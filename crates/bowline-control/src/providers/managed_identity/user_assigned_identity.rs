//! `Microsoft.ManagedIdentity/userAssignedIdentities`: an identity with a life of its own, to be given to several resources.
//!
//! Its client id is its object id: nothing here needs two, and one is found by the other. It gets tokens by its federated identity
//! credentials, and ends for whoever holds one when it is deleted.

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;
use uuid::Uuid;

use crate::authorization::WATERMARK;
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct UserAssignedIdentities;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    shape: &types::USER_ASSIGNED_IDENTITIES,
    action: "Microsoft.ManagedIdentity/userAssignedIdentities",
    placement: Placement::ResourceGroup,
    name: NameRule {
        min: 3,
        max: 128,
        extra: "-_",
        alphanumeric_ends: false,
        words: "3 to 128 letters, digits, '-' and '_'",
    },
    writable: true,
    tracked: true,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: Some(WATERMARK),
};

impl ResourceProvider for UserAssignedIdentities {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let scope = admission.property("isolationScope");
        if scope.is_some_and(|s| !["None", "Regional"].iter().any(|known| known.eq_ignore_ascii_case(s))) {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                "The property 'properties.isolationScope' must be None or Regional.",
            )
            .with_target("properties.isolationScope"));
        }
        let known = self.principal(admission.existing.unwrap_or(&Value::Null));
        let object_id = known.unwrap_or_else(bowline_auth::random::guid).to_string();
        let tenant = admission.tenant.to_string();
        admission.set("principalId", object_id.clone());
        admission.set("clientId", object_id);
        admission.set("tenantId", tenant);
        Ok(())
    }

    fn principal(&self, document: &Value) -> Option<Uuid> {
        document["properties"]["principalId"].as_str()?.parse().ok()
    }
}

//! `Microsoft.HybridCompute/licenses`: a licence for extended support, as its owner declares it.

use bowline_arm::{Error, types};
use serde_json::{Map, Value};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// What every licence shows: how many profiles use it, and an id that never changes.
pub(crate) fn complete(properties: &mut Map<String, Value>) {
    if let Some(details) = properties.get_mut("licenseDetails").and_then(Value::as_object_mut) {
        details.entry("assignedLicenses").or_insert_with(|| 0.into());
        details.entry("immutableId").or_insert_with(|| bowline_auth::random::guid().to_string().into());
    }
}

/// See the module.
pub struct Licenses;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/licenses",
    shape: &types::LICENSES,
    action: "Microsoft.HybridCompute/licenses",
    placement: Placement::ResourceGroup,
    name: super::CHILD_NAME,
    writable: true,
    tracked: true,
    agent_key: None,
    // The SDKs refuse 201 on PUT (arm-clients.md section 2).
    statuses: Statuses { created: 200, updated: 200, deleted: 200 },
    watermark: None,
};

impl ResourceProvider for Licenses {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let tenant = admission.tenant.to_string();
        admission.set("tenantId", tenant);
        admission.default("licenseType", "ESU");
        complete(crate::provider::properties_of(admission.document));
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }
}

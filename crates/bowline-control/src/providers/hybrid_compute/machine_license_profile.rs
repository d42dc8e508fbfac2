//! `Microsoft.HybridCompute/machines/licenseProfiles/default`: which licence and which paid features a machine is to use. Bowline bills nothing
//! and asks no licence service, so eligibility is unknown and no key is ever active.

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// Notes when a subscription was enabled or disabled; only the first time of each counts.
fn enrol(subscription: &mut Value, now: &str) {
    let property = match subscription["subscriptionStatus"].as_str() {
        Some("Enabled" | "Enabling") => "enrollmentDate",
        Some("Disabled" | "Disabling") => "disenrollmentDate",
        _ => return,
    };
    if subscription[property].is_null() {
        subscription[property] = now.into();
    }
}

/// See the module.
pub struct MachineLicenseProfiles;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.HybridCompute/machines/licenseProfiles",
    shape: &types::MACHINE_LICENSE_PROFILES,
    action: "Microsoft.HybridCompute/machines/licenseProfiles",
    placement: Placement::Child,
    name: NameRule { min: 7, max: 7, extra: "", alphanumeric_ends: true, words: "the word 'default'" },
    writable: true,
    tracked: true,
    agent_key: None,
    statuses: Statuses { created: 201, updated: 200, deleted: 204 },
    watermark: None,
};

impl ResourceProvider for MachineLicenseProfiles {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        if !admission.id.name().eq_ignore_ascii_case("default") {
            return Err(Error::bad_request(
                "InvalidResourceName",
                "A machine has one licence profile, and its name is 'default'.",
            )
            .with_target("name"));
        }
        let now = admission.context.now.to_string();
        let properties = crate::provider::properties_of(admission.document);
        if let Some(esu) = properties.get_mut("esuProfile").and_then(Value::as_object_mut) {
            esu.insert("esuEligibility".to_owned(), "Unknown".into());
            esu.insert("esuKeyState".to_owned(), "Inactive".into());
            esu.insert("esuKeys".to_owned(), Value::Array(Vec::new()));
            esu.insert("serverType".to_owned(), "Unknown".into());
        }
        if let Some(product) = properties.get_mut("productProfile") {
            enrol(product, &now);
            for feature in product["productFeatures"].as_array_mut().into_iter().flatten() {
                enrol(feature, &now);
            }
        }
        admission.set("provisioningState", "Succeeded");
        Ok(())
    }
}

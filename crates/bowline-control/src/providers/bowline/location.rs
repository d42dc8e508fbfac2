//! `Microsoft.Bowline/locations`: a place that resources can be in, made by whoever runs the server; see [`crate::locations`].

use bowline_arm::{Error, NameRule, normalize_location, types};
use serde_json::Value;
use uuid::Uuid;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct Locations;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/locations",
    shape: &types::LOCATIONS,
    action: "Microsoft.Bowline/locations",
    placement: Placement::Tenant,
    name: NameRule {
        min: 1,
        max: 64,
        extra: "-_",
        alphanumeric_ends: true,
        words: "1 to 64 letters, digits, '-' and '_', and starts and ends with a letter or a digit",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for Locations {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let name = admission.id.name().to_owned();
        admission.default("displayName", name.clone());
        admission.default("geographyGroup", "Other");
        // Clients send the display name as well as the name, so that both must mean this location.
        let display = admission.property("displayName").unwrap_or_default();
        if normalize_location(display)? != name.to_ascii_lowercase() {
            return Err(Error::bad_request(
                "InvalidDisplayName",
                format!("The display name '{display}' must be the name '{name}' but for blanks and case: clients send either as a location."),
            )
            .with_target("properties.displayName"));
        }
        Ok(())
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
    }
}

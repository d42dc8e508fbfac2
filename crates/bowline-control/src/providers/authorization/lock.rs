//! `Microsoft.Authorization/locks`: forbids deleting or changing a subscription, a group or a resource, and what lies below; see [`crate::locks`].

use bowline_arm::{Error, NameRule, types};

use crate::authorization::WATERMARK;
use crate::locks::Level;
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct Locks;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Authorization/locks",
    shape: &types::LOCKS,
    action: "Microsoft.Authorization/locks",
    placement: Placement::Extension,
    name: NameRule {
        min: 1,
        max: 260,
        extra: "-_.() ",
        alphanumeric_ends: false,
        words: "1 to 260 letters, digits, blanks, '-', '_', '.', '(' and ')', and does not end with '.'",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: Some(WATERMARK),
};

/// The longest notes.
const MAX_NOTES: usize = 512;

impl ResourceProvider for Locks {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        if admission.id.subscription().is_none() {
            return Err(Error::bad_request(
                "InvalidLockScope",
                format!(
                    "'{}' is not in a subscription. A lock lies on a subscription, a resource group or a resource.",
                    admission.id
                ),
            ));
        }
        let text = admission.property("level").unwrap_or_default();
        let level = Level::parse(text).ok_or_else(|| {
            Error::bad_request(
                "InvalidLockLevel",
                format!("The lock level '{text}' is not known. Use CanNotDelete (no deleting) or ReadOnly (no deleting and no changing)."),
            )
            .with_target("properties.level")
        })?;
        if admission.property("notes").is_some_and(|notes| notes.chars().count() > MAX_NOTES) {
            return Err(Error::bad_request(
                "InvalidLockNotes",
                format!("The notes of a lock may have {MAX_NOTES} characters."),
            )
            .with_target("properties.notes"));
        }
        admission.set("level", level.as_str());
        Ok(())
    }
}

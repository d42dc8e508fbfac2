//! `Microsoft.Bowline/servicePrincipals`: programs that sign in. Named by the appId, which they share with their application, if they have one.

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;
use uuid::Uuid;

use super::credentials;
use crate::authorization::WATERMARK;
use crate::provider::{Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct ServicePrincipals;

/// The appId is the name.
pub(super) const APP_ID: NameRule = NameRule {
    min: 36,
    max: 36,
    extra: "-",
    alphanumeric_ends: true,
    words: "the 36 characters of a GUID (the appId)",
};

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/servicePrincipals",
    shape: &types::SERVICE_PRINCIPALS,
    action: "Microsoft.Bowline/servicePrincipals",
    placement: Placement::Tenant,
    name: APP_ID,
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: Some(WATERMARK),
};

impl ResourceProvider for ServicePrincipals {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let app_id = app_id(admission)?;
        credentials::admit_keys(admission)?;
        admission.default("displayName", app_id.clone());
        admission.set("appId", app_id);
        admission.default("accountEnabled", true);
        admission.default("objectId", bowline_auth::random::guid().to_string());
        Ok(())
    }

    fn principal(&self, document: &Value) -> Option<Uuid> {
        super::object_id(document)
    }

    fn actions(&self) -> &'static [&'static str] {
        credentials::ACTIONS
    }

    fn act(&self, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
        credentials::act(&SPEC, action, acting)
    }
}

/// The appId that the name is.
pub(super) fn app_id(admission: &Admission<'_>) -> Result<String, Error> {
    let parsed: Result<Uuid, _> = admission.id.name().parse();
    parsed
        .map(|id| id.to_string())
        .map_err(|_| Error::bad_request("InvalidAppId", "The name is the appId, a GUID.").with_target("name"))
}

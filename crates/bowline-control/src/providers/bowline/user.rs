//! `Microsoft.Bowline/users`: people who sign in with a password of this server.

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;
use uuid::Uuid;

use crate::authorization::WATERMARK;
use crate::context::OpContext;
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct Users;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/users",
    shape: &types::USERS,
    action: "Microsoft.Bowline/users",
    placement: Placement::Tenant,
    name: NameRule {
        min: 1,
        max: 64,
        extra: "-_.@+",
        alphanumeric_ends: true,
        words: "1 to 64 letters, digits, '-', '_', '.', '@' and '+'",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: Some(WATERMARK),
};

impl ResourceProvider for Users {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        if !admission.secrets.contains_key("/properties/passwordHash") {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                "A new user needs 'properties.password' (at least 12 characters).",
            )
            .with_target("properties.password"));
        }
        let (username, now) = (admission.id.name().to_owned(), admission.context.now.to_string());
        admission.default("displayName", username.clone());
        admission.set("username", username);
        admission.default("accountEnabled", true);
        admission.default("objectId", bowline_auth::random::guid().to_string());
        admission.default("passwordChangedOn", now);
        Ok(())
    }

    fn principal(&self, document: &Value) -> Option<Uuid> {
        super::object_id(document)
    }

    fn admit_delete(
        &self,
        context: &OpContext,
        _id: &bowline_arm::ResourceId,
        document: &Value,
    ) -> Result<(), Error> {
        if super::object_id(document) == Some(context.actor.object_id) {
            return Err(Error::conflict(
                "CannotDeleteSelf",
                "You cannot delete the user that you are signed in as. Let another administrator do it.",
            ));
        }
        Ok(())
    }
}

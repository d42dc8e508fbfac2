//! `Microsoft.Bowline/users`: people who sign in with a password of this server, through the upstream issuer, or both.
//!
//! `upstreamIssuer` and `upstreamSubject` say who a user is there; an entry beside the user finds it by the two and keeps them unique.

use bowline_arm::{Error, NameRule, types};
use bowline_store::{Entry, EntryWrite};
use serde_json::Value;
use uuid::Uuid;

use crate::authorization::WATERMARK;
use crate::context::OpContext;
use crate::identity::upstream::{LINK_ENTRY, link_key};
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses, properties_of};

/// The secret member that holds a password's hash.
pub(crate) const PASSWORD_HASH: &str = "/properties/passwordHash";

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
        let password = admission.secrets.get(PASSWORD_HASH);
        let (has_password, new_password) =
            (password.is_some(), password != admission.secrets_before.get(PASSWORD_HASH));
        let link = link(admission.document)?;
        if !has_password && link.is_none() {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                "A new user needs 'properties.password' (at least 12 characters), or 'properties.upstreamIssuer' and 'properties.upstreamSubject' of a sign-in elsewhere.",
            )
            .with_target("properties.password"));
        }
        let (username, now) = (admission.id.name().to_owned(), admission.context.now.to_string());
        admission.default("displayName", username.clone());
        admission.set("username", username);
        admission.default("accountEnabled", true);
        admission.default("objectId", bowline_auth::random::guid().to_string());
        if new_password {
            // Sign-ins from before a new password end.
            admission.set("passwordChangedOn", now);
        }
        admit_link(admission, link)
    }

    fn principal(&self, document: &Value) -> Option<Uuid> {
        super::object_id(document)
    }

    fn entries_beside(&self, document: &Value) -> Vec<(&'static str, String)> {
        link(document).ok().flatten().map(|key| (LINK_ENTRY, key)).into_iter().collect()
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

/// The key of the entry for who the user is upstream; none without a link.
fn link(document: &Value) -> Result<Option<String>, Error> {
    let text = |name: &str| document["properties"][name].as_str().filter(|t| !t.is_empty());
    match (text("upstreamIssuer"), text("upstreamSubject")) {
        (None, None) => Ok(None),
        (Some(issuer), Some(subject)) if issuer.len() <= 2048 && subject.len() <= 255 => {
            Ok(Some(link_key(issuer, subject)))
        }
        _ => Err(Error::bad_request(
            "InvalidRequestContent",
            "'properties.upstreamIssuer' and 'properties.upstreamSubject' belong together and have at most 2048 and 255 characters.",
        )
        .with_target("properties.upstreamSubject")),
    }
}

/// Keeps the entry with the link, in the same commit. Without a link the user is in no upstream group.
fn admit_link(admission: &mut Admission<'_>, wanted: Option<String>) -> Result<(), Error> {
    let before = admission.existing.map(link).transpose()?.flatten();
    if wanted.is_none() {
        properties_of(admission.document).remove("upstreamGroups");
    }
    if wanted == before {
        return Ok(());
    }
    if let Some(key) = before {
        admission.entries.push(EntryWrite::Remove { kind: LINK_ENTRY.to_owned(), key });
    }
    if let Some(key) = wanted {
        properties_of(admission.document).remove("upstreamGroups");
        let object_id = super::object_id(admission.document);
        let data = serde_json::to_vec(&object_id).map_err(Error::internal)?;
        let entry = Entry { kind: LINK_ENTRY.to_owned(), key, data, uses: 0, version: 0, expires_at: None };
        admission.entries.push(EntryWrite::Insert { entry });
    }
    Ok(())
}

//! The resource types, one file each: `<namespace>/<type>.rs`.

pub mod authorization;
pub mod bowline;
pub mod hybrid_compute;
pub mod kubernetes;
pub mod managed_identity;
pub mod management;
pub mod resource_graph;
pub mod resources;
pub mod subscription;

use std::sync::Arc;

use bowline_arm::{Error, ResourceId};
use bowline_store::EntryWrite;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::context::EnrollmentGrant;
use crate::provider::{Admission, ResourceProvider, member_object};

/// The kind of the entries that hold enrolment tokens' uses.
pub const ENROLLMENT_ENTRY: &str = "enrollment";

/// Every type, in the order in which `/providers` lists them.
#[must_use]
pub fn all() -> Vec<Arc<dyn ResourceProvider>> {
    vec![
        Arc::new(resources::Subscriptions),
        Arc::new(resources::ResourceGroups),
        Arc::new(kubernetes::ConnectedClusters),
        Arc::new(hybrid_compute::Machines),
        Arc::new(hybrid_compute::MachineExtensions),
        Arc::new(hybrid_compute::MachineRunCommands),
        Arc::new(hybrid_compute::MachineLicenseProfiles),
        Arc::new(hybrid_compute::Licenses),
        Arc::new(hybrid_compute::Gateways),
        Arc::new(hybrid_compute::HybridComputeSettings),
        Arc::new(hybrid_compute::PrivateLinkScopes),
        Arc::new(hybrid_compute::PrivateEndpointConnections),
        Arc::new(hybrid_compute::PrivateLinkResources),
        Arc::new(hybrid_compute::NetworkSecurityPerimeterConfigurations),
        Arc::new(resource_graph::GraphQueries),
        Arc::new(authorization::RoleAssignments),
        Arc::new(authorization::RoleDefinitions),
        Arc::new(authorization::DenyAssignments),
        Arc::new(managed_identity::UserAssignedIdentities),
        Arc::new(managed_identity::FederatedIdentityCredentials),
        Arc::new(authorization::Locks),
        Arc::new(management::ManagementGroups),
        Arc::new(subscription::Aliases),
        Arc::new(bowline::Locations),
        Arc::new(bowline::Users),
        Arc::new(bowline::Groups),
        Arc::new(bowline::Applications),
        Arc::new(bowline::ApplicationFederatedIdentityCredentials),
        Arc::new(bowline::ServicePrincipals),
        Arc::new(bowline::EnrollmentTokens),
        Arc::new(bowline::AgentSettings),
    ]
}

impl EnrollmentGrant {
    /// One use of the token, in the commit that it permits.
    pub(crate) fn count(&self) -> EntryWrite {
        EntryWrite::Count { kind: ENROLLMENT_ENTRY.to_owned(), key: self.entry.clone(), max: self.max_uses }
    }

    /// Refuses what the token does not permit.
    ///
    /// # Errors
    /// `AuthorizationFailed` (403).
    pub fn require(&self, id: &ResourceId, onboards: bool) -> Result<(), Error> {
        let scope: ResourceId = self.scope.parse().map_err(Error::internal)?;
        let in_scope = scope.contains(id);
        let permitted = self.resource_types.iter().any(|t| t == id.resource_type().key());
        if onboards && in_scope && permitted {
            return Ok(());
        }
        let why = if !in_scope {
            format!("it is for resources in '{}'", self.scope)
        } else {
            format!("it is for {}", self.resource_types.join(", "))
        };
        Err(Error::new(
            403,
            "AuthorizationFailed",
            format!(
                "The enrolment token does not permit this on '{id}': {why}. Ask for a token of that scope and type."
            ),
        )
        .with_denied(format!("{}/write", id.resource_type()), id.key()))
    }
}

/// The key of an agent, as it is registered in `_identity` of the document.
fn identity_keys(document: &Value) -> &Value {
    &document["_identity"]
}

/// The resource's managed identity: the same principal for all of its life.
pub(crate) fn admit_identity(admission: &mut Admission<'_>) {
    let principal = admission
        .existing
        .and_then(|e| e["identity"]["principalId"].as_str().map(str::to_owned))
        .unwrap_or_else(|| bowline_auth::random::guid().to_string());
    let tenant = admission.tenant.to_string();
    let identity = member_object(admission.document, "identity");
    identity.insert("type".to_owned(), "SystemAssigned".into());
    identity.insert("principalId".to_owned(), principal.into());
    identity.insert("tenantId".to_owned(), tenant.into());
}

/// Registers the agent's public key: a managed identity on the first PUT, a new expiry with a new key.
///
/// Gives whether a key was registered: a new one, or a lapsed one again.
pub(crate) fn admit_agent_key(admission: &mut Admission<'_>, property: &str) -> Result<bool, Error> {
    let text = admission.property(property).unwrap_or_default().to_owned();
    if text.is_empty() {
        return Err(Error::bad_request(
            "InvalidRequestContent",
            format!(
                "The property 'properties.{property}' is required: the base64 DER of the agent's public key."
            ),
        )
        .with_target(format!("properties.{property}")));
    }
    let key = bowline_auth::PublicKey::parse(&text).map_err(|error| {
        Error::bad_request("InvalidPublicKey", format!("The public key was refused: {error}."))
            .with_target(format!("properties.{property}"))
    })?;
    let thumbprint = key.thumbprint().to_owned();
    admit_identity(admission);
    let lapsed = expires(admission.document).is_none_or(|e| e <= admission.context.now);
    if identity_keys(admission.document)["thumbprint"].as_str() != Some(&thumbprint) || lapsed {
        let expires = admission.context.now + admission.key_lifetime;
        let keys = member_object(admission.document, "_identity");
        keys.clear();
        keys.insert("publicKey".to_owned(), text.into());
        keys.insert("thumbprint".to_owned(), thumbprint.into());
        keys.insert("expiresOn".to_owned(), expires.to_string().into());
        return Ok(true);
    }
    Ok(false)
}

/// The thumbprint of the registered key.
#[must_use]
pub fn registered_key(document: &Value) -> Option<&str> {
    identity_keys(document)["thumbprint"].as_str()
}

/// When the registered key expires.
#[must_use]
pub fn expires(document: &Value) -> Option<Timestamp> {
    identity_keys(document)["expiresOn"].as_str()?.parse().ok()
}

/// Whether the draft brings another key than the registered one.
pub(crate) fn brings_other_key(admission: &Admission<'_>, property: &str) -> bool {
    let registered = admission.existing.and_then(|e| identity_keys(e)["thumbprint"].as_str());
    let brought = admission.property(property).and_then(|k| bowline_auth::PublicKey::parse(k).ok());
    registered.is_some_and(|r| brought.is_none_or(|b| b.thumbprint() != r))
}

/// Refuses another key from the bearer of an enrolment token: a token creates, it never takes over what exists.
pub(crate) fn refuse_enrollment_takeover(admission: &Admission<'_>) -> Result<(), Error> {
    if admission.context.actor.enrollment.is_none() {
        return Ok(());
    }
    Err(Error::conflict(
        "ResourceNameInUse",
        format!(
            "'{}' exists with another key, and an enrolment token cannot replace it. Choose another name, or connect as somebody who may write the resource.",
            admission.id
        ),
    ))
}

/// The public keys that may sign for the resource's identity: the registered one and, during a rotation, the next.
#[must_use]
pub fn signing_keys(document: &Value) -> Vec<String> {
    let keys = identity_keys(document);
    [keys["publicKey"].as_str(), keys["next"]["publicKey"].as_str()]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// Registers the next key of a rotation.
pub(crate) fn register_next_key(
    document: &mut Value,
    public_key: &str,
    thumbprint: &str,
    expires_on: Timestamp,
) {
    member_object(document, "_identity").insert(
        "next".to_owned(),
        json!({"publicKey": public_key, "thumbprint": thumbprint, "expiresOn": expires_on.to_string()}),
    );
}

/// Makes the next key the registered one once the agent has used it; gives whether it was the next key.
pub(crate) fn promote_next_key(
    document: &mut Value,
    thumbprint: &str,
    property: &str,
    expiry_property: Option<&str>,
) -> bool {
    let keys = member_object(document, "_identity");
    let Some(next) = keys.get("next").filter(|n| n["thumbprint"] == thumbprint).cloned() else {
        return false;
    };
    let before = keys.get("thumbprint").cloned();
    *keys = next.as_object().cloned().unwrap_or_default();
    // The agent's open session came with that key, and goes on.
    keys.extend(before.map(|thumbprint| ("previous".to_owned(), thumbprint)));
    let properties = crate::provider::properties_of(document);
    properties.insert(property.to_owned(), next["publicKey"].clone());
    if let Some(expiry) = expiry_property {
        properties.insert(expiry.to_owned(), next["expiresOn"].clone());
    }
    true
}

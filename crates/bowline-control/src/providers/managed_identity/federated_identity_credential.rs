//! `Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials`: an issuer, subject and audience whose tokens stand for the identity.
//!
//! What a credential demands is the same for an application ([`admit`]); what it does is in `identity/federation.rs`.

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;
use url::Url;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct FederatedIdentityCredentials;

/// Credentials of one identity or application, as in Azure.
const MAX_CREDENTIALS: usize = 20;
/// Characters of an issuer, a subject and an audience.
const MAX_TEXT: usize = 600;

/// Names of credentials.
pub(crate) const NAME: NameRule = NameRule {
    min: 3,
    max: 120,
    extra: "-_",
    alphanumeric_ends: false,
    words: "3 to 120 letters, digits, '-' and '_'",
};

const SPEC: Spec = Spec {
    resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    shape: &types::FEDERATED_IDENTITY_CREDENTIALS,
    action: "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    placement: Placement::Child,
    name: NAME,
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for FederatedIdentityCredentials {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn minds_siblings(&self) -> bool {
        true
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        admit(admission)
    }
}

fn refused(property: &str, why: &str) -> Error {
    Error::bad_request("InvalidRequestContent", format!("The property 'properties.{property}' {why}."))
        .with_target(format!("properties.{property}"))
}

/// Three texts that can be compared with a token, once per identity and within its limit.
pub(crate) fn admit(admission: &mut Admission<'_>) -> Result<(), Error> {
    let length = |text: &str| (1..=MAX_TEXT).contains(&text.chars().count());
    let issuer = admission.property("issuer").unwrap_or_default();
    if !length(issuer) || !is_issuer(issuer) {
        return Err(refused(
            "issuer",
            "must be the https:// address of an issuer, exactly as its tokens name it in 'iss': without user, query and fragment, at most 600 characters",
        ));
    }
    if !admission.property("subject").is_some_and(length) {
        return Err(refused("subject", "must have 1 to 600 characters: what the tokens have as 'sub'"));
    }
    let audiences = admission.document["properties"]["audiences"].as_array().map_or(&[][..], Vec::as_slice);
    if !matches!(audiences, [Value::String(one)] if length(one)) {
        return Err(refused(
            "audiences",
            "must name one audience of at most 600 characters; clients of Azure ask for api://AzureADTokenExchange",
        ));
    }
    let same = |other: &&(String, Value)| {
        let other = &other.1["properties"];
        ["issuer", "subject"].iter().all(|name| other[*name] == admission.document["properties"][*name])
    };
    if let Some((other, _)) = admission.siblings.iter().find(same) {
        return Err(Error::conflict(
            "Conflict",
            format!("'{other}' has this issuer and subject already. Change that one, or delete it first."),
        ));
    }
    if admission.existing.is_none() && admission.siblings.len() >= MAX_CREDENTIALS {
        return Err(Error::conflict(
            "TooManyFederatedIdentityCredentials",
            format!(
                "There are {MAX_CREDENTIALS} federated identity credentials beside '{}' already. Delete one first.",
                admission.id.name()
            ),
        ));
    }
    Ok(())
}

/// The server appends `/.well-known/openid-configuration` to it.
fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        text.starts_with("https://")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_https_address_and_nothing_else() {
        for good in ["https://a.example", "https://a.example/", "https://a.example:8443/tenant/v2.0"] {
            assert!(is_issuer(good), "{good}");
        }
        for bad in [
            "http://a.example",
            "https://",
            "https://u:p@a.example",
            "https://a.example?x=1",
            "https://a.example/#f",
            " https://a.example",
            "a.example",
            "",
        ] {
            assert!(!is_issuer(bad), "{bad}");
        }
    }
}

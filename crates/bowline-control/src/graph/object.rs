//! A resource of the directory as Graph shows it, and what Graph sends as the resource's properties.

use std::borrow::Cow;

use bowline_arm::Fields;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::DOMAIN;

/// The types of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person.
    User,
    /// A group.
    Group,
    /// What a program is registered as.
    Application,
    /// A program, or the identity of a resource.
    ServicePrincipal,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::User, Self::Group, Self::Application, Self::ServicePrincipal];

    /// By a segment of a path, in any case.
    #[must_use]
    pub fn of_collection(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.collection().eq_ignore_ascii_case(segment))
    }

    /// By the type of a resource; those with an identity of their own are service principals.
    #[must_use]
    pub fn of_resource(resource: &Value) -> Option<Self> {
        let name = resource["type"].as_str()?;
        Self::ALL
            .into_iter()
            .find(|kind| kind.resource_type().eq_ignore_ascii_case(name))
            .or_else(|| managed_identity(resource).map(|_| Self::ServicePrincipal))
    }

    /// The segment of its collection.
    #[must_use]
    pub const fn collection(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
            Self::Application => "applications",
            Self::ServicePrincipal => "servicePrincipals",
        }
    }

    /// As `types` of `getByIds` and `@odata.type` name it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Application => "application",
            Self::ServicePrincipal => "servicePrincipal",
        }
    }

    /// The type of the resources behind it.
    #[must_use]
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::User => "Microsoft.Bowline/users",
            Self::Group => "Microsoft.Bowline/groups",
            Self::Application => "Microsoft.Bowline/applications",
            Self::ServicePrincipal => "Microsoft.Bowline/servicePrincipals",
        }
    }
}

/// `userPrincipalName` of a user name.
#[must_use]
pub fn principal_name(username: &str) -> String {
    if username.contains('@') { username.to_owned() } else { format!("{username}@{DOMAIN}") }
}

/// The user name of a `userPrincipalName`.
pub(crate) fn user_name(principal_name: &str) -> &str {
    match principal_name.rsplit_once('@') {
        Some((name, domain)) if domain.eq_ignore_ascii_case(DOMAIN) => name,
        _ => principal_name,
    }
}

fn managed_identity(resource: &Value) -> Option<&str> {
    let assigned = resource["type"]
        .as_str()
        .is_some_and(|t| t.eq_ignore_ascii_case("Microsoft.ManagedIdentity/userAssignedIdentities"));
    let holder = if assigned { &resource["properties"] } else { &resource["identity"] };
    holder["principalId"].as_str()
}

/// A resource, as the pipeline answers it, as Graph shows it.
#[must_use]
pub fn show(tenant: Uuid, resource: &Value) -> Option<(Kind, Value)> {
    let kind = Kind::of_resource(resource)?;
    let properties = &resource["properties"];
    let mut object = match kind {
        Kind::User => user(resource, properties),
        Kind::Group => group(resource, properties),
        Kind::Application => application(properties),
        Kind::ServicePrincipal => match managed_identity(resource) {
            Some(identity) => managed(tenant, resource, identity),
            None => service_principal(tenant, properties),
        },
    };
    object["createdDateTime"] = resource["systemData"]["createdAt"].clone();
    Some((kind, object))
}

fn user(resource: &Value, properties: &Value) -> Value {
    let name = resource["name"].as_str().unwrap_or_default();
    json!({
        "id": properties["objectId"], "displayName": properties["displayName"], "givenName": properties["givenName"], "surname": properties["surname"],
        "mail": properties["mail"], "jobTitle": properties["jobTitle"], "mobilePhone": null, "officeLocation": null, "preferredLanguage": null,
        "businessPhones": [], "userPrincipalName": principal_name(name), "mailNickname": name.split('@').next(),
        "accountEnabled": properties["accountEnabled"], "userType": "Member",
    })
}

fn group(resource: &Value, properties: &Value) -> Value {
    json!({
        "id": properties["objectId"], "displayName": properties["displayName"], "description": properties["description"],
        "mailNickname": resource["name"], "mail": null, "mailEnabled": false, "securityEnabled": true, "groupTypes": [], "visibility": null,
    })
}

fn or_empty(value: &Value) -> Value {
    if value.is_null() { json!([]) } else { value.clone() }
}

/// Certificates without their bytes, as Graph lists them.
fn keys(properties: &Value) -> Value {
    let without_key = |credential: &Value| {
        let mut shown = credential.clone();
        shown["key"] = Value::Null;
        shown
    };
    properties["keyCredentials"].as_array().into_iter().flatten().map(without_key).collect()
}

fn passwords(properties: &Value) -> Value {
    let without_secret = |credential: &Value| {
        let mut shown = credential.clone();
        (shown["secretText"], shown["customKeyIdentifier"]) = (Value::Null, Value::Null);
        shown
    };
    properties["passwordCredentials"].as_array().into_iter().flatten().map(without_secret).collect()
}

fn application(properties: &Value) -> Value {
    let uris = |group: &str| or_empty(&properties[group]["redirectUris"]);
    json!({
        "id": properties["objectId"], "appId": properties["appId"], "displayName": properties["displayName"], "description": properties["description"],
        "identifierUris": or_empty(&properties["identifierUris"]), "signInAudience": properties["signInAudience"], "publisherDomain": DOMAIN,
        "passwordCredentials": passwords(properties), "keyCredentials": keys(properties), "notes": properties["notes"],
        "web": {"redirectUris": uris("web"), "homePageUrl": properties["web"]["homePageUrl"], "logoutUrl": properties["web"]["logoutUrl"],
            "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false}},
        "spa": {"redirectUris": uris("spa")}, "publicClient": {"redirectUris": uris("publicClient")}, "api": properties["api"],
        "appRoles": or_empty(&properties["appRoles"]), "requiredResourceAccess": or_empty(&properties["requiredResourceAccess"]),
        "optionalClaims": properties["optionalClaims"], "isFallbackPublicClient": properties["isFallbackPublicClient"],
        "serviceManagementReference": properties["serviceManagementReference"], "tags": or_empty(&properties["tags"]),
    })
}

fn service_principal(tenant: Uuid, properties: &Value) -> Value {
    json!({
        "id": properties["objectId"], "appId": properties["appId"], "displayName": properties["displayName"], "appDisplayName": properties["displayName"],
        "description": properties["description"], "accountEnabled": properties["accountEnabled"], "servicePrincipalType": "Application",
        "servicePrincipalNames": [properties["appId"]], "alternativeNames": [], "appOwnerOrganizationId": tenant, "signInAudience": "AzureADMyOrg",
        "appRoleAssignmentRequired": properties["appRoleAssignmentRequired"].as_bool().unwrap_or(false), "appRoles": [], "oauth2PermissionScopes": [],
        "passwordCredentials": passwords(properties), "keyCredentials": keys(properties), "notes": properties["notes"], "tags": or_empty(&properties["tags"]),
    })
}

/// The identity of a cluster, a machine, or one that a user assigned: its client id is its object id.
fn managed(tenant: Uuid, resource: &Value, identity: &str) -> Value {
    json!({
        "id": identity, "appId": identity, "displayName": resource["name"], "appDisplayName": null, "accountEnabled": true,
        "servicePrincipalType": "ManagedIdentity", "servicePrincipalNames": [identity], "alternativeNames": ["isExplicit=False", resource["id"]],
        "appOwnerOrganizationId": tenant, "appRoles": [], "oauth2PermissionScopes": [], "passwordCredentials": [], "keyCredentials": [], "tags": [],
    })
}

/// Only what was selected.
pub(super) fn select(object: &mut Value, select: &[String]) {
    if let (Some(members), false) = (object.as_object_mut(), select.is_empty()) {
        members
            .retain(|name, _| name.starts_with('@') || select.iter().any(|s| s.eq_ignore_ascii_case(name)));
    }
}

/// The properties of the resource that a body sets; what Graph knows and Bowline has no use for is passed over.
pub(super) fn properties(kind: Kind, body: &Map<String, Value>) -> Map<String, Value> {
    let taken: &[&str] = match kind {
        Kind::User => &["displayName", "givenName", "surname", "mail", "jobTitle", "accountEnabled"],
        Kind::Group => &["displayName", "description"],
        Kind::Application => &[
            "displayName",
            "description",
            "identifierUris",
            "signInAudience",
            "notes",
            "web",
            "spa",
            "publicClient",
            "api",
            "appRoles",
            "requiredResourceAccess",
            "optionalClaims",
            "isFallbackPublicClient",
            "serviceManagementReference",
            "tags",
            "keyCredentials",
        ],
        Kind::ServicePrincipal => &[
            "displayName",
            "description",
            "accountEnabled",
            "notes",
            "appRoleAssignmentRequired",
            "tags",
            "keyCredentials",
        ],
    };
    let mut properties: Map<String, Value> = body
        .iter()
        .filter(|(name, _)| taken.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    if let Some(password) =
        body.get("passwordProfile").and_then(|p| p.get("password")).filter(|_| kind == Kind::User)
    {
        properties.insert("password".to_owned(), password.clone());
    }
    properties
}

/// An object as a `$filter` sees it.
pub(super) struct GraphFields<'a>(pub(super) &'a Value);

impl GraphFields<'_> {
    fn value(&self, field: &str) -> Option<&Value> {
        let mut value = self.0;
        for part in field.split('/') {
            value = value.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(part))?.1;
        }
        Some(value).filter(|v| !v.is_null())
    }
}

impl Fields for GraphFields<'_> {
    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        match self.value(field)? {
            Value::String(text) => Some(text.as_str().into()),
            Value::Array(_) | Value::Object(_) => None,
            other => Some(other.to_string().into()),
        }
    }

    fn any(&self, field: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match self.value(field) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(test),
            _ => self.text(field).is_some_and(|value| test(&value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bowline_arm::Filter;

    use super::*;

    #[test]
    fn user_names_have_a_domain_in_graph_only() {
        assert_eq!(principal_name("ada"), "ada@bowline.local");
        assert_eq!(principal_name("ada@plant.example"), "ada@plant.example");
        assert_eq!(user_name("ada@BOWLINE.local"), "ada");
        assert_eq!(user_name("ada@plant.example"), "ada@plant.example");
    }

    #[test]
    fn keys_and_secrets_are_listed_without_their_content() {
        let properties = json!({"objectId": "o", "keyCredentials": [{"keyId": "k", "key": "MII"}], "passwordCredentials": [{"keyId": "p", "hint": "bws"}]});
        let (kind, shown) = show(
            Uuid::nil(),
            &json!({"type": "microsoft.bowline/APPLICATIONS", "name": "n", "properties": properties}),
        )
        .unwrap();
        assert_eq!(
            (kind, &shown["keyCredentials"][0]),
            (Kind::Application, &json!({"keyId": "k", "key": null}))
        );
        assert_eq!(shown["passwordCredentials"][0]["secretText"], Value::Null);
    }

    #[test]
    fn a_machines_identity_is_a_service_principal_and_a_machine_without_one_is_nothing() {
        let mut machine = json!({"type": "Microsoft.HybridCompute/machines", "id": "/x", "name": "m", "identity": {"principalId": "p"}});
        let (kind, shown) = show(Uuid::nil(), &machine).unwrap();
        assert_eq!(
            (kind, shown["servicePrincipalType"].as_str(), shown["alternativeNames"][1].as_str()),
            (Kind::ServicePrincipal, Some("ManagedIdentity"), Some("/x"))
        );
        machine["identity"] = Value::Null;
        assert!(show(Uuid::nil(), &machine).is_none());
    }

    #[test]
    fn filters_see_lists_and_nested_members() {
        let object = json!({"servicePrincipalNames": ["a", "b"], "web": {"homePageUrl": "h"}, "accountEnabled": true, "mail": null});
        for (filter, holds) in [
            ("servicePrincipalNames/any(c:c eq 'b')", true),
            ("servicePrincipalNames/any(c:c eq 'c')", false),
            ("web/homePageUrl eq 'h' and accountEnabled eq true", true),
            ("mail eq null", true),
            ("accountEnabled eq false", false),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().matches(&GraphFields(&object)), holds, "{filter}");
        }
    }
}

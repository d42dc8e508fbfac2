//! The types and api-versions that the command asks for, and ids built from what the user typed.
//!
//! # Design notes
//! The constants are held against the table that is rendered with the OpenAPI descriptions: what the server does not describe does not compile.

use bowline_arm::ResourceId;

use crate::client::types::TYPES;
use crate::failure::{Failure, Result};

pub(crate) const CLUSTER_TYPE: &str = described("Microsoft.Kubernetes/connectedClusters");
pub(crate) const MACHINE_TYPE: &str = described("Microsoft.HybridCompute/machines");
pub(crate) const LOCK_TYPE: &str = described("Microsoft.Authorization/locks");
pub(crate) const MANAGEMENT_GROUP_TYPE: &str = described("Microsoft.Management/managementGroups");
pub(crate) const ROLE_ASSIGNMENT_TYPE: &str = described("Microsoft.Authorization/roleAssignments");
pub(crate) const ROLE_DEFINITION_TYPE: &str = described("Microsoft.Authorization/roleDefinitions");
pub(crate) const SERVICE_PRINCIPAL_TYPE: &str = described("Microsoft.Bowline/servicePrincipals");
pub(crate) const USER_TYPE: &str = described("Microsoft.Bowline/users");
pub(crate) const DIRECTORY_GROUP_TYPE: &str = described("Microsoft.Bowline/groups");
pub(crate) const APPLICATION_TYPE: &str = described("Microsoft.Bowline/applications");
pub(crate) const ENROLLMENT_TOKEN_TYPE: &str = described("Microsoft.Bowline/enrollmentTokens");
pub(crate) const SAVED_QUERY_TYPE: &str = described("Microsoft.ResourceGraph/queries");

pub(crate) const SUBSCRIPTIONS: &str = version("Microsoft.Resources/subscriptions", "2022-12-01");
pub(crate) const RESOURCES: &str = version("Microsoft.Resources/resourceGroups", "2025-04-01");
pub(crate) const CLUSTERS: &str = version(CLUSTER_TYPE, "2026-05-01");
pub(crate) const MACHINES: &str = version(MACHINE_TYPE, "2026-07-15");
pub(crate) const AUTHORIZATION: &str = version(ROLE_ASSIGNMENT_TYPE, "2022-04-01");
pub(crate) const LOCKS: &str = version(LOCK_TYPE, "2016-09-01");
pub(crate) const MANAGEMENT: &str = version(MANAGEMENT_GROUP_TYPE, "2021-04-01");
pub(crate) const SUBSCRIPTION_ACTIONS: &str = version("Microsoft.Subscription/aliases", "2021-10-01");
pub(crate) const SAVED_QUERIES: &str = version(SAVED_QUERY_TYPE, "2024-04-01");
pub(crate) const BOWLINE: &str = version(USER_TYPE, "2026-11-01");

// Views without a type of their own.
pub(crate) const TAGS_TYPE: &str = "Microsoft.Resources/tags";
pub(crate) const INSIGHTS: &str = "2015-04-01";
pub(crate) const RESOURCE_GRAPH: &str = "2024-04-01";
pub(crate) const BOWLINE_ROOT: &str = "/providers/Microsoft.Bowline";

/// A type that the descriptions have; anything else ends the compilation.
const fn described(name: &'static str) -> &'static str {
    let mut at = 0;
    while at < TYPES.len() {
        if same(TYPES[at].0, name) {
            return name;
        }
        at += 1;
    }
    panic!("the type is in no description of the API");
}

/// An api-version in which the descriptions have a type.
const fn version(name: &str, version: &'static str) -> &'static str {
    let mut at = 0;
    while at < TYPES.len() {
        let (described, versions) = TYPES[at];
        let mut one = 0;
        while same(described, name) && one < versions.len() {
            if same(versions[one], version) {
                return version;
            }
            one += 1;
        }
        at += 1;
    }
    panic!("the type is not described in this api-version");
}

/// `==` of texts, which is not const.
const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len() && at == right.len()
}

/// The id of a resource group.
pub(crate) fn group_id(subscription: &str, group: &str) -> Result<ResourceId> {
    checked(&["subscriptions", subscription, "resourceGroups", group])
}

/// The id of something of a type in a scope.
pub(crate) fn child(scope: &ResourceId, resource_type: &str, name: &str) -> Result<ResourceId> {
    let id = ResourceId::child(scope, resource_type, &[name]).map_err(|error| bad_id(&error.to_string()))?;
    no_dots(id)
}

/// The path of a list of a type in a scope.
pub(crate) fn collection(scope: &ResourceId, resource_type: &str) -> String {
    format!("{}/providers/{resource_type}", scope.as_str().trim_end_matches('/'))
}

/// Reads an id the user typed.
pub(crate) fn parse_id(text: &str) -> Result<ResourceId> {
    if text == "/" {
        return Ok(ResourceId::root());
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(bad_id(&format!("'{text}' must begin with '/'")));
    };
    checked(&rest.trim_end_matches('/').split('/').collect::<Vec<_>>())
}

fn checked(segments: &[&str]) -> Result<ResourceId> {
    let id = ResourceId::from_segments(segments).map_err(|error| bad_id(&error.to_string()))?;
    no_dots(id)
}

/// A path with dots would be shortened on its way and name something else.
fn no_dots(id: ResourceId) -> Result<ResourceId> {
    if id.segments().any(|segment| segment == "." || segment == "..") {
        return Err(bad_id("no name is '.' or '..'"));
    }
    Ok(id)
}

fn bad_id(why: &str) -> Failure {
    Failure::usage("the name or id is not valid")
        .why(why.to_owned())
        .next("ids are shown by: bowline resource list --query '[].id'")
}

/// `--tags a=b c=d` as a JSON object.
pub(crate) fn tags(pairs: &[String]) -> Result<serde_json::Map<String, serde_json::Value>> {
    pairs
        .iter()
        .flat_map(|pair| pair.split(','))
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.into())),
            _ => Err(Failure::usage(format!("'{pair}' is not a tag"))
                .next("write tags as --tags key=value other=value")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked_before_they_become_a_path() {
        assert_eq!(group_id("s", "Plant 7").unwrap().as_str(), "/subscriptions/s/resourceGroups/Plant 7");
        for bad in ["..", ".", "a/b", "", "a?b", "a#b", "a%2Fb"] {
            assert!(group_id("s", bad).is_err(), "{bad}");
        }
        assert_eq!(parse_id("/subscriptions/s/").unwrap().as_str(), "/subscriptions/s");
        assert!(parse_id("subscriptions/s").is_err());
        assert_eq!(collection(&ResourceId::root(), USER_TYPE), "/providers/Microsoft.Bowline/users");
    }

    #[test]
    fn tags_are_pairs() {
        let pairs = tags(&["a=1".into(), "b=x=y,c=".into()]).unwrap();
        assert_eq!(serde_json::Value::from(pairs), serde_json::json!({"a": "1", "b": "x=y", "c": ""}));
        assert!(tags(&["a".into()]).is_err());
        assert!(tags(&["=a".into()]).is_err());
    }
}

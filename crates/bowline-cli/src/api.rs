//! The types and api-versions that the command asks for, and ids built from what the user typed.

use bowline_arm::ResourceId;

use crate::failure::{Failure, Result};

pub(crate) const SUBSCRIPTIONS: &str = "2022-12-01";
pub(crate) const RESOURCES: &str = "2025-04-01";
pub(crate) const CLUSTERS: &str = "2026-05-01";
pub(crate) const MACHINES: &str = "2026-07-15";
pub(crate) const AUTHORIZATION: &str = "2022-04-01";
pub(crate) const LOCKS: &str = "2016-09-01";
pub(crate) const MANAGEMENT: &str = "2021-04-01";
pub(crate) const SUBSCRIPTION_ACTIONS: &str = "2021-10-01";
pub(crate) const INSIGHTS: &str = "2015-04-01";
pub(crate) const BOWLINE_ROOT: &str = "/providers/Microsoft.Bowline";
pub(crate) const BOWLINE: &str = "2026-11-01";

pub(crate) const CLUSTER_TYPE: &str = "Microsoft.Kubernetes/connectedClusters";
pub(crate) const MACHINE_TYPE: &str = "Microsoft.HybridCompute/machines";
pub(crate) const LOCK_TYPE: &str = "Microsoft.Authorization/locks";
pub(crate) const MANAGEMENT_GROUP_TYPE: &str = "Microsoft.Management/managementGroups";
pub(crate) const TAGS_TYPE: &str = "Microsoft.Resources/tags";
pub(crate) const ROLE_ASSIGNMENT_TYPE: &str = "Microsoft.Authorization/roleAssignments";
pub(crate) const ROLE_DEFINITION_TYPE: &str = "Microsoft.Authorization/roleDefinitions";
pub(crate) const SERVICE_PRINCIPAL_TYPE: &str = "Microsoft.Bowline/servicePrincipals";
pub(crate) const USER_TYPE: &str = "Microsoft.Bowline/users";
pub(crate) const DIRECTORY_GROUP_TYPE: &str = "Microsoft.Bowline/groups";
pub(crate) const APPLICATION_TYPE: &str = "Microsoft.Bowline/applications";
pub(crate) const ENROLLMENT_TOKEN_TYPE: &str = "Microsoft.Bowline/enrollmentTokens";

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

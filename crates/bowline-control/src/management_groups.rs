//! What clients ask of the tree of management groups beside the groups themselves: children, descendants, subscriptions, entities.
//!
//! A subscription's place is a part of the subscription: moving it changes that record, by rights at the subscription, at the group it
//! goes to and at the group it leaves.

use bowline_arm::{ApiVersion, Error, ResourceId};
use serde_json::{Value, json};

use crate::Control;
use crate::authorization::Snapshot;
use crate::context::OpContext;
use crate::hierarchy::{Hierarchy, PLACE, group_key};
use crate::pipeline::{self, amend, get};

const READ: &str = "Microsoft.Management/managementGroups/read";
const READ_SUBSCRIPTION: &str = "Microsoft.Resources/subscriptions/read";
const PLACE_ACTION: &str = "Microsoft.Management/managementGroups/subscriptions/write";
const REMOVE_ACTION: &str = "Microsoft.Management/managementGroups/subscriptions/delete";
/// The most entities of one answer.
const MAX_ENTITIES: usize = 5000;

/// What `$expand` and `$recurse` of a GET ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expand {
    /// The children, and with `recurse` theirs.
    pub children: bool,
    /// All levels.
    pub recurse: bool,
    /// The way down from the root group.
    pub path: bool,
    /// The groups above, nearest first.
    pub ancestors: bool,
}

impl Expand {
    /// Reads `$expand` and `$recurse`.
    #[must_use]
    pub fn parse(expand: Option<&str>, recurse: Option<&str>) -> Self {
        let is = |text: &str| {
            expand.is_some_and(|e| e.split(',').any(|part| part.trim().eq_ignore_ascii_case(text)))
        };
        let recurse = recurse.is_some_and(|r| r.eq_ignore_ascii_case("true"));
        Self { children: is("children"), recurse, path: is("path"), ancestors: is("ancestors") }
    }
}

/// GET of a group with what else is asked for.
///
/// # Errors
/// As for any GET.
pub async fn show(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    version: &ApiVersion,
    expand: Expand,
) -> Result<(Value, Option<String>), Error> {
    let shown = get(control, context, id, version).await?;
    let (mut body, etag) = (shown.value()?, shown.etag);
    let snapshot = control.authorization().snapshot().await;
    let tree = snapshot.hierarchy();
    if let Some(parent) = tree.parent_of(id.key()).and_then(|key| tree.group(key)) {
        body["properties"]["details"]["parent"] =
            json!({"id": parent.id, "name": parent.name, "displayName": parent.display_name});
    }
    let mut above: Vec<&str> = tree.groups_above(id.key());
    if expand.ancestors {
        let chain = above.iter().filter_map(|key| tree.group(key));
        let names: Vec<Value> = chain.clone().map(|g| g.name.clone().into()).collect();
        let elements: Vec<Value> =
            chain.map(|g| json!({"name": g.name, "displayName": g.display_name})).collect();
        body["properties"]["details"]["managementGroupAncestors"] = names.into();
        body["properties"]["details"]["managementGroupAncestorsChain"] = elements.into();
    }
    if expand.path {
        above.reverse();
        let path = above.iter().filter_map(|key| tree.group(key));
        body["properties"]["path"] =
            path.map(|g| json!({"name": g.name, "displayName": g.display_name})).collect::<Vec<_>>().into();
    }
    if expand.children {
        body["properties"]["children"] = children(tree, id.key(), expand.recurse, 0);
    }
    Ok((body, etag))
}

fn children(tree: &Hierarchy, key: &str, recurse: bool, level: usize) -> Value {
    let shown = tree.children(key).into_iter().filter_map(|child| {
        let mut shown = match (tree.group(&child), tree.subscription(&child)) {
            (Some(group), _) => {
                json!({"type": "Microsoft.Management/managementGroups", "id": group.id, "name": group.name, "displayName": group.display_name})
            }
            (_, Some(subscription)) => {
                let name = subscription.id.rsplit('/').next().unwrap_or_default();
                json!({"type": "/subscriptions", "id": subscription.id, "name": name, "displayName": subscription.display_name})
            }
            _ => return None,
        };
        if recurse && level <= crate::hierarchy::MAX_DEPTH && tree.group(&child).is_some() {
            shown["children"] = children(tree, &child, true, level + 1);
        }
        Some(shown)
    });
    let shown: Vec<Value> = shown.collect();
    if shown.is_empty() { Value::Null } else { shown.into() }
}

/// The body of a PATCH of a group as a merge patch: clients send `displayName` and `parentGroupId` at the top.
#[must_use]
pub fn patch_body(body: &Value) -> Value {
    let mut patch = json!({"properties": {}});
    if body["properties"].is_object() {
        patch["properties"] = body["properties"].clone();
    }
    if let Some(name) = body["displayName"].as_str() {
        patch["properties"]["displayName"] = name.into();
    }
    if let Some(parent) = body["parentGroupId"].as_str() {
        patch["properties"]["details"] = json!({"parent": {"id": parent}});
    }
    patch
}

/// Everything below a group, groups and subscriptions.
///
/// # Errors
/// 403, or 404 when there is no such group.
pub async fn descendants(control: &Control, context: &OpContext, group: &ResourceId) -> Result<Value, Error> {
    let snapshot = readable_group(control, context, group).await?;
    let tree = snapshot.hierarchy();
    let value: Vec<Value> = tree.below(group.key()).iter().filter_map(|key| descendant(tree, key)).collect();
    Ok(json!({ "value": value }))
}

fn descendant(tree: &Hierarchy, key: &str) -> Option<Value> {
    let parent =
        tree.parent_of(key).and_then(|parent| tree.group(parent)).map_or_else(String::new, |g| g.id.clone());
    let (kind, id, name) = match (tree.group(key), tree.subscription(key)) {
        (Some(group), _) => ("Microsoft.Management/managementGroups/", &group.id, &group.display_name),
        (_, Some(subscription)) => ("/subscriptions", &subscription.id, &subscription.display_name),
        _ => return None,
    };
    let last = id.rsplit('/').next().unwrap_or_default();
    Some(
        json!({"id": id, "type": kind.trim_end_matches('/'), "name": last, "properties": {"displayName": name, "parent": {"id": parent}}}),
    )
}

async fn readable_group(
    control: &Control,
    context: &OpContext,
    group: &ResourceId,
) -> Result<std::sync::Arc<Snapshot>, Error> {
    let snapshot = control.authorization().snapshot().await;
    snapshot.require(context, READ, group.key())?;
    if snapshot.hierarchy().group(group.key()).is_none() {
        return Err(group_not_found(group));
    }
    Ok(snapshot)
}

fn group_not_found(group: &ResourceId) -> Error {
    Error::new(
        404,
        "NotFound",
        format!(
            "There is no management group '{}'. GET /providers/Microsoft.Management/managementGroups lists those that you can see.",
            group.name()
        ),
    )
}

/// The group and subscription that `…/managementGroups/{group}/subscriptions/{subscription}` names.
fn members(id: &ResourceId) -> Result<(ResourceId, ResourceId), Error> {
    let group = id.parent().ok_or_else(|| Error::resource_not_found(id.as_str()))?;
    let subscription = ResourceId::subscription_scope(id.name())
        .map_err(|error| Error::bad_request("InvalidSubscriptionId", format!("{error}.")))?;
    Ok((group, subscription))
}

fn membership(
    control: &Control,
    snapshot: &Snapshot,
    group: &str,
    subscription: &ResourceId,
) -> Option<Value> {
    let tree = snapshot.hierarchy();
    let (group, found) = (tree.group(group)?, tree.subscription(subscription.key())?);
    let name = subscription.name();
    // Here an enabled subscription is called active (the examples of Microsoft.Management 2023-04-01).
    let state = if found.state == "Enabled" { "Active" } else { &*found.state };
    Some(json!({
        "id": format!("{}/subscriptions/{name}", group.id), "type": "Microsoft.Management/managementGroups/subscriptions", "name": name,
        "properties": {"tenant": control.tenant().to_string(), "displayName": found.display_name, "parent": {"id": group.id}, "state": state},
    }))
}

/// GET of a subscription as a member of a group.
///
/// # Errors
/// 403, or 404 when it hangs below another group.
pub async fn show_subscription(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
) -> Result<Value, Error> {
    let (group, subscription) = members(id)?;
    let snapshot = readable_group(control, context, &group).await?;
    let here = snapshot.hierarchy().parent_of(subscription.key()) == Some(group.key());
    membership(control, &snapshot, group.key(), &subscription)
        .filter(|_| here)
        .ok_or_else(|| Error::resource_not_found(id.as_str()))
}

/// The subscriptions right below a group.
///
/// # Errors
/// 403, or 404 when there is no such group.
pub async fn list_subscriptions(
    control: &Control,
    context: &OpContext,
    group: &ResourceId,
) -> Result<Value, Error> {
    let snapshot = readable_group(control, context, group).await?;
    let value: Vec<Value> = snapshot
        .hierarchy()
        .children(group.key())
        .iter()
        .filter_map(|key| membership(control, &snapshot, group.key(), &key.parse().ok()?))
        .collect();
    Ok(json!({ "value": value }))
}

/// PUT of a subscription into a group.
///
/// # Errors
/// 403 when a right is missing at the subscription or at one of the two groups; 404 when one of them does not exist.
pub async fn add_subscription(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
) -> Result<Value, Error> {
    let (group, subscription) = members(id)?;
    place(control, context, &subscription, &group).await?;
    show_subscription(control, context, id).await
}

/// Moves a subscription below a group.
pub(crate) async fn place(
    control: &Control,
    context: &OpContext,
    subscription: &ResourceId,
    group: &ResourceId,
) -> Result<(), Error> {
    let to = group.key();
    amend(control, context, subscription, PLACE_ACTION, &|document, snapshot| {
        let tree = snapshot.hierarchy();
        snapshot.require(context, PLACE_ACTION, to)?;
        if tree.group(to).is_none() {
            return Err(group_not_found(group));
        }
        if let Some(from) = tree.parent_of(subscription.key()).filter(|from| *from != to) {
            snapshot.require(context, REMOVE_ACTION, from)?;
        }
        document[PLACE] = to.into();
        Ok(())
    })
    .await?;
    Ok(())
}

/// DELETE of a subscription from a group: it goes back below the root group. Gives whether it was there.
///
/// # Errors
/// 403 when a right is missing.
pub async fn remove_subscription(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
) -> Result<bool, Error> {
    let (group, subscription) = members(id)?;
    let snapshot = control.authorization().snapshot().await;
    snapshot.require(context, REMOVE_ACTION, group.key())?;
    let tree = snapshot.hierarchy();
    if tree.subscription(subscription.key()).is_none()
        || tree.parent_of(subscription.key()) != Some(group.key())
    {
        return Ok(false);
    }
    let (_, moved) = amend(control, context, &subscription, REMOVE_ACTION, &|document, snapshot| {
        let tree = snapshot.hierarchy();
        if tree.parent_of(subscription.key()) != Some(group.key()) {
            return Ok(false);
        }
        document[PLACE] = tree.root().into();
        Ok(true)
    })
    .await?;
    Ok(moved)
}

/// POST `getEntities`: every group and subscription that the caller may read, with its place.
pub async fn entities(control: &Control, context: &OpContext) -> Value {
    let snapshot = control.authorization().snapshot().await;
    let tree = snapshot.hierarchy();
    let sees = |action: &str, key: &str| snapshot.require(context, action, key).is_ok();
    let groups = tree.groups().filter(|(key, _)| sees(READ, key)).map(|(key, _)| key);
    let subscriptions =
        tree.subscriptions().filter(|(key, _)| sees(READ_SUBSCRIPTION, key)).map(|(key, _)| key);
    let value: Vec<Value> =
        groups.chain(subscriptions).take(MAX_ENTITIES).filter_map(|key| entity(control, tree, key)).collect();
    json!({"count": value.len(), "value": value})
}

fn entity(control: &Control, tree: &Hierarchy, key: &str) -> Option<Value> {
    let mut shown = descendant(tree, key)?;
    let mut chain: Vec<&str> = tree.groups_above(key);
    chain.reverse();
    let groups = || chain.iter().filter_map(|key| tree.group(key));
    let (children, below) = match tree.group(key) {
        Some(_) => (tree.children(key), tree.below(key)),
        None => (Vec::new(), Vec::new()),
    };
    let properties = crate::provider::properties_of(&mut shown);
    properties.insert("tenantId".to_owned(), control.tenant().to_string().into());
    properties.insert("permissions".to_owned(), "view".into());
    properties.insert("inheritedPermissions".to_owned(), "view".into());
    properties.insert("numberOfDescendants".to_owned(), below.len().into());
    properties.insert("numberOfChildren".to_owned(), children.len().into());
    let child_groups = children.iter().filter(|child| tree.group(child).is_some()).count();
    properties.insert("numberOfChildGroups".to_owned(), child_groups.into());
    properties
        .insert("parentNameChain".to_owned(), groups().map(|g| g.name.clone()).collect::<Vec<_>>().into());
    properties.insert(
        "parentDisplayNameChain".to_owned(),
        groups().map(|g| g.display_name.clone()).collect::<Vec<_>>().into(),
    );
    Some(shown)
}

/// POST `checkNameAvailability`.
///
/// # Errors
/// 400 when the body names nothing.
pub async fn check_name(control: &Control, body: &Value) -> Result<Value, Error> {
    let name = body["name"].as_str().ok_or_else(|| {
        Error::bad_request("InvalidRequestContent", "The body must have a 'name'.").with_target("name")
    })?;
    let provider = control.registry().by_key(crate::hierarchy::GROUPS);
    let valid = provider.map_or(Ok(()), |p| p.spec().name.check(p.spec().resource_type, name));
    if let Err(error) = valid {
        return Ok(json!({"nameAvailable": false, "reason": "Invalid", "message": error.message}));
    }
    let snapshot = control.authorization().snapshot().await;
    Ok(match snapshot.hierarchy().group(&group_key(name)) {
        Some(_) => {
            json!({"nameAvailable": false, "reason": "AlreadyExists", "message": format!("The group with the specified name '{name}' already exists.")})
        }
        None => json!({"nameAvailable": true}),
    })
}

/// Makes the root management group of a store that has none yet.
///
/// # Errors
/// When it cannot be written.
pub async fn ensure_root(control: &Control, now: jiff::Timestamp) -> Result<(), Error> {
    let context = OpContext::system("bootstrap", now);
    let id: ResourceId = format!("/providers/Microsoft.Management/managementGroups/{}", control.tenant())
        .parse()
        .map_err(Error::internal)?;
    if control.authorization().snapshot().await.hierarchy().group(id.key()).is_some() {
        return Ok(());
    }
    let request = pipeline::WriteRequest {
        id,
        version: "2023-04-01".parse().expect("the literal is an api-version"),
        body: json!({"properties": {}}),
        precondition: bowline_arm::Precondition::default(),
    };
    pipeline::put(control, &context, request).await.map(|_| ())
}

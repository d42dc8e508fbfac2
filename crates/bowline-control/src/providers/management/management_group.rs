//! `Microsoft.Management/managementGroups`: a group of subscriptions and of further groups; see [`crate::hierarchy`].

use bowline_arm::{Error, NameRule, ResourceId, types};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authorization::{Snapshot, WATERMARK};
use crate::context::{ActorKind, OpContext};
use crate::hierarchy::{GROUPS, MAX_DEPTH, MAX_GROUPS, group_key};
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses, properties_of};

/// See the module.
pub struct ManagementGroups;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Management/managementGroups",
    shape: &types::MANAGEMENT_GROUPS,
    action: "Microsoft.Management/managementGroups",
    placement: Placement::Tenant,
    name: NameRule {
        min: 1,
        max: 90,
        extra: "-_.()",
        alphanumeric_ends: false,
        words: "1 to 90 letters, digits, '-', '_', '.', '(' and ')', and does not end with '.'",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    // Clients take 200 or 202 for a creation, and 202 or 204 for a deletion.
    statuses: Statuses { created: 200, updated: 200, deleted: 204 },
    watermark: Some(WATERMARK),
};

/// The right to put something into a group or take it out.
const WRITE: &str = "Microsoft.Management/managementGroups/write";

impl ResourceProvider for ManagementGroups {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let name = admission.id.name().to_owned();
        let tenant = admission.tenant.to_string();
        let is_root = name.eq_ignore_ascii_case(&tenant);
        admission.set("tenantId", tenant);
        admission.keep("displayName");
        if admission.property("displayName").is_none_or(str::is_empty) {
            admission.set("displayName", if is_root { "Tenant Root Group" } else { name.as_str() });
        }
        if admission.property("displayName").is_some_and(|text| text.chars().count() > 90) {
            return Err(refuse(
                "InvalidDisplayName",
                "A display name has at most 90 characters.",
                "properties.displayName",
            ));
        }
        let parent = if is_root { None } else { Some(admit_parent(admission)?) };
        if is_root && admission.document["properties"]["details"]["parent"]["id"].is_string() {
            return Err(refuse(
                "InvalidParentGroup",
                "The root management group lies directly below the tenant and cannot be moved.",
                "properties.details.parent.id",
            ));
        }
        write_details(admission, parent);
        Ok(())
    }

    /// Who may write a group may make groups below it. A parent that does not exist gives no right, so that nothing is learned of it.
    fn made_in(&self, snapshot: &Snapshot, body: &Value) -> Option<ResourceId> {
        let parent = asked_parent(body)?;
        let known = snapshot.hierarchy().group(&parent)?;
        known.id.parse().ok()
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
    }

    fn admit_delete_under(
        &self,
        snapshot: &Snapshot,
        _context: &OpContext,
        id: &ResourceId,
    ) -> Result<(), Error> {
        let tree = snapshot.hierarchy();
        if id.key() == tree.root() {
            return Err(Error::conflict(
                "RootManagementGroupCannotBeDeleted",
                "The root management group is the tenant's and cannot be deleted.",
            ));
        }
        let children = tree.children(id.key());
        if children.is_empty() {
            return Ok(());
        }
        let shown: Vec<&str> = children.iter().take(5).map(String::as_str).collect();
        Err(Error::conflict(
            "ManagementGroupHasChildren",
            format!(
                "The management group '{}' has {} child(ren) and cannot be deleted: {}. Move them to another group first.",
                id.name(),
                children.len(),
                shown.join(", ")
            ),
        ))
    }
}

fn refuse(code: &'static str, why: impl Into<String>, target: &str) -> Error {
    Error::bad_request(code, why).with_target(target)
}

/// The key of the parent that a document names; a bare name is understood too.
fn asked_parent(document: &Value) -> Option<String> {
    let text = document["properties"]["details"]["parent"]["id"].as_str()?;
    Some(if text.starts_with('/') { text.to_ascii_lowercase() } else { group_key(text) })
}

/// The key of the parent: as asked, as it was, or the root group. A new one must exist, be permitted, and keep the tree flat enough.
fn admit_parent(admission: &Admission<'_>) -> Result<String, Error> {
    const TARGET: &str = "properties.details.parent.id";
    let tree = admission.snapshot.hierarchy();
    let key = admission.id.key();
    let old = admission.existing.map(|_| tree.parent_of(key).unwrap_or(tree.root()).to_owned());
    let parent =
        asked_parent(admission.document).or_else(|| old.clone()).unwrap_or_else(|| tree.root().to_owned());
    if old.as_deref() == Some(&parent) {
        return Ok(parent);
    }
    let is_group = parent.parse::<ResourceId>().is_ok_and(|id| id.resource_type().key() == GROUPS);
    if !is_group || tree.group(&parent).is_none() {
        return Err(Error::new(
            404,
            "ParentManagementGroupNotFound",
            format!("There is no management group '{parent}' to be the parent. GET /providers/Microsoft.Management/managementGroups lists those that you can see."),
        )
        .with_target(TARGET));
    }
    if parent == key || tree.below(key).contains(&parent) {
        return Err(refuse("InvalidParentGroup", "A management group cannot lie below itself.", TARGET));
    }
    if tree.depth(&parent) + 1 + tree.height(key) > MAX_DEPTH {
        return Err(refuse(
            "ManagementGroupDepthExceeded",
            format!(
                "The tree of management groups may be {MAX_DEPTH} levels deep below the root group, and this would be deeper."
            ),
            TARGET,
        ));
    }
    if old.is_none() && tree.groups().count() >= MAX_GROUPS {
        return Err(refuse(
            "ManagementGroupLimitExceeded",
            format!("A tenant has at most {MAX_GROUPS} management groups."),
            "name",
        ));
    }
    for scope in std::iter::once(&parent).chain(&old) {
        admission.snapshot.require(admission.context, WRITE, scope)?;
    }
    Ok(parent)
}

/// `properties.details`: the parent, and who changed the group when, which stays while nothing else changes.
fn write_details(admission: &mut Admission<'_>, parent: Option<String>) {
    let tree = admission.snapshot.hierarchy();
    let parent = parent.map(|key| {
        let (id, name) = tree
            .group(&key)
            .map_or_else(|| (key.clone(), String::new()), |group| (group.id.clone(), group.name.clone()));
        json!({"id": id, "name": name})
    });
    let before = admission.existing.map(|e| &e["properties"]);
    let same = before.is_some_and(|before| {
        before["displayName"] == admission.document["properties"]["displayName"]
            && before["details"]["parent"]["id"].as_str() == parent.as_ref().and_then(|p| p["id"].as_str())
    });
    let mut details = match before.map(|b| b["details"].clone()).filter(|_| same) {
        Some(details) => details,
        None => {
            let version = before.and_then(|b| b["details"]["version"].as_u64()).unwrap_or(0) + 1;
            let by = match admission.context.actor.kind {
                ActorKind::System => admission.context.actor.name.clone(),
                _ => admission.context.actor.object_id.to_string(),
            };
            json!({"version": version, "updatedTime": admission.context.now.to_string(), "updatedBy": by})
        }
    };
    if let (Some(parent), Some(members)) = (parent, details.as_object_mut()) {
        members.insert("parent".to_owned(), parent);
    }
    properties_of(admission.document).insert("details".to_owned(), details);
}

//! `Microsoft.Authorization/roleDefinitions`: built-in roles under Azure's ids, and custom ones.

use bowline_arm::{Error, ResourceId, types};
use bowline_auth::Permission;
use serde_json::{Value, json};
use uuid::Uuid;

use super::GUID;
use crate::authorization::{Snapshot, WATERMARK};
use crate::context::OpContext;
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct RoleDefinitions;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Authorization/roleDefinitions",
    shape: &types::ROLE_DEFINITIONS,
    action: "Microsoft.Authorization/roleDefinitions",
    placement: Placement::Extension,
    name: GUID,
    writable: true,
    tracked: false,
    agent_key: None,
    // Clients accept 201 only, also for a change (arm-clients.md section 2).
    statuses: Statuses { created: 201, updated: 201, deleted: 200 },
    watermark: Some(WATERMARK),
};

/// Scopes that one role can name.
const MAX_SCOPES: usize = 2000;

fn patterns(permission: &Permission) -> impl Iterator<Item = &String> {
    let Permission { actions, not_actions, data_actions, not_data_actions } = permission;
    [actions, not_actions, data_actions, not_data_actions].into_iter().flatten()
}

fn is_pattern(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "*/.-_ ".contains(c);
    text == "*" || (text.len() <= 512 && text.contains('/') && text.chars().all(allowed))
}

/// A role reaches no further than whoever writes it: they must have the right at each scope where it could be assigned, before and after.
fn admit_scopes(admission: &mut Admission<'_>) -> Result<(), Error> {
    let refuse = |why: String| {
        Error::bad_request("InvalidAssignableScopes", why).with_target("properties.assignableScopes")
    };
    let of = |document: &Value| -> Vec<String> {
        let scopes = document["properties"]["assignableScopes"].as_array();
        scopes.into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect()
    };
    let wanted = of(admission.document);
    if wanted.is_empty() || wanted.len() > MAX_SCOPES {
        return Err(refuse(format!("A role has 1 to {MAX_SCOPES} assignable scopes, not {}.", wanted.len())));
    }
    for scope in wanted.iter().chain(&admission.existing.map(of).unwrap_or_default()) {
        let id: ResourceId =
            scope.parse().map_err(|e| refuse(format!("The assignable scope '{scope}' is no scope: {e}.")))?;
        admission.snapshot.require(
            admission.context,
            "Microsoft.Authorization/roleDefinitions/write",
            id.key(),
        )?;
    }
    Ok(())
}

impl ResourceProvider for RoleDefinitions {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn shows_deleted(&self) -> bool {
        true
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let name: Uuid = admission.id.name().parse().map_err(|_| {
            Error::bad_request("InvalidRoleDefinitionId", "The name of a role definition must be a GUID.")
                .with_target("name")
        })?;
        if bowline_auth::roles::built_in_roles().iter().any(|r| r.id == name) {
            return Err(Error::conflict(
                "RoleDefinitionIsBuiltIn",
                "A built-in role cannot be changed. Create a custom role with another GUID.",
            ));
        }
        let refuse = |property: &str, what: &str| {
            Error::bad_request(
                "InvalidRoleDefinition",
                format!("The property 'properties.{property}' {what}."),
            )
            .with_target(format!("properties.{property}"))
        };
        let role_name = admission.property("roleName").unwrap_or_default().to_owned();
        let role_name = role_name.as_str();
        if role_name.is_empty() || role_name.chars().count() > 128 {
            return Err(refuse("roleName", "must have 1 to 128 characters"));
        }
        let permissions: Vec<Permission> = serde_json::from_value(
            admission.document["properties"]["permissions"].clone(),
        )
        .map_err(|_| {
            refuse("permissions", "must be a list of {actions, notActions, dataActions, notDataActions}")
        })?;
        if permissions.is_empty() {
            return Err(refuse("permissions", "must hold at least one permission"));
        }
        if let Some(pattern) = permissions.iter().flat_map(patterns).find(|p| !is_pattern(p)) {
            let what = format!(
                "holds '{pattern}'; an action is written Provider/type/verb, with * for a part or the rest"
            );
            return Err(refuse("permissions", &what));
        }
        if let Some(other) =
            admission.snapshot.authorizer().role_named(role_name).filter(|other| *other != name)
        {
            return Err(Error::conflict(
                "RoleDefinitionWithSameNameExists",
                format!("The role '{role_name}' exists already ({other}). Choose another name."),
            )
            .with_target("properties.roleName"));
        }
        if admission.existing.is_none() && admission.snapshot.role_exists(name) {
            return Err(Error::conflict(
                "RoleDefinitionExists",
                format!(
                    "A role with the id '{name}' exists at another scope. Change it there, or create one with another GUID."
                ),
            ));
        }
        let scope = admission.id.parent().unwrap_or_else(ResourceId::root);
        admission.set("type", "CustomRole");
        admission.default("description", "");
        admission.default("assignableScopes", json!([scope.as_str()]));
        admit_scopes(admission)?;
        let (now, by) = (admission.context.now.to_string(), admission.context.actor.object_id.to_string());
        for (member, value) in [("createdOn", &now), ("createdBy", &by)] {
            admission.keep(member);
            admission.default(member, value.clone());
        }
        admission.set("updatedOn", now);
        admission.set("updatedBy", by);
        Ok(())
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
    }

    fn admit_delete_under(
        &self,
        snapshot: &Snapshot,
        context: &OpContext,
        id: &ResourceId,
    ) -> Result<(), Error> {
        let Some(role) = id.name().parse().ok() else { return Ok(()) };
        for scope in snapshot.authorizer().assignable_scopes(role) {
            snapshot.require(context, "Microsoft.Authorization/roleDefinitions/delete", scope)?;
        }
        match snapshot.authorizer().is_assigned(role) {
            false => Ok(()),
            true => Err(Error::conflict(
                "RoleDefinitionHasAssignments",
                "There are role assignments of this role. Delete them first: GET …/roleAssignments lists them.",
            )),
        }
    }

    fn built_in(&self, scope: &ResourceId) -> Vec<(ResourceId, Value)> {
        let home = scope
            .subscription()
            .and_then(|s| ResourceId::subscription_scope(s).ok())
            .unwrap_or_else(ResourceId::root);
        bowline_auth::roles::built_in_roles()
            .iter()
            .filter_map(|role| {
                let id = ResourceId::child(&home, SPEC.resource_type, &[&role.id.to_string()]).ok()?;
                let document = json!({"properties": {
                    "roleName": role.name, "type": "BuiltInRole", "description": role.description,
                    "permissions": role.permissions, "assignableScopes": role.assignable_scopes,
                }});
                Some((id, document))
            })
            .collect()
    }
}

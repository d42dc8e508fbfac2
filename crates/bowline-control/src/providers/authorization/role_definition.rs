//! `Microsoft.Authorization/roleDefinitions`: built-in roles under Azure's ids, and custom ones.

use bowline_arm::{Error, ResourceId, types};
use bowline_auth::Permission;
use serde_json::{Value, json};
use uuid::Uuid;

use super::GUID;
use crate::authorization::WATERMARK;
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

impl ResourceProvider for RoleDefinitions {
    fn spec(&self) -> &Spec {
        &SPEC
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
        if admission.property("roleName").is_none_or(|n| n.is_empty() || n.chars().count() > 128) {
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
        let scope = admission.id.parent().unwrap_or_else(ResourceId::root);
        admission.set("type", "CustomRole");
        admission.default("description", "");
        admission.default("assignableScopes", json!([scope.as_str()]));
        Ok(())
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
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

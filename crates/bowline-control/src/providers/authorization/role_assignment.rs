//! `Microsoft.Authorization/roleAssignments`: a role given to a principal at a scope. Immutable, as in Azure: delete and create to change.

use bowline_arm::{Error, ResourceId, types};
use serde_json::Value;
use uuid::Uuid;

use super::GUID;
use crate::authorization::{Snapshot, WATERMARK};
use crate::context::{ActorKind, OpContext};
use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses, properties_of};

/// See the module.
pub struct RoleAssignments;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Authorization/roleAssignments",
    shape: &types::ROLE_ASSIGNMENTS,
    action: "Microsoft.Authorization/roleAssignments",
    placement: Placement::Extension,
    name: GUID,
    writable: true,
    tracked: false,
    agent_key: None,
    // az accepts 201 only, the SDKs 200 and 201.
    statuses: Statuses { created: 201, updated: 201, deleted: 200 },
    watermark: Some(WATERMARK),
};

impl ResourceProvider for RoleAssignments {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn shows_deleted(&self) -> bool {
        true
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let scope = admission.id.parent().unwrap_or_else(ResourceId::root);
        let (principal, role) = (guid(admission, "principalId")?, guid(admission, "roleDefinitionId")?);
        let name: Uuid = admission.id.name().parse().map_err(|_| {
            Error::bad_request("InvalidRoleAssignmentId", "The name of a role assignment must be a GUID.")
                .with_target("name")
        })?;
        if !admission.snapshot.role_exists(role) {
            return Err(Error::bad_request("RoleDefinitionDoesNotExist", format!("There is no role definition '{role}'. List them: GET {scope}/providers/Microsoft.Authorization/roleDefinitions.")).with_target("properties.roleDefinitionId"));
        }
        let assignable = admission.snapshot.authorizer().assignable_scopes(role);
        if !assignable.iter().any(|above| admission.snapshot.hierarchy().inherits(scope.key(), above)) {
            return Err(Error::bad_request("RoleDefinitionNotAssignable", format!("The role '{role}' cannot be assigned at '{scope}': its assignable scopes are {}. Add the scope to the role, or assign it there.", assignable.join(", "))).with_target("properties.roleDefinitionId"));
        }
        let system = admission.context.actor.kind == ActorKind::System;
        match admission.principals.kind(principal) {
            Some(kind) => admit_kind(admission, principal, kind.as_str())?,
            None if system => {}
            None => return Err(Error::bad_request("PrincipalNotFound", format!("Principal {principal} does not exist in the directory: there is no user, group, service principal or managed identity with this object id. Use the objectId, not the appId or the name.")).with_target("properties.principalId")),
        }
        admit_condition(admission)?;
        if let Some(existing) = admission.existing {
            let same = existing["properties"]["principalId"].as_str() == Some(&principal.to_string())
                && last_guid(&existing["properties"]["roleDefinitionId"]) == Some(role);
            if !same {
                return Err(Error::conflict(
                    "RoleAssignmentUpdateNotPermitted",
                    "Principal and role of an assignment cannot be changed. Delete it and create another.",
                ));
            }
        }
        if let Some(other) = admission.snapshot.duplicate_assignment(name, principal, role, scope.key()) {
            return Err(Error::conflict(
                "RoleAssignmentExists",
                format!("The role assignment already exists: {other}."),
            ));
        }
        admission.set("roleDefinitionId", admission.snapshot.role_id(scope.subscription(), role));
        admission.set("principalId", principal.to_string());
        admission.default("principalType", "ServicePrincipal");
        admission.set("scope", scope.as_str());
        let (now, by) = (admission.context.now.to_string(), admission.context.actor.object_id.to_string());
        admission.default("createdOn", now.clone());
        admission.default("createdBy", by.clone());
        admission.default("updatedOn", now);
        admission.default("updatedBy", by);
        Ok(())
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
    }

    fn inherited_at(&self, snapshot: &Snapshot, scope: &ResourceId, document: &mut Value) {
        if let Some(role) = last_guid(&document["properties"]["roleDefinitionId"]) {
            let shown = snapshot.role_id(scope.subscription(), role);
            properties_of(document).insert("roleDefinitionId".to_owned(), shown.into());
        }
    }

    fn principals_named(&self, document: &Value, _existing: Option<&Value>) -> Vec<Uuid> {
        last_guid(&document["properties"]["principalId"]).into_iter().collect()
    }

    fn admit_delete(&self, context: &OpContext, id: &ResourceId, document: &Value) -> Result<(), Error> {
        let owner =
            last_guid(&document["properties"]["roleDefinitionId"]) == Some(bowline_auth::roles::OWNER);
        let own =
            document["properties"]["principalId"].as_str() == Some(&context.actor.object_id.to_string());
        if owner && own && id.parent().is_some_and(|p| p.key() == "/") {
            return Err(Error::conflict(
                "CannotRemoveOwnRootOwner",
                "You cannot take the Owner role at '/' from yourself: nobody might be left who can give it back. Let another owner do it.",
            ));
        }
        Ok(())
    }
}

/// The kind is a fact, not a choice: one that was sent must be right.
fn admit_kind(admission: &mut Admission<'_>, principal: Uuid, kind: &'static str) -> Result<(), Error> {
    if let Some(sent) = admission.property("principalType").filter(|sent| !sent.eq_ignore_ascii_case(kind)) {
        let why = format!(
            "The principal '{principal}' is a {kind}, not a {sent}. Send principalType {kind}, or none."
        );
        return Err(Error::bad_request("UnmatchedPrincipalType", why).with_target("properties.principalType"));
    }
    admission.set("principalType", kind);
    Ok(())
}

/// A condition must be one that can be decided, in the one version that there is.
fn admit_condition(admission: &mut Admission<'_>) -> Result<(), Error> {
    let refuse = |code: &'static str, property: &str, why: String| {
        Error::bad_request(code, why).with_target(format!("properties.{property}"))
    };
    let version = admission.property("conditionVersion").map(str::to_owned);
    let Some(condition) = admission.property("condition").filter(|text| !text.trim().is_empty()) else {
        properties_of(admission.document).remove("condition");
        properties_of(admission.document).remove("conditionVersion");
        return Ok(());
    };
    if let Err(error) = bowline_policy::condition::Condition::parse(condition) {
        return Err(refuse("InvalidCondition", "condition", format!("The condition was refused: {error}.")));
    }
    match version.as_deref() {
        None | Some("2.0") => {
            admission.set("conditionVersion", "2.0");
            Ok(())
        }
        Some(other) => Err(refuse(
            "UnsupportedConditionVersion",
            "conditionVersion",
            format!("Conditions of version '{other}' are not understood; write 2.0."),
        )),
    }
}

fn last_guid(value: &Value) -> Option<Uuid> {
    value.as_str()?.rsplit('/').next()?.parse().ok()
}

fn guid(admission: &Admission<'_>, property: &str) -> Result<Uuid, Error> {
    last_guid(&admission.document["properties"][property]).ok_or_else(|| {
        Error::bad_request(
            "InvalidRequestContent",
            format!("The property 'properties.{property}' must be (or end with) a GUID."),
        )
        .with_target(format!("properties.{property}"))
    })
}

//! `bowline role`: roles, and who has them where.

use std::collections::HashMap;

use bowline_arm::ResourceId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api;
use crate::app::App;
use crate::client::{Arm, Wait};
use crate::commands::group::report_deletion;
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum RoleCommand {
    /// Who has which role where
    #[command(subcommand)]
    Assignment(AssignmentCommand),
    /// The roles there are
    #[command(subcommand)]
    Definition(DefinitionCommand),
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum DefinitionCommand {
    /// List the roles
    List,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum AssignmentCommand {
    /// Give a role to a user or a service principal
    Create {
        /// User name, client id or object id
        #[arg(long)]
        assignee: String,
        /// The role's name or id, for example Reader
        #[arg(long)]
        role: String,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// List the assignments that hold in a scope, those made above it included
    List {
        /// Only those of this user, client or object id
        #[arg(long)]
        assignee: Option<String>,
        #[command(flatten)]
        scope: ScopeArgs,
        /// Also those made below the scope
        #[arg(long)]
        all: bool,
    },
    /// Take a role away
    Delete {
        /// The assignment's id
        #[arg(long, required_unless_present = "assignee", conflicts_with_all = ["assignee", "role"])]
        id: Option<String>,
        /// User name, client id or object id
        #[arg(long, requires = "role")]
        assignee: Option<String>,
        /// The role's name or id
        #[arg(long, requires = "assignee")]
        role: Option<String>,
        #[command(flatten)]
        scope: ScopeArgs,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// Where a role holds.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ScopeArgs {
    /// The id of a resource, group or subscription, or / for the whole tenant [default: the subscription]
    #[arg(long, value_name = "ID")]
    scope: Option<String>,
    /// The resource group as scope
    #[arg(short, long, conflicts_with = "scope")]
    group: Option<String>,
}

const DEFINITIONS: &[Column] = &[
    Column::text("NAME", &["/properties/roleName"]),
    Column::text("ID", &["/name"]),
    Column::text("DESCRIPTION", &["/properties/description"]),
];

const ASSIGNMENTS: &[Column] = &[
    Column::text("ROLE", &["/roleDefinitionName", "/properties/roleDefinitionId"]),
    Column::text("PRINCIPAL", &["/principalName", "/properties/principalId"]),
    Column::text("KIND", &["/properties/principalType"]),
    Column::text("SCOPE", &["/properties/scope"]),
];

const ASSIGNMENT: &[Column] = &[
    Column::text("Role", &["/roleDefinitionName", "/properties/roleDefinitionId"]),
    Column::text("Principal", &["/properties/principalId"]),
    Column::text("Scope", &["/properties/scope"]),
    Column::text("Id", &["/id"]),
];

pub(crate) async fn run(app: &App, command: RoleCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        RoleCommand::Definition(DefinitionCommand::List) => {
            let all = definitions(&arm, &ResourceId::root()).await?;
            Ok(Answer::list(all, DEFINITIONS, "There are no roles."))
        }
        RoleCommand::Assignment(AssignmentCommand::Create { assignee, role, scope }) => {
            let scope = resolve_scope(app, &arm, &scope).await?;
            let principal = resolve_principal(&arm, &assignee).await?;
            let role = resolve_role(&arm, &scope, &role).await?;
            Ok(Answer::details(assign(&arm, &scope, &principal, &role).await?, ASSIGNMENT))
        }
        RoleCommand::Assignment(AssignmentCommand::List { assignee, scope, all }) => {
            let scope = resolve_scope(app, &arm, &scope).await?;
            let mut found = list_assignments(&arm, &scope, assignee.as_deref(), all).await?;
            add_names(&arm, &mut found).await;
            Ok(Answer::list(found, ASSIGNMENTS, "There are no such role assignments."))
        }
        RoleCommand::Assignment(AssignmentCommand::Delete { id, assignee, role, scope, yes }) => {
            let id = match (id, assignee.zip(role)) {
                (Some(id), _) => api::parse_id(&id)?,
                (None, Some((assignee, role))) => {
                    let scope = resolve_scope(app, &arm, &scope).await?;
                    find_assignment(&arm, &scope, &assignee, &role).await?
                }
                (None, None) => return Err(Failure::usage("say which assignment").next("add --id ID")),
            };
            app.confirm(yes, &format!("take away the role assignment {id}")).await?;
            let deletion = arm.delete(id.as_str(), api::AUTHORIZATION, Wait::Done).await?;
            report_deletion(app, "the role assignment", deletion);
            Ok(Answer::nothing())
        }
    }
}

/// A principal as an assignment names it.
#[derive(Clone, Debug)]
pub(super) struct PrincipalRef {
    pub(super) object_id: String,
    /// `User` or `ServicePrincipal`; none when only an object id is known.
    pub(super) kind: Option<&'static str>,
}

/// A role as an assignment names it.
#[derive(Clone, Debug)]
pub(super) struct RoleRef {
    pub(super) id: String,
    pub(super) name: String,
}

pub(super) async fn resolve_scope(app: &App, arm: &Arm, scope: &ScopeArgs) -> Result<ResourceId> {
    match &scope.scope {
        Some(id) => api::parse_id(id),
        None => app.group_or_subscription(arm, scope.group.as_deref()).await,
    }
}

async fn definitions(arm: &Arm, scope: &ResourceId) -> Result<Vec<Value>> {
    arm.list(&api::collection(scope, api::ROLE_DEFINITION_TYPE), api::AUTHORIZATION, &[]).await
}

pub(super) async fn resolve_role(arm: &Arm, scope: &ResourceId, role: &str) -> Result<RoleRef> {
    let all = definitions(arm, scope).await?;
    let text = |item: &Value, pointer: &str| {
        item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let wanted = role.rsplit('/').next().unwrap_or(role);
    let found = all.iter().find(|item| {
        text(item, "/name").eq_ignore_ascii_case(wanted)
            || text(item, "/properties/roleName").eq_ignore_ascii_case(role)
    });
    match found {
        Some(item) => Ok(RoleRef { id: text(item, "/id"), name: text(item, "/properties/roleName") }),
        None => Err(Failure::new(Kind::NotFound, format!("there is no role '{role}'"))
            .code("RoleDefinitionDoesNotExist")
            .next("bowline role definition list")),
    }
}

/// A user or a group by name, a service principal by client id, or whatever has that object id.
pub(super) async fn resolve_principal(arm: &Arm, assignee: &str) -> Result<PrincipalRef> {
    let object_id = |found: &Value| {
        found.pointer("/properties/objectId").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let root = ResourceId::root();
    if Uuid::parse_str(assignee).is_ok() {
        let id = api::child(&root, api::SERVICE_PRINCIPAL_TYPE, assignee)?;
        return Ok(match arm.find(id.as_str(), api::BOWLINE).await? {
            Some(found) => PrincipalRef { object_id: object_id(&found), kind: Some("ServicePrincipal") },
            None => PrincipalRef { object_id: assignee.to_owned(), kind: None },
        });
    }
    for (resource_type, kind) in [(api::USER_TYPE, "User"), (api::DIRECTORY_GROUP_TYPE, "Group")] {
        let id = api::child(&root, resource_type, assignee)?;
        if let Some(found) = arm.find(id.as_str(), api::BOWLINE).await? {
            return Ok(PrincipalRef { object_id: object_id(&found), kind: Some(kind) });
        }
    }
    Err(Failure::new(Kind::NotFound, format!("there is no user or group '{assignee}'"))
        .code("PrincipalNotFound")
        .why("a name means a user or a group; service principals are named by their client id")
        .next("bowline sp list"))
}

/// Gives a role. The same role again is not an error: the assignment that is there is the answer.
pub(super) async fn assign(
    arm: &Arm,
    scope: &ResourceId,
    principal: &PrincipalRef,
    role: &RoleRef,
) -> Result<Value> {
    let id = api::child(scope, api::ROLE_ASSIGNMENT_TYPE, &host::new_guid().to_string())?;
    let mut properties = json!({"roleDefinitionId": role.id, "principalId": principal.object_id});
    if let Some(kind) = principal.kind {
        properties["principalType"] = kind.into();
    }
    let outcome = arm.put(id.as_str(), api::AUTHORIZATION, json!({"properties": properties})).await;
    let mut made = match outcome {
        Err(failure) if failure.code.as_deref() == Some("RoleAssignmentExists") => {
            let all = list_assignments(arm, scope, Some(&principal.object_id), false).await?;
            all.into_iter().find(|item| is_assignment(item, scope, principal, role)).ok_or(failure)?
        }
        other => other?,
    };
    made["roleDefinitionName"] = role.name.clone().into();
    Ok(made)
}

fn is_assignment(item: &Value, scope: &ResourceId, principal: &PrincipalRef, role: &RoleRef) -> bool {
    let same = |pointer: &str, wanted: &str| {
        item.pointer(pointer).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(wanted))
    };
    let definition = item.pointer("/properties/roleDefinitionId").and_then(Value::as_str).unwrap_or_default();
    same("/properties/principalId", &principal.object_id)
        && same("/properties/scope", scope.as_str())
        && definition
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .eq_ignore_ascii_case(role.id.rsplit('/').next().unwrap_or_default())
}

async fn list_assignments(
    arm: &Arm,
    scope: &ResourceId,
    assignee: Option<&str>,
    below: bool,
) -> Result<Vec<Value>> {
    let principal = match assignee {
        Some(assignee) => Some(resolve_principal(arm, assignee).await?),
        None => None,
    };
    // Without atScope() the server also gives what was given below the scope.
    let at_scope = (!below).then(|| "atScope()".to_owned());
    let of_principal = principal.map(|principal| format!("principalId eq '{}'", principal.object_id));
    let filter: Vec<String> = at_scope.into_iter().chain(of_principal).collect();
    let filter = filter.join(" and ");
    let query = [("$filter", filter.as_str())];
    let path = api::collection(scope, api::ROLE_ASSIGNMENT_TYPE);
    let mut all = arm.list(&path, api::AUTHORIZATION, if filter.is_empty() { &[] } else { &query }).await?;
    let roles = definitions(arm, scope).await?;
    for item in &mut all {
        let definition =
            item.pointer("/properties/roleDefinitionId").and_then(Value::as_str).unwrap_or_default();
        let guid = definition.rsplit('/').next().unwrap_or_default().to_owned();
        let role = roles
            .iter()
            .find(|role| role["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(&guid)));
        if let Some(name) = role.and_then(|role| role.pointer("/properties/roleName")) {
            item["roleDefinitionName"] = name.clone();
        }
    }
    Ok(all)
}

/// The names of principals by object id, for people. Who may not read principals knows none.
pub(super) async fn principal_names(arm: &Arm) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for (kind, name) in [
        (api::USER_TYPE, "/name"),
        (api::SERVICE_PRINCIPAL_TYPE, "/properties/displayName"),
        (api::DIRECTORY_GROUP_TYPE, "/name"),
    ] {
        let principals = arm.list(&api::collection(&ResourceId::root(), kind), api::BOWLINE, &[]).await;
        for principal in principals.unwrap_or_default() {
            let text = |pointer: &str| principal.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            names.extend(text("/properties/objectId").zip(text(name)));
        }
    }
    names
}

/// Puts names beside object ids.
async fn add_names(arm: &Arm, items: &mut [Value]) {
    let names = principal_names(arm).await;
    for item in items {
        let object_id = item.pointer("/properties/principalId").and_then(Value::as_str).unwrap_or_default();
        if let Some(name) = names.get(object_id) {
            item["principalName"] = name.as_str().into();
        }
    }
}

async fn find_assignment(arm: &Arm, scope: &ResourceId, assignee: &str, role: &str) -> Result<ResourceId> {
    let principal = resolve_principal(arm, assignee).await?;
    let role = resolve_role(arm, scope, role).await?;
    let all = list_assignments(arm, scope, Some(&principal.object_id), false).await?;
    let found = all.iter().find(|item| is_assignment(item, scope, &principal, &role));
    let id = found.and_then(|item| item["id"].as_str()).ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("{assignee} does not have the role {} in {scope}", role.name))
            .why("a role that was given in a scope above is taken away there")
            .next("bowline role assignment list")
    })?;
    api::parse_id(id)
}

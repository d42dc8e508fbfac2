//! `bowline sp`: service principals, the identities of programs.

use std::path::PathBuf;

use bowline_arm::ResourceId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api;
use crate::app::App;
use crate::client::{Arm, Wait};
use crate::commands::group::report_deletion;
use crate::commands::role::{PrincipalRef, RoleRef, ScopeArgs, assign, resolve_role, resolve_scope};
use crate::config::host;
use crate::config::settings::server_key;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column, Show};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum SpCommand {
    /// Create a service principal with a secret, which is shown once
    Create {
        /// What people call it
        #[arg(short, long, alias = "display-name")]
        name: String,
        /// A role to give it, by name or id; may be repeated
        #[arg(long)]
        role: Vec<String>,
        #[command(flatten)]
        scope: ScopeArgs,
        /// Write the secret to this new file (mode 0600) instead of showing it
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// List the service principals
    List,
    /// Delete a service principal; its tokens end at once
    Delete {
        /// The client id
        #[arg(long)]
        id: Uuid,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

const CREATED: &[Column] = &[
    Column::text("Name", &["/displayName"]),
    Column::text("Client id", &["/appId"]),
    Column::text("Secret", &["/secret"]),
    Column::text("Secret file", &["/secretFile"]),
    Column::new("Secret ends", &["/expiresOn"], Show::Ago),
    Column::text("Object id", &["/objectId"]),
    Column::text("Tenant", &["/tenantId"]),
    Column::text("Roles", &["/roles"]),
    Column::text("Scope", &["/scope"]),
];

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/properties/displayName"]),
    Column::text("CLIENT ID", &["/properties/appId"]),
    Column::text("OBJECT ID", &["/properties/objectId"]),
];

pub(crate) async fn run(app: &App, command: SpCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        SpCommand::Create { name, role, scope, secret_file } => {
            create(app, &arm, &name, &role, &scope, secret_file).await
        }
        SpCommand::List => {
            let path = api::collection(&ResourceId::root(), api::SERVICE_PRINCIPAL_TYPE);
            let all = arm.list(&path, api::BOWLINE, &[]).await?;
            Ok(Answer::list(all, COLUMNS, "There are no service principals: bowline sp create --name NAME"))
        }
        SpCommand::Delete { id, yes } => {
            let path = api::child(&ResourceId::root(), api::SERVICE_PRINCIPAL_TYPE, &id.to_string())?;
            app.confirm(yes, &format!("delete the service principal {id}")).await?;
            let deletion = arm.delete(path.as_str(), api::BOWLINE, Wait::Done).await?;
            report_deletion(app, &format!("the service principal {id}"), deletion);
            Ok(Answer::nothing())
        }
    }
}

async fn create(
    app: &App,
    arm: &Arm,
    name: &str,
    roles: &[String],
    scope: &ScopeArgs,
    secret_file: Option<PathBuf>,
) -> Result<Answer> {
    // Everything that may be refused is looked at before the first change.
    if let Some(path) = &secret_file {
        host::may_create(path)?;
    }
    let mut wanted = Vec::new();
    let scope_id = if roles.is_empty() { None } else { Some(resolve_scope(app, arm, scope).await?) };
    for role in roles {
        let scope = scope_id.as_ref().expect("a scope is resolved when there is a role");
        wanted.push(resolve_role(arm, scope, role).await?);
    }
    let mut answer = make(arm, name, &wanted, scope_id.as_ref()).await?;
    match &secret_file {
        Some(path) => {
            let secret =
                answer.as_object_mut().and_then(|members| members.remove("secret")).unwrap_or_default();
            host::write_new_secret(path, &format!("{}\n", secret.as_str().unwrap_or_default()))?;
            answer["secretFile"] = path.display().to_string().into();
        }
        None => {
            app.output.note(
                "The secret is shown this once: keep it now. Whoever has it acts as this service principal.",
            );
        }
    }
    if wanted.is_empty() {
        app.output.note(&format!(
            "It has no role yet: bowline role assignment create --assignee {} --role ROLE",
            answer["appId"].as_str().unwrap_or_default()
        ));
    }
    Ok(Answer::details(answer, CREATED))
}

/// Makes a service principal with roles in a scope, and a secret, which is in the answer.
pub(super) async fn make(
    arm: &Arm,
    name: &str,
    roles: &[RoleRef],
    scope: Option<&ResourceId>,
) -> Result<Value> {
    let id = api::child(&ResourceId::root(), api::SERVICE_PRINCIPAL_TYPE, &host::new_guid().to_string())?;
    let made = arm.put(id.as_str(), api::BOWLINE, json!({"properties": {"displayName": name}})).await?;
    let object_id =
        made.pointer("/properties/objectId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let principal = PrincipalRef { object_id, kind: Some("ServicePrincipal") };
    for (role, scope) in roles.iter().zip(scope.into_iter().cycle()) {
        let given = assign(arm, scope, &principal, role).await;
        given.map_err(|failure| half_made(failure, id.name(), &role.name))?;
    }
    let password = arm.post(&format!("{id}/addPassword"), api::BOWLINE, json!({})).await?;
    Ok(json!({
        "displayName": name, "appId": id.name(), "objectId": principal.object_id,
        "secret": password.get("secret"), "expiresOn": password.get("expiresOn"), "keyId": password.get("keyId"),
        "tenantId": arm.session.credential()?.tenant_id, "server": server_key(&arm.client.server),
        "roles": roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(),
        "scope": scope.map(ResourceId::as_str),
    }))
}

fn half_made(failure: Failure, client_id: &str, role: &str) -> Failure {
    let kind = if failure.kind == Kind::NotFound { Kind::Service } else { failure.kind };
    Failure { kind, ..failure }
        .why(format!(
            "the service principal {client_id} was made, without the role {role} and without a secret"
        ))
        .next(format!("remove it again: bowline sp delete --id {client_id} --yes"))
}

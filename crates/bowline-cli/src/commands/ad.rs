//! `bowline ad`: the directory, in the words of `az ad`: users, groups and their members, applications and their secrets.

use std::path::PathBuf;

use bowline_arm::ResourceId;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api;
use crate::app::App;
use crate::client::{Arm, Wait};
use crate::commands::group::report_deletion;
use crate::commands::role::resolve_principal;
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column, Show};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum AdCommand {
    /// People
    #[command(subcommand)]
    User(UserCommand),
    /// Groups of people, programs and other groups
    #[command(subcommand)]
    Group(DirectoryGroupCommand),
    /// Applications: what programs are registered as
    #[command(subcommand)]
    App(AppCommand),
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user
    Create {
        /// The name to sign in with
        #[arg(short, long)]
        name: String,
        /// What people call the user
        #[arg(long)]
        display_name: Option<String>,
        /// A file with the password on its first line; - is standard input
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
    /// List the users
    List,
    /// Show a user
    Show {
        /// The user's name
        #[arg(short, long)]
        name: String,
    },
    /// Change a user; a disabled user's tokens end at once
    Update {
        /// The user's name
        #[arg(short, long)]
        name: String,
        /// What people call the user
        #[arg(long)]
        display_name: Option<String>,
        /// Whether the user may sign in
        #[arg(long, value_name = "true|false")]
        enabled: Option<bool>,
        /// A file with the new password on its first line; - is standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Delete a user; the user's tokens end at once
    Delete {
        /// The user's name
        #[arg(short, long)]
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum DirectoryGroupCommand {
    /// Create a group
    Create {
        /// The group's name
        #[arg(short, long)]
        name: String,
        /// What people call it
        #[arg(long)]
        display_name: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// Groups of the upstream sign-in whose members are members here
        #[arg(long, num_args = 1.., value_name = "GROUP")]
        mapped_from: Vec<String>,
    },
    /// List the groups
    List,
    /// Show a group
    Show {
        /// The group's name
        #[arg(short, long)]
        name: String,
    },
    /// Delete a group; what its roles gave ends at once
    Delete {
        /// The group's name
        #[arg(short, long)]
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Members of a group
    #[command(subcommand)]
    Member(MemberCommand),
}

/// A member of a group.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MemberArgs {
    /// The group's name
    #[arg(short, long)]
    group: String,
    /// User name, group name, client id or object id
    #[arg(short, long)]
    member: String,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum MemberCommand {
    /// Add a member
    Add(MemberArgs),
    /// Take a member out
    Remove(MemberArgs),
    /// List the members
    List {
        /// The group's name
        #[arg(short, long)]
        group: String,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum AppCommand {
    /// Register an application
    Create {
        /// What people call it
        #[arg(short, long, alias = "display-name")]
        name: String,
        /// Where a sign-in may return to
        #[arg(long, num_args = 1.., value_name = "URL")]
        web_redirect_uris: Vec<String>,
    },
    /// List the applications
    List,
    /// Show an application
    Show {
        /// The client id
        #[arg(long)]
        id: Uuid,
    },
    /// Make a new secret, which is shown once
    ResetCredential {
        /// The client id
        #[arg(long)]
        id: Uuid,
        /// Write the secret to this new file (mode 0600) instead of showing it
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// Delete an application
    Delete {
        /// The client id
        #[arg(long)]
        id: Uuid,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

const USERS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::text("DISPLAY NAME", &["/properties/displayName"]),
    Column::text("ENABLED", &["/properties/accountEnabled"]),
    Column::text("OBJECT ID", &["/properties/objectId"]),
];

const GROUPS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::text("DISPLAY NAME", &["/properties/displayName"]),
    Column::text("OBJECT ID", &["/properties/objectId"]),
    Column::text("MAPPED FROM", &["/properties/mappedFrom"]),
];

const MEMBERS: &[Column] = &[
    Column::text("KIND", &["/@odata.type"]),
    Column::text("NAME", &["/userPrincipalName", "/displayName"]),
    Column::text("OBJECT ID", &["/id"]),
];

const APPS: &[Column] = &[
    Column::text("NAME", &["/properties/displayName"]),
    Column::text("CLIENT ID", &["/properties/appId"]),
    Column::text("OBJECT ID", &["/properties/objectId"]),
];

const SECRET: &[Column] = &[
    Column::text("Client id", &["/appId"]),
    Column::text("Secret", &["/secret"]),
    Column::text("Secret file", &["/secretFile"]),
    Column::text("Key id", &["/keyId"]),
    Column::new("Secret ends", &["/expiresOn"], Show::Ago),
];

pub(crate) async fn run(app: &App, command: AdCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        AdCommand::User(command) => user(app, &arm, command).await,
        AdCommand::Group(command) => group(app, &arm, command).await,
        AdCommand::App(command) => application(app, &arm, command).await,
    }
}

fn id_of(resource_type: &str, name: &str) -> Result<ResourceId> {
    api::child(&ResourceId::root(), resource_type, name)
}

async fn all(arm: &Arm, resource_type: &str) -> Result<Vec<Value>> {
    arm.list(&api::collection(&ResourceId::root(), resource_type), api::BOWLINE, &[]).await
}

async fn show(arm: &Arm, id: &ResourceId, columns: &'static [Column]) -> Result<Answer> {
    Ok(Answer::details(arm.get(id.as_str(), api::BOWLINE).await?, columns))
}

/// Makes what must not exist yet: a PUT on what exists would replace it.
async fn create(arm: &Arm, id: &ResourceId, what: &str, properties: Map<String, Value>) -> Result<Value> {
    if arm.find(id.as_str(), api::BOWLINE).await?.is_some() {
        return Err(Failure::new(Kind::Conflict, format!("{what} '{}' exists already", id.name())));
    }
    arm.put(id.as_str(), api::BOWLINE, json!({ "properties": properties })).await
}

async fn delete(app: &App, arm: &Arm, id: &ResourceId, what: &str, yes: bool) -> Result<Answer> {
    app.confirm(yes, &format!("delete {what}")).await?;
    let deletion = arm.delete(id.as_str(), api::BOWLINE, Wait::Done).await?;
    report_deletion(app, what, deletion);
    Ok(Answer::nothing())
}

fn given(pairs: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Map<String, Value> {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

async fn user(app: &App, arm: &Arm, command: UserCommand) -> Result<Answer> {
    match command {
        UserCommand::Create { name, display_name, password_file } => {
            let password = host::read_secret(&password_file, "the password")?;
            let properties =
                given([("displayName", display_name.map(Value::from)), ("password", Some(password.into()))]);
            let made = create(arm, &id_of(api::USER_TYPE, &name)?, "the user", properties).await?;
            Ok(Answer::details(made, USERS))
        }
        UserCommand::List => Ok(Answer::list(all(arm, api::USER_TYPE).await?, USERS, "There are no users.")),
        UserCommand::Show { name } => show(arm, &id_of(api::USER_TYPE, &name)?, USERS).await,
        UserCommand::Update { name, display_name, enabled, password_file } => {
            let password = password_file.map(|file| host::read_secret(&file, "the password")).transpose()?;
            let properties = given([
                ("displayName", display_name.map(Value::from)),
                ("accountEnabled", enabled.map(Value::from)),
                ("password", password.map(Value::from)),
            ]);
            let id = id_of(api::USER_TYPE, &name)?;
            let body = json!({ "properties": properties });
            Ok(Answer::details(arm.patch(id.as_str(), api::BOWLINE, body).await?, USERS))
        }
        UserCommand::Delete { name, yes } => {
            delete(app, arm, &id_of(api::USER_TYPE, &name)?, &format!("the user '{name}'"), yes).await
        }
    }
}

async fn group(app: &App, arm: &Arm, command: DirectoryGroupCommand) -> Result<Answer> {
    let id_of_group = |name: &str| id_of(api::DIRECTORY_GROUP_TYPE, name);
    match command {
        DirectoryGroupCommand::Create { name, display_name, description, mapped_from } => {
            let mapped = (!mapped_from.is_empty()).then(|| Value::from(mapped_from));
            let properties = given([
                ("displayName", display_name.map(Value::from)),
                ("description", description.map(Value::from)),
                ("mappedFrom", mapped),
            ]);
            let made = create(arm, &id_of_group(&name)?, "the group", properties).await?;
            Ok(Answer::details(made, GROUPS))
        }
        DirectoryGroupCommand::List => {
            let groups = all(arm, api::DIRECTORY_GROUP_TYPE).await?;
            Ok(Answer::list(groups, GROUPS, "There are no groups: bowline ad group create --name NAME"))
        }
        DirectoryGroupCommand::Show { name } => show(arm, &id_of_group(&name)?, GROUPS).await,
        DirectoryGroupCommand::Delete { name, yes } => {
            delete(app, arm, &id_of_group(&name)?, &format!("the group '{name}'"), yes).await
        }
        DirectoryGroupCommand::Member(MemberCommand::Add(which)) => change(app, arm, which, true).await,
        DirectoryGroupCommand::Member(MemberCommand::Remove(which)) => change(app, arm, which, false).await,
        DirectoryGroupCommand::Member(MemberCommand::List { group }) => {
            let found = arm.get(id_of_group(&group)?.as_str(), api::BOWLINE).await?;
            let object_id = found.pointer("/properties/objectId").and_then(Value::as_str).unwrap_or_default();
            let listed = arm.get(&format!("/v1.0/groups/{object_id}/members"), api::BOWLINE).await?;
            let mut members = listed["value"].as_array().cloned().unwrap_or_default();
            for member in &mut members {
                let kind =
                    member["@odata.type"].as_str().and_then(|t| t.rsplit('.').next()).unwrap_or_default();
                member["@odata.type"] = kind.to_owned().into();
            }
            Ok(Answer::list(members, MEMBERS, "The group has no members."))
        }
    }
}

async fn change(app: &App, arm: &Arm, which: MemberArgs, add: bool) -> Result<Answer> {
    let id = id_of(api::DIRECTORY_GROUP_TYPE, &which.group)?;
    let principal = resolve_principal(arm, &which.member).await?;
    let action = if add { "addMembers" } else { "removeMembers" };
    let body = json!({"principals": [principal.object_id]});
    let answer = arm.post(&format!("{id}/{action}"), api::BOWLINE, body).await?;
    let changed = answer["changed"].as_array().is_some_and(|changed| !changed.is_empty());
    app.output.note(&match (add, changed) {
        (true, true) => format!("{} is in the group '{}' now.", which.member, which.group),
        (true, false) => format!("{} was in the group '{}' before.", which.member, which.group),
        (false, true) => format!("{} is no longer in the group '{}'.", which.member, which.group),
        (false, false) => format!("{} was not in the group '{}'.", which.member, which.group),
    });
    Ok(Answer::nothing())
}

async fn application(app: &App, arm: &Arm, command: AppCommand) -> Result<Answer> {
    let id_of_app = |id: Uuid| id_of(api::APPLICATION_TYPE, &id.to_string());
    match command {
        AppCommand::Create { name, web_redirect_uris } => {
            let web = (!web_redirect_uris.is_empty()).then(|| json!({"redirectUris": web_redirect_uris}));
            let properties = given([("displayName", Some(name.into())), ("web", web)]);
            let made = create(arm, &id_of_app(host::new_guid())?, "the application", properties).await?;
            Ok(Answer::details(made, APPS))
        }
        AppCommand::List => {
            let apps = all(arm, api::APPLICATION_TYPE).await?;
            Ok(Answer::list(apps, APPS, "There are no applications: bowline ad app create --name NAME"))
        }
        AppCommand::Show { id } => show(arm, &id_of_app(id)?, APPS).await,
        AppCommand::Delete { id, yes } => {
            delete(app, arm, &id_of_app(id)?, &format!("the application {id}"), yes).await
        }
        AppCommand::ResetCredential { id, secret_file } => {
            if let Some(path) = &secret_file {
                host::may_create(path)?;
            }
            let made = arm.post(&format!("{}/addPassword", id_of_app(id)?), api::BOWLINE, json!({})).await?;
            let mut answer =
                json!({"appId": id, "keyId": made.get("keyId"), "expiresOn": made.get("expiresOn")});
            let secret = made.get("secret").and_then(Value::as_str).unwrap_or_default();
            match &secret_file {
                Some(path) => {
                    host::write_new_secret(path, &format!("{secret}\n"))?;
                    answer["secretFile"] = path.display().to_string().into();
                }
                None => {
                    answer["secret"] = secret.into();
                    app.output.note("The secret is shown this once: keep it now. Older secrets stay valid.");
                }
            }
            Ok(Answer::details(answer, SECRET))
        }
    }
}

//! `bowline management-group`: groups of subscriptions, from which roles are inherited.

use bowline_arm::ResourceId;
use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::Wait;
use crate::commands::group::report_deletion;
use crate::failure::Result;
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ManagementGroupCommand {
    /// Create a management group, rename it, or move it below another
    Create {
        /// The group's name
        #[arg(short, long)]
        name: String,
        /// What people call it
        #[arg(short, long)]
        display_name: Option<String>,
        /// The name of the group above it [default: the tenant's root group]
        #[arg(short, long)]
        parent: Option<String>,
    },
    /// List the management groups you can see
    List,
    /// Show one management group
    Show {
        /// The group's name
        #[arg(short, long)]
        name: String,
    },
    /// Delete a management group that has nothing below it
    Delete {
        /// The group's name
        #[arg(short, long)]
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Put the subscription below a group
    Add {
        /// The group's name
        #[arg(short, long)]
        name: String,
    },
    /// Take the subscription out of a group, back below the root group
    Remove {
        /// The group's name
        #[arg(short, long)]
        name: String,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::text("DISPLAY NAME", &["/properties/displayName"]),
    Column::text("PARENT", &["/properties/details/parent/name"]),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/name"]),
    Column::text("Display name", &["/properties/displayName"]),
    Column::text("Parent", &["/properties/details/parent/name", "/properties/parent/id"]),
    Column::text("Id", &["/id"]),
];

pub(crate) async fn run(app: &App, command: ManagementGroupCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        ManagementGroupCommand::Create { name, display_name, parent } => {
            let parent = parent.map(|parent| group_id(&parent)).transpose()?;
            let parent = parent.map_or(Value::Null, |id| json!({"id": id.as_str()}));
            let body = json!({"properties": {"displayName": display_name, "details": {"parent": parent}}});
            let made = arm.put(group_id(&name)?.as_str(), api::MANAGEMENT, body).await?;
            Ok(Answer::details(made, DETAILS))
        }
        ManagementGroupCommand::List => {
            let path = api::collection(&ResourceId::root(), api::MANAGEMENT_GROUP_TYPE);
            let all = arm.list(&path, api::MANAGEMENT, &[]).await?;
            Ok(Answer::list(all, COLUMNS, "You have no role in any management group."))
        }
        ManagementGroupCommand::Show { name } => {
            Ok(Answer::details(arm.get(group_id(&name)?.as_str(), api::MANAGEMENT).await?, DETAILS))
        }
        ManagementGroupCommand::Delete { name, yes } => {
            app.confirm(yes, &format!("delete the management group '{name}'")).await?;
            let deletion = arm.delete(group_id(&name)?.as_str(), api::MANAGEMENT, Wait::Done).await?;
            report_deletion(app, &format!("the management group '{name}'"), deletion);
            Ok(Answer::nothing())
        }
        ManagementGroupCommand::Add { name } => {
            let path = format!("{}/subscriptions/{}", group_id(&name)?, app.subscription(&arm).await?);
            Ok(Answer::details(arm.put(&path, api::MANAGEMENT, json!({})).await?, DETAILS))
        }
        ManagementGroupCommand::Remove { name } => {
            let subscription = app.subscription(&arm).await?;
            let path = format!("{}/subscriptions/{subscription}", group_id(&name)?);
            let deletion = arm.delete(&path, api::MANAGEMENT, Wait::Done).await?;
            report_deletion(app, &format!("the place of the subscription below '{name}'"), deletion);
            Ok(Answer::nothing())
        }
    }
}

fn group_id(name: &str) -> Result<ResourceId> {
    api::child(&ResourceId::root(), api::MANAGEMENT_GROUP_TYPE, name)
}

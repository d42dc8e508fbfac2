//! `bowline group`: resource groups.

use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::{Arm, Deletion, Wait};
use crate::failure::Result;
use crate::render::{Answer, Column, Show};
use bowline_arm::ResourceId;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum GroupCommand {
    /// Create a resource group, or change its tags
    Create {
        /// The group's name
        #[arg(short, long)]
        name: String,
        /// Where it is [default: the setting location, else "local"]
        #[arg(short, long)]
        location: Option<String>,
        /// Tags, as key=value
        #[arg(long, num_args = 1.., value_name = "KEY=VALUE")]
        tags: Vec<String>,
    },
    /// List the resource groups
    List,
    /// Show one resource group
    Show {
        /// The group's name
        #[arg(short, long)]
        name: String,
    },
    /// Delete a resource group and everything in it
    Delete {
        /// The group's name
        #[arg(short, long)]
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// Do not wait until it is done
        #[arg(long)]
        no_wait: bool,
    },
}

/// Where something is when nobody says: a place of one's own has no regions.
const DEFAULT_LOCATION: &str = "local";

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::text("LOCATION", &["/location"]),
    Column::text("STATE", &["/properties/provisioningState"]),
    Column::new("TAGS", &["/tags"], Show::Tags),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/name"]),
    Column::text("Location", &["/location"]),
    Column::text("State", &["/properties/provisioningState"]),
    Column::new("Tags", &["/tags"], Show::Tags),
    Column::text("Id", &["/id"]),
];

pub(crate) async fn run(app: &App, command: GroupCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        GroupCommand::Create { name, location, tags } => {
            let id = app.group(&arm, Some(&name)).await?;
            let location = location.or_else(|| app.settings.location.clone());
            let group = create(&arm, &id, location, &tags).await?;
            Ok(Answer::details(group, DETAILS))
        }
        GroupCommand::List => {
            let path = format!("/subscriptions/{}/resourceGroups", app.subscription(&arm).await?);
            let all = arm.list(&path, api::RESOURCES, &[]).await?;
            Ok(Answer::list(
                all,
                COLUMNS,
                "There is no resource group yet: bowline group create --name GROUP",
            ))
        }
        GroupCommand::Show { name } => {
            let id = app.group(&arm, Some(&name)).await?;
            Ok(Answer::details(arm.get(id.as_str(), api::RESOURCES).await?, DETAILS))
        }
        GroupCommand::Delete { name, yes, no_wait } => {
            let id = app.group(&arm, Some(&name)).await?;
            app.confirm(yes, &format!("delete the resource group '{name}' and everything in it")).await?;
            let wait = if no_wait { Wait::No } else { Wait::Done };
            let deletion = arm.delete(id.as_str(), api::RESOURCES, wait).await?;
            report_deletion(app, &format!("the resource group '{name}'"), deletion);
            Ok(Answer::nothing())
        }
    }
}

/// Creates a group. One that exists keeps its place, and its tags unless new ones are said.
pub(crate) async fn create(
    arm: &Arm,
    id: &ResourceId,
    location: Option<String>,
    pairs: &[String],
) -> Result<Value> {
    let tags = Value::Object(api::tags(pairs)?);
    let body = match arm.find(id.as_str(), api::RESOURCES).await? {
        Some(existing) => {
            let tags = if pairs.is_empty() { existing.get("tags").cloned().unwrap_or(tags) } else { tags };
            let place = location.map(Value::String).or_else(|| existing.get("location").cloned());
            json!({"location": place, "tags": tags})
        }
        None => json!({"location": location.unwrap_or_else(|| DEFAULT_LOCATION.to_owned()), "tags": tags}),
    };
    arm.put(id.as_str(), api::RESOURCES, body).await
}

/// Tells people how a deletion went; programs see it by the exit code.
pub(super) fn report_deletion(app: &App, what: &str, deletion: Deletion) {
    let mut capital = what.to_owned();
    capital[..1].make_ascii_uppercase();
    app.output.note(&match deletion {
        Deletion::Deleted => format!("{capital} is deleted."),
        Deletion::Started => format!("{capital} is being deleted."),
        Deletion::Absent => format!("There was nothing to delete: {what} does not exist."),
    });
}

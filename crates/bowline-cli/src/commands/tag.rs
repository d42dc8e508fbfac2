//! `bowline tag`: tags of a subscription, a group or a resource, and the names in use.

use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::commands::role::{ScopeArgs, resolve_scope};
use crate::failure::Result;
use crate::render::{Answer, Column, Show};

/// What an update does.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Operation {
    /// Add the tags; a name that is there gets the new value
    Merge,
    /// The tags are all that remain
    Replace,
    /// Remove these tags
    Delete,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum TagCommand {
    /// List the names of tags in the subscription, with how often each is in use
    List,
    /// Show the tags of something
    Show {
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Change the tags of something
    Update {
        /// What to do with the tags
        #[arg(long, value_enum, default_value = "merge")]
        operation: Operation,
        /// Tags, as key=value
        #[arg(long, num_args = 1.., required = true, value_name = "KEY=VALUE")]
        tags: Vec<String>,
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

const NAMES: &[Column] = &[
    Column::text("NAME", &["/tagName"]),
    Column::text("IN USE", &["/count/value"]),
    Column::text("ID", &["/id"]),
];

const DETAILS: &[Column] =
    &[Column::new("Tags", &["/properties/tags"], Show::Tags), Column::text("Id", &["/id"])];

pub(crate) async fn run(app: &App, command: TagCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        TagCommand::List => {
            let path = format!("/subscriptions/{}/tagNames", app.subscription(&arm).await?);
            let all = arm.list(&path, api::RESOURCES, &[]).await?;
            Ok(Answer::list(all, NAMES, "Nothing in the subscription has a tag."))
        }
        TagCommand::Show { scope } => {
            let id = api::child(&resolve_scope(app, &arm, &scope).await?, api::TAGS_TYPE, "default")?;
            Ok(Answer::details(arm.get(id.as_str(), api::RESOURCES).await?, DETAILS))
        }
        TagCommand::Update { operation, tags, scope } => {
            let id = api::child(&resolve_scope(app, &arm, &scope).await?, api::TAGS_TYPE, "default")?;
            let operation = match operation {
                Operation::Merge => "Merge",
                Operation::Replace => "Replace",
                Operation::Delete => "Delete",
            };
            let tags = Value::Object(api::tags(&tags)?);
            let body = json!({"operation": operation, "properties": {"tags": tags}});
            Ok(Answer::details(arm.patch(id.as_str(), api::RESOURCES, body).await?, DETAILS))
        }
    }
}

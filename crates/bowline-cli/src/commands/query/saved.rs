//! Saved queries: `Microsoft.ResourceGraph/queries`, seen by whoever may read in their group.

use bowline_arm::ResourceId;
use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::{Arm, Wait};
use crate::commands::group::report_deletion;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(super) enum SavedCommand {
    /// Keep a query under a name, for everybody who may read in its group
    Save {
        /// The query's name
        #[arg(short, long)]
        name: String,
        /// The query, in KQL
        kql: String,
        /// The resource group
        #[arg(short, long)]
        group: Option<String>,
        /// What it is for
        #[arg(short, long)]
        description: Option<String>,
    },
    /// List the saved queries
    List {
        /// Only of this resource group
        #[arg(short, long)]
        group: Option<String>,
    },
    /// Show a saved query
    Show {
        /// The query's name
        #[arg(short, long)]
        name: String,
        /// The resource group, where several have one of that name
        #[arg(short, long)]
        group: Option<String>,
    },
    /// Delete a saved query
    Delete {
        /// The query's name
        #[arg(short, long)]
        name: String,
        /// The resource group, where several have one of that name
        #[arg(short, long)]
        group: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::text("DESCRIPTION", &["/properties/description"]),
    Column::text("QUERY", &["/properties/query"]),
    Column::text("ID", &["/id"]),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/name"]),
    Column::text("Description", &["/properties/description"]),
    Column::text("Query", &["/properties/query"]),
    Column::text("Changed", &["/properties/timeModified"]),
    Column::text("Id", &["/id"]),
];

pub(super) async fn run(app: &App, arm: &Arm, command: SavedCommand) -> Result<Answer> {
    match command {
        SavedCommand::Save { name, kql, group, description } => {
            let id = api::child(&app.group(arm, group.as_deref()).await?, api::SAVED_QUERY_TYPE, &name)?;
            let body =
                json!({"location": "global", "properties": {"query": kql, "description": description}});
            Ok(Answer::details(arm.put(id.as_str(), api::SAVED_QUERIES, body).await?, DETAILS))
        }
        SavedCommand::List { group } => {
            let all = all(app, arm, group.as_deref()).await?;
            Ok(Answer::list(
                all,
                COLUMNS,
                "There is no saved query there: bowline query save --name NAME KQL",
            ))
        }
        SavedCommand::Show { name, group } => {
            Ok(Answer::details(find(app, arm, &name, group.as_deref()).await?, DETAILS))
        }
        SavedCommand::Delete { name, group, yes } => {
            let id = id_of(&find(app, arm, &name, group.as_deref()).await?)?;
            app.confirm(yes, &format!("delete the saved query '{name}'")).await?;
            let deletion = arm.delete(id.as_str(), api::SAVED_QUERIES, Wait::Done).await?;
            report_deletion(app, &format!("the saved query '{name}'"), deletion);
            Ok(Answer::nothing())
        }
    }
}

/// The text of a saved query.
pub(super) async fn text_of(app: &App, arm: &Arm, name: &str, group: Option<&str>) -> Result<String> {
    let found = find(app, arm, name, group).await?;
    let text = found.pointer("/properties/query").and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| Failure::new(Kind::Service, format!("the saved query '{name}' holds no query")))
}

async fn all(app: &App, arm: &Arm, group: Option<&str>) -> Result<Vec<Value>> {
    let scope = app.group_or_subscription(arm, group).await?;
    arm.list(&api::collection(&scope, api::SAVED_QUERY_TYPE), api::SAVED_QUERIES, &[]).await
}

/// The one of that name, in the group or in the whole subscription.
async fn find(app: &App, arm: &Arm, name: &str, group: Option<&str>) -> Result<Value> {
    let named = |one: &Value| one["name"].as_str().is_some_and(|its| its.eq_ignore_ascii_case(name));
    let mut found: Vec<Value> = all(app, arm, group).await?.into_iter().filter(named).collect();
    match (found.pop(), found.as_slice()) {
        (Some(one), []) => Ok(one),
        (Some(last), others) => {
            let mut failure =
                Failure::usage(format!("{} saved queries are called '{name}'", others.len() + 1));
            for one in others.iter().chain([&last]).take(10) {
                failure = failure.why(one["id"].as_str().unwrap_or_default().to_owned());
            }
            Err(failure.next("add --group GROUP"))
        }
        (None, _) => Err(Failure::new(Kind::NotFound, format!("there is no saved query '{name}'"))
            .why("it does not exist, or you may not read in its group")
            .next("bowline query list")),
    }
}

fn id_of(found: &Value) -> Result<ResourceId> {
    api::parse_id(found["id"].as_str().unwrap_or_default())
}

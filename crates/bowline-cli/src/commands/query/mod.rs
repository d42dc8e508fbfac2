//! `bowline query`: KQL over every resource that the caller may see, once or again and again; and queries that are kept.

mod saved;
mod watch;

use std::time::Duration;

use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::Arm;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, View};

const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";
/// Rows of one page, the most that the API gives.
const PAGE: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct QueryArgs {
    #[command(subcommand)]
    saved: Option<saved::SavedCommand>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// For example: "Resources | summarize count() by type"
    #[arg(required_unless_present = "saved", conflicts_with = "saved")]
    kql: Option<String>,
    /// Run a saved query instead
    #[arg(long, value_name = "NAME")]
    saved: Option<String>,
    /// The saved query's resource group, where several have one of that name
    #[arg(short, long, requires = "saved")]
    group: Option<String>,
    /// Only in these subscriptions; without, in all that you may see
    #[arg(long, value_name = "ID", num_args = 1..)]
    subscriptions: Vec<String>,
    /// Only below these management groups
    #[arg(long, value_name = "NAME", num_args = 1..)]
    management_groups: Vec<String>,
    /// At most so many rows
    #[arg(long, default_value_t = 1000)]
    first: usize,
    /// Ask again every so many seconds (2 without a number), and show what changed, until Ctrl-C
    #[arg(
        short, long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    watch: Option<u64>,
}

/// What is asked, again and again for a watch.
struct Question {
    kql: String,
    subscriptions: Vec<String>,
    management_groups: Vec<String>,
    first: usize,
}

pub(crate) async fn run(app: &App, arguments: QueryArgs) -> Result<Answer> {
    let arm = app.arm()?;
    if let Some(command) = arguments.saved {
        return saved::run(app, &arm, command).await;
    }
    let RunArgs { kql, saved, group, subscriptions, management_groups, first, watch } = arguments.run;
    let kql = match (kql, saved) {
        (Some(kql), _) => kql,
        (None, Some(name)) => saved::text_of(app, &arm, &name, group.as_deref()).await?,
        (None, None) => {
            return Err(Failure::usage("no query was given").next("bowline query \"Resources | count\""));
        }
    };
    let question = Question { kql, subscriptions, management_groups, first };
    match watch {
        Some(seconds) => watch::run(app, &arm, &question, Duration::from_secs(seconds)).await,
        None => {
            let (value, more) = ask(&arm, &question).await?;
            if more {
                let total = value["rows"].as_array().map_or(0, Vec::len);
                app.output.note(&format!("There is more than these {total} rows; --first N shows more."));
            }
            Ok(Answer { value, view: View::Rows })
        }
    }
}

/// Columns and rows, and whether there is more than was asked for.
async fn ask(arm: &Arm, question: &Question) -> Result<(Value, bool)> {
    let (mut columns, mut rows, mut token) = (Value::Null, Vec::new(), Value::Null);
    loop {
        let left = question.first.saturating_sub(rows.len());
        if left == 0 {
            break;
        }
        let body = json!({
            "query": question.kql, "subscriptions": question.subscriptions,
            "managementGroups": question.management_groups,
            "options": {"resultFormat": "table", "$top": left.min(PAGE), "$skipToken": token},
        });
        let mut page = arm.post(PATH, api::RESOURCE_GRAPH, body).await?;
        columns = page["data"]["columns"].take();
        match page["data"]["rows"].take() {
            Value::Array(more) => rows.extend(more),
            _ => return Err(Failure::new(Kind::Service, "the server's answer to the query has no rows")),
        }
        token = page["$skipToken"].take();
        if token.is_null() {
            break;
        }
    }
    Ok((json!({"columns": columns, "rows": rows}), !token.is_null()))
}

//! `bowline query`: KQL over every resource that the caller may see.

use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, View};

const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";
/// Rows of one page, the most that the API gives.
const PAGE: usize = 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct QueryArgs {
    /// For example: "Resources | summarize count() by type"
    kql: String,
    /// Only in these subscriptions; without, in all that you may see
    #[arg(long, value_name = "ID", num_args = 1..)]
    subscriptions: Vec<String>,
    /// Only below these management groups
    #[arg(long, value_name = "NAME", num_args = 1..)]
    management_groups: Vec<String>,
    /// At most so many rows
    #[arg(long, default_value_t = 1000)]
    first: usize,
}

pub(crate) async fn run(app: &App, arguments: QueryArgs) -> Result<Answer> {
    let arm = app.arm()?;
    let (mut columns, mut rows, mut token) = (Value::Null, Vec::new(), Value::Null);
    loop {
        let left = arguments.first.saturating_sub(rows.len());
        if left == 0 {
            break;
        }
        let body = json!({
            "query": arguments.kql, "subscriptions": arguments.subscriptions,
            "managementGroups": arguments.management_groups,
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
    let total = rows.len();
    if !token.is_null() {
        app.output.note(&format!("There is more than these {total} rows; --first N shows more."));
    }
    Ok(Answer { value: json!({"columns": columns, "rows": rows}), view: View::Rows })
}

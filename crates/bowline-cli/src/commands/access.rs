//! `bowline access`: who can do something, and what somebody can do, each with the reasons.

use bowline_arm::ResourceId;
use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::Arm;
use crate::commands::role::{ScopeArgs, principal_names, resolve_principal, resolve_scope};
use crate::failure::Result;
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum AccessCommand {
    /// Who can do an action in a scope, and why
    WhoCan {
        /// The action, for example Microsoft.HybridCompute/machines/write
        #[arg(value_name = "ACTION")]
        action: String,
        /// It is an action on what a resource holds, for example on the pods of a cluster
        #[arg(long)]
        data: bool,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// What somebody can do in a scope and below it, and why
    WhatCan {
        /// User name, client id or object id [default: yourself]
        #[arg(long)]
        assignee: Option<String>,
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

const WHO: &[Column] = &[
    Column::text("PRINCIPAL", &["/principalName", "/principalId"]),
    Column::text("KIND", &["/principalType"]),
    Column::text("THROUGH", &["/through"]),
    Column::text("ROLE", &["/roleName"]),
    Column::text("SCOPE", &["/scope"]),
    Column::text("BY", &["/permission"]),
    Column::text("CONDITION", &["/condition"]),
];

const WHAT: &[Column] = &[
    Column::text("ROLE", &["/roleName"]),
    Column::text("SCOPE", &["/scope"]),
    Column::text("THROUGH", &["/through"]),
    Column::text("ACTIONS", &["/actions"]),
    Column::text("NOT ACTIONS", &["/notActions"]),
    Column::text("DATA ACTIONS", &["/dataActions"]),
    Column::text("CONDITION", &["/condition"]),
];

pub(crate) async fn run(app: &App, command: AccessCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        AccessCommand::WhoCan { action, data, scope } => {
            let scope = resolve_scope(app, &arm, &scope).await?;
            let body = json!({"action": action, "isDataAction": data});
            let lines = ask(&arm, &scope, "whoCan", body).await?;
            Ok(Answer::list(lines, WHO, "Nobody can."))
        }
        AccessCommand::WhatCan { assignee, scope } => {
            let scope = resolve_scope(app, &arm, &scope).await?;
            let body = match assignee {
                Some(assignee) => json!({"principalId": resolve_principal(&arm, &assignee).await?.object_id}),
                None => json!({}),
            };
            let mut lines = ask(&arm, &scope, "whatCan", body).await?;
            lines.iter_mut().for_each(flatten);
            Ok(Answer::list(lines, WHAT, "No role holds there."))
        }
    }
}

async fn ask(arm: &Arm, scope: &ResourceId, what: &str, body: Value) -> Result<Vec<Value>> {
    let path = api::collection(scope, &format!("Microsoft.Bowline/{what}"));
    let mut answer = arm.post(&path, api::BOWLINE, body).await?;
    let mut lines = match answer["value"].take() {
        Value::Array(lines) => lines,
        _ => Vec::new(),
    };
    let names = principal_names(arm).await;
    let name = |id: &Value| {
        let id = id.as_str().unwrap_or_default();
        names.get(id).map_or(id, String::as_str).to_owned()
    };
    for line in &mut lines {
        line["principalName"] = name(&line["principalId"]).into();
        let through: Vec<String> = line["groups"].as_array().into_iter().flatten().map(name).collect();
        line["through"] = through.join(" > ").into();
    }
    Ok(lines)
}

/// The actions of all permissions of a line as one text each, for the table.
fn flatten(line: &mut Value) {
    for name in ["actions", "notActions", "dataActions"] {
        let permissions = line["permissions"].as_array().into_iter().flatten();
        let all = permissions.filter_map(|permission| permission[name].as_array()).flatten();
        let text: Vec<&str> = all.filter_map(Value::as_str).collect();
        line[name] = text.join(" ").into();
    }
}

//! `bowline server`: the servers of the control plane.

use crate::api;
use crate::app::App;
use crate::failure::Result;
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ServerCommand {
    /// Show every server: its agents, its tasks, and how far it is from its next limit
    Status,
}

const COLUMNS: &[Column] = &[
    Column::text("SERVER", &["/properties/name"]),
    Column::text("STATE", &["/properties/state"]),
    Column::text("VERSION", &["/properties/version"]),
    Column::text("AGENTS", &["/properties/sessions"]),
    Column::text("FEED LAG", &["/properties/feedLag"]),
    Column::text("LOAD %", &["/properties/load"]),
    Column::text("NEXT LIMIT", &["/properties/nextLimit"]),
    Column::text("TASKS", &["/properties/taskNames"]),
];

pub(crate) async fn run(app: &App, command: ServerCommand) -> Result<Answer> {
    let ServerCommand::Status = command;
    let arm = app.arm()?;
    let mut servers = arm.list("/providers/Microsoft.Bowline/servers", api::BOWLINE, &[]).await?;
    for server in &mut servers {
        let tasks = server["properties"]["tasks"].as_array().into_iter().flatten();
        let names: Vec<&str> = tasks.filter_map(|task| task["name"].as_str()).collect();
        server["properties"]["taskNames"] = names.join(" ").into();
        let said = &server["properties"];
        if said["load"].as_u64() >= Some(50) {
            app.output.note(&format!(
                "The server {} is at {} %; the next limit is {}.",
                said["name"].as_str().unwrap_or_default(),
                said["load"],
                said["nextLimit"].as_str().unwrap_or_default(),
            ));
        }
    }
    Ok(Answer::list(servers, COLUMNS, "No server has said that it lives."))
}

//! `bowline machine`: servers. Connecting runs the agent beside this command with a fresh token; the agent enrols
//! the machine by itself, as it does without this command.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bowline_arm::ResourceId;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::api;
use crate::app::App;
use crate::client::{Arm, Wait};
use crate::commands::group::report_deletion;
use crate::commands::steps::{Steps, check_server, wait_until_connected};
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column, Show};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum MachineCommand {
    /// Connect this server; run it again to heal a connection
    Connect(ConnectArgs),
    /// List the connected servers
    List {
        /// Only those of this resource group
        #[arg(short, long)]
        group: Option<String>,
    },
    /// Show one server
    Show {
        /// The server's name
        #[arg(short, long)]
        name: String,
        /// The resource group it is in
        #[arg(short, long)]
        group: Option<String>,
    },
    /// Disconnect a server
    Disconnect(DisconnectArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    /// The server's name [default: this host's name]
    #[arg(short, long)]
    name: Option<String>,
    /// The resource group
    #[arg(short, long)]
    group: Option<String>,
    /// Where the server is [default: the setting location, else the group's]
    #[arg(short, long)]
    location: Option<String>,
    /// Tags, as key=value
    #[arg(long, num_args = 1.., value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Where the agent keeps its identity [default: the agent's own]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Take over the name of a machine that was installed anew
    #[arg(long)]
    replace: bool,
    /// The program bowline-agent [default: the one beside bowline, else on PATH]
    #[arg(long, env = "BOWLINE_AGENT", value_name = "FILE")]
    agent: Option<PathBuf>,
    /// How many seconds to wait for the agent's first report; 0 does not wait
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    timeout: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DisconnectArgs {
    /// The server's name
    #[arg(short, long)]
    name: String,
    /// The resource group it is in
    #[arg(short, long)]
    group: Option<String>,
    /// Also remove the identity of the agent on this host, kept in this folder
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The program bowline-agent [default: the one beside bowline, else on PATH]
    #[arg(long, env = "BOWLINE_AGENT", value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::new("GROUP", &["/id"], Show::Group),
    Column::text("LOCATION", &["/location"]),
    Column::text("STATUS", &["/properties/status"]),
    Column::text("OS", &["/properties/osSku", "/properties/osName"]),
    Column::text("AGENT", &["/properties/agentVersion"]),
    Column::new("SINCE", &["/properties/lastStatusChange"], Show::Ago),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/name"]),
    Column::new("Group", &["/id"], Show::Group),
    Column::text("Location", &["/location"]),
    Column::text("Status", &["/properties/status"]),
    Column::text("Because", &["/properties/statusReason"]),
    Column::new("Since", &["/properties/lastStatusChange"], Show::Ago),
    Column::text("OS", &["/properties/osSku", "/properties/osName"]),
    Column::text("OS version", &["/properties/osVersion"]),
    Column::text("Host name", &["/properties/machineFqdn", "/properties/osProfile/computerName"]),
    Column::text("Manufacturer", &["/properties/detectedProperties/manufacturer"]),
    Column::text("Model", &["/properties/detectedProperties/model"]),
    Column::text(
        "Cores",
        &["/properties/detectedProperties/logicalCoreCount", "/properties/detectedProperties/coreCount"],
    ),
    Column::new("Memory", &["/properties/hardwareProfile/totalPhysicalMemoryInBytes"], Show::Gibibytes),
    Column::text("Cloud", &["/properties/cloudMetadata/provider"]),
    Column::text("Agent", &["/properties/agentVersion"]),
    Column::new("Tags", &["/tags"], Show::Tags),
    Column::text("Id", &["/id"]),
];

pub(crate) async fn run(app: &App, command: MachineCommand) -> Result<Answer> {
    match command {
        MachineCommand::Connect(arguments) => {
            let name = match &arguments.name {
                Some(name) => name.clone(),
                None => host::host_name()?,
            };
            let mut steps = app.output.steps();
            let outcome = connect(app, &mut steps, &arguments, &name).await;
            outcome.map_err(|failure| steps.stopped(failure, &format!("machine '{name}' is not connected")))
        }
        MachineCommand::List { group } => {
            let arm = app.arm()?;
            let scope = app.group_or_subscription(&arm, group.as_deref()).await?;
            let all = arm.list(&api::collection(&scope, api::MACHINE_TYPE), api::MACHINES, &[]).await?;
            Ok(Answer::list(
                all,
                COLUMNS,
                "There are no servers here yet: bowline machine connect --group GROUP",
            ))
        }
        MachineCommand::Show { name, group } => {
            let arm = app.arm()?;
            let id = id_of(app, &arm, group.as_deref(), &name).await?;
            Ok(Answer::details(arm.get(id.as_str(), api::MACHINES).await?, DETAILS))
        }
        MachineCommand::Disconnect(arguments) => disconnect(app, arguments).await,
    }
}

async fn id_of(app: &App, arm: &Arm, group: Option<&str>, name: &str) -> Result<ResourceId> {
    api::child(&app.group(arm, group).await?, api::MACHINE_TYPE, name)
}

async fn connect(app: &App, steps: &mut Steps, arguments: &ConnectArgs, name: &str) -> Result<Answer> {
    let arm = check_server(app, steps).await?;
    let id = id_of(app, &arm, arguments.group.as_deref(), name).await?;

    steps.begin("resource group");
    let group_id = id.resource_group_scope().expect("a machine's id lies in a group");
    let group = arm.get(group_id.as_str(), api::RESOURCES).await?;
    steps.done(group_id.name());
    let of_group = group["location"].as_str().map(str::to_owned);
    let location = arguments.location.clone().or_else(|| app.settings.location.clone()).or(of_group);

    steps.begin("agent found");
    let agent = find_agent(arguments.agent.as_deref())?;
    steps.done(&agent.display().to_string());

    steps.begin("enrolment");
    steps.say("the agent says:");
    let token = arm.session.access_token(&arm.client).await?;
    enrol(app, &agent, arguments, &id, location, &token.secret).await?;
    steps.done(id.as_str());

    if arguments.timeout == 0 {
        steps.begin("first report");
        steps.skipped("not waited for");
        return Ok(Answer::details(arm.get(id.as_str(), api::MACHINES).await?, DETAILS));
    }
    let state_dir = arguments.state_dir.as_ref().map(|dir| format!(" --state-dir {}", dir.display()));
    let hint = format!(
        "start the agent, if it does not run yet: bowline-agent machine run{}",
        state_dir.unwrap_or_default()
    );
    let limit = Duration::from_secs(arguments.timeout);
    let what = (id.as_str(), api::MACHINES, "/properties/status");
    Ok(Answer::details(wait_until_connected(&arm, steps, what, limit, &hint).await?, DETAILS))
}

fn find_agent(said: Option<&Path>) -> Result<PathBuf> {
    said.map(Path::to_owned).or_else(|| host::find_program("bowline-agent")).ok_or_else(|| {
        Failure::new(Kind::Usage, "the program bowline-agent was not found")
            .code("AgentNotInstalled")
            .why("it is neither beside bowline nor on PATH")
            .next("install it on this host, or build it: cargo build -p bowline-agent")
    })
}

/// Runs the agent's own enrolment; the token goes through a pipe, never over the command line.
async fn enrol(
    app: &App,
    agent: &Path,
    arguments: &ConnectArgs,
    id: &ResourceId,
    location: Option<String>,
    token: &str,
) -> Result<()> {
    let mut command = Command::new(agent);
    command.args(["machine", "connect", "--access-token-file", "-"]);
    command.args(["--server", app.settings.require_server()?.as_str().trim_end_matches('/')]);
    command.args(["--subscription", id.subscription().unwrap_or_default()]);
    command.args(["--resource-group", id.resource_group().unwrap_or_default(), "--name", id.name()]);
    if let Some(ca_file) = &app.settings.ca_file {
        command.arg("--ca-file").arg(ca_file);
    }
    if let Some(location) = location {
        command.args(["--location", &location]);
    }
    if !arguments.tags.is_empty() {
        api::tags(&arguments.tags)?;
        command.args(["--tags", &arguments.tags.join(",")]);
    }
    if let Some(dir) = &arguments.state_dir {
        command.arg("--state-dir").arg(dir);
    }
    if arguments.replace {
        command.arg("--replace");
    }
    run_agent(command, Some(token)).await
}

/// Runs the agent; what it says goes to standard error, because standard output is for the answer.
async fn run_agent(mut command: Command, input: Option<&str>) -> Result<()> {
    let failed =
        |why: String| Failure::new(Kind::Service, "bowline-agent failed").code("AgentFailed").why(why);
    let start = |error: std::io::Error| failed(format!("it could not be started: {error}"));
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(host::stderr_of_ours().map_err(start)?).kill_on_drop(true);
    let mut child = command.spawn().map_err(start)?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        // An agent that ended early closed the pipe; its exit status tells.
        let _unread = stdin.write_all(format!("{text}\n").as_bytes()).await;
    }
    let status = child.wait().await.map_err(start)?;
    if status.success() {
        return Ok(());
    }
    Err(failed(format!("it ended with {status}; what it said stands above"))
        .next("do what it says, then run this command again"))
}

async fn disconnect(app: &App, arguments: DisconnectArgs) -> Result<Answer> {
    let arm = app.arm()?;
    let id = id_of(app, &arm, arguments.group.as_deref(), &arguments.name).await?;
    let name = &arguments.name;
    app.confirm(
        arguments.yes,
        &format!("disconnect the machine '{name}' and remove what is configured on it"),
    )
    .await?;
    let local = arguments
        .state_dir
        .as_deref()
        .map(|dir| local_agent(dir, &id, arguments.agent.as_deref()))
        .transpose()?;
    let deletion = arm.delete(id.as_str(), api::MACHINES, Wait::Done).await?;
    report_deletion(app, &format!("the machine '{name}'"), deletion);
    if let Some((agent, dir)) = local {
        let mut command = Command::new(agent);
        command.args(["machine", "disconnect", "--force-local-only", "--state-dir"]).arg(dir);
        run_agent(command, None).await?;
    }
    Ok(Answer::nothing())
}

/// The agent of this host, when its folder really is of that machine.
fn local_agent(dir: &Path, id: &ResourceId, agent: Option<&Path>) -> Result<(PathBuf, PathBuf)> {
    let file = dir.join("agent.json");
    let text = host::read_input(&file, "the agent's settings")?;
    let settings: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let of = settings["resourceId"].as_str().unwrap_or_default();
    if !of.eq_ignore_ascii_case(id.as_str()) {
        return Err(Failure::new(Kind::Conflict, format!("{} is not of this machine", file.display()))
            .why(format!("it is of {}", if of.is_empty() { "no machine" } else { of }))
            .next("leave --state-dir out, or name the right folder"));
    }
    Ok((find_agent(agent)?, dir.to_owned()))
}

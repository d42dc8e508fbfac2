//! The smaller commands of the machine role: `disconnect`, `show`, `check`, `logs`, `config`.

use std::{collections::BTreeMap, io::Write, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    connect::{self, ConnectError, VM_ID},
    enrol,
    home::StateFolder,
    steps::Steps,
};
use crate::{
    VERSION, disk,
    home::{Enrolment, Home},
    logging,
    session::{
        client::Client,
        sign_in::{self, Credential},
        status::SessionStatus,
        token::Tokens,
    },
};

/// The largest log that is shown.
const MAX_LOG: u64 = 16 * 1024 * 1024;
/// How long the running agent may take to say how it is.
const STATUS_TIMEOUT: Duration = Duration::from_secs(3);

/// A command that could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("this host is not connected: bowline-agent machine connect")]
    NotConnected,
    #[error("there is no setting '{key}'; there are {}", keys())]
    UnknownSetting { key: String },
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Home(#[from] crate::home::HomeError),
    #[error(transparent)]
    Disk(#[from] disk::DiskError),
    #[error("the outcome could not be printed")]
    Print(#[from] std::io::Error),
}

async fn enrolment(state: &StateFolder) -> Result<Enrolment, CommandError> {
    state.enrolment().await?.ok_or(CommandError::NotConnected)
}

/// Deletes the resource (unless `local_only`), and forgets the identity.
pub async fn disconnect(
    state: &StateFolder,
    credential: Option<Credential>,
    local_only: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let enrolment = state.enrolment().await?;
    let mut steps = Steps::new(out);
    match enrolment {
        Some(enrolment) if !local_only => delete_resource(state, &enrolment, credential, &mut steps).await?,
        // What is left of an unfinished connect is forgotten as well.
        None if !local_only => return Err(CommandError::NotConnected),
        _ => {}
    }
    state.forget()?;
    steps.done("identity forgotten", &state.path().display().to_string())?;
    if local_only {
        steps.say("the resource itself, if there is one, was left alone")?;
    }
    Ok(())
}

async fn delete_resource(
    state: &StateFolder,
    enrolment: &Enrolment,
    credential: Option<Credential>,
    steps: &mut Steps<'_>,
) -> Result<(), ConnectError> {
    let (client, authority) = connect::reach(enrolment, steps).await?;
    const LOCAL: &str = "--force-local-only forgets the identity here and leaves the resource alone";
    let bearer = match credential {
        Some(credential) => {
            let mut said = Ok(());
            let mut show = |text: &str| said = steps.say(text);
            let bearer = sign_in::sign_in(&client, &authority, &credential, &mut show).await;
            said?;
            bearer.map_err(|error| steps.failed("signed in", error.to_string(), LOCAL))?
        }
        // Without a credential the machine speaks for itself; it may delete itself if a role says so.
        None => {
            let tokens = Tokens::new(client.clone(), enrolment, Arc::new(state.clone()));
            tokens.bearer().await.map_err(|error| steps.failed("signed in", error.to_string(), LOCAL))?
        }
    };
    let deleted = enrol::delete(&client, &bearer, &enrolment.resource_id).await;
    let hint =
        "sign in with --device-code or --client-id as someone who may delete it, or use --force-local-only";
    deleted.map_err(|error| steps.failed("resource deleted", error.to_string(), hint))?;
    Ok(steps.done("resource deleted", &enrolment.resource_id)?)
}

/// What the running agent says about itself; `None` when none runs.
async fn running(state: &StateFolder) -> Option<SessionStatus> {
    let address = disk::read_text(&state.health_file(), 100).ok().flatten()?;
    let client = reqwest::Client::builder().no_proxy().timeout(STATUS_TIMEOUT).build().ok()?;
    let answer = client.get(format!("http://{}/status", address.trim())).send().await.ok()?;
    answer.json().await.ok()
}

/// Shows who this host is to the server, and how its agent is.
pub async fn show(state: &StateFolder, as_json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
    let enrolment = enrolment(state).await?;
    let running = running(state).await;
    if as_json {
        let shown = json!({
            "agentVersion": VERSION, "server": enrolment.server, "resourceId": enrolment.resource_id,
            "tenantId": enrolment.tenant_id, "principalId": enrolment.principal_id, "vmId": enrolment.other.get(VM_ID),
            "proxy": enrolment.proxy.url, "agentRunning": running.is_some(), "session": running,
        });
        return Ok(writeln!(out, "{shown:#}")?);
    }
    for (key, value) in show_lines(&enrolment, running.as_ref()) {
        writeln!(out, "{key:<28}: {value}")?;
    }
    Ok(())
}

fn show_lines(enrolment: &Enrolment, running: Option<&SessionStatus>) -> Vec<(&'static str, String)> {
    let part = |after: &str| {
        let mut segments = enrolment.resource_id.split('/');
        segments.find(|segment| segment.eq_ignore_ascii_case(after));
        segments.next().unwrap_or_default().to_owned()
    };
    let mut lines = vec![
        ("Resource Name", part("machines")),
        ("Resource Group Name", part("resourceGroups")),
        ("Subscription ID", part("subscriptions")),
        ("Tenant ID", enrolment.tenant_id.clone()),
        ("VM ID", enrolment.other.get(VM_ID).and_then(Value::as_str).unwrap_or_default().to_owned()),
        ("Server", enrolment.server.clone()),
        ("Agent Version", VERSION.to_owned()),
        ("Using HTTPS Proxy", enrolment.proxy.url.clone().unwrap_or_else(|| "no".to_owned())),
    ];
    let Some(status) = running else {
        lines.push((
            "Agent Status",
            "not running: bowline-agent machine run, or systemctl start bowline-agent".to_owned(),
        ));
        return lines;
    };
    let time = |at: Option<jiff::Timestamp>| at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
    lines.push(("Agent Status", if status.connected { "Connected" } else { "Disconnected" }.to_owned()));
    lines.push(("Transport", transport(status)));
    lines.push(("Desired Generation", status.generation.to_string()));
    lines.push(("Last Report Accepted", time(status.last_acknowledged)));
    lines.push(("Key Expires", time(status.key_expires_on)));
    lines.push(("Clock Offset", format!("{} s", status.clock_offset_seconds)));
    if let Some(error) = &status.last_error {
        lines.push(("Agent Error", format!("{} (at {:.0})", error.message, error.at)));
    }
    lines
}

fn transport(status: &SessionStatus) -> String {
    let name = format!("{:?}", status.transport);
    status.transport_reason.as_ref().map_or_else(|| name.clone(), |reason| format!("{name}: {reason}"))
}

/// Checks what a session needs, without changing anything.
pub async fn check(state: &StateFolder, out: &mut dyn Write) -> Result<(), CommandError> {
    let enrolment = enrolment(state).await?;
    let mut steps = Steps::new(out);
    let (client, _) = connect::reach(&enrolment, &mut steps).await?;
    match client.clock_offset() {
        0 => steps.done("clock", "agrees with the server's")?,
        offset => steps.done("clock", &format!("{offset} s off the server's; the agent makes up for it"))?,
    }
    let tokens = Tokens::new(client.clone(), &enrolment, Arc::new(state.clone()));
    let bearer = tokens.bearer().await.map_err(|error| {
        let hint = "run connect again: nothing configured is lost";
        ConnectError::from(steps.failed("key accepted", error.to_string(), hint))
    })?;
    steps.done("key accepted", &enrolment.principal_id)?;
    check_session(&client, bearer.secret(), &mut steps).await
}

async fn check_session(client: &Client, bearer: &str, steps: &mut Steps<'_>) -> Result<(), CommandError> {
    let request = client.request(reqwest::Method::GET, bowline_link::wire::SELF_PATH).bearer_auth(bearer);
    let answer = client.call_json::<bowline_link::wire::SelfAnswer>(request).await;
    let answer = answer.map_err(|error| {
        let hint = "was the resource deleted? then: disconnect --force-local-only, and connect";
        ConnectError::from(steps.failed("resource known", error.to_string(), hint))
    })?;
    steps.done("resource known", &answer.id)?;
    Ok(steps.done("key valid until", &format!("{:.0}", answer.key_expires_on))?)
}

/// Prints the agent's log, the older file first.
pub fn logs(state: &StateFolder, lines: usize, out: &mut dyn Write) -> Result<(), CommandError> {
    let current = state.log_file();
    let mut text = String::new();
    for path in [logging::older(&current), current.clone()] {
        text.push_str(&disk::read_text(&path, MAX_LOG)?.unwrap_or_default());
    }
    if text.is_empty() {
        return Ok(writeln!(out, "there is no log yet in {}", current.display())?);
    }
    let all: Vec<_> = text.lines().collect();
    for line in &all[all.len().saturating_sub(lines)..] {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

const PROXY_URL: &str = "proxy.url";
const PROXY_BYPASS: &str = "proxy.bypass";

fn keys() -> String {
    [PROXY_URL, PROXY_BYPASS].join(", ")
}

/// What `config` was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigAction {
    List,
    Get(String),
    Set(String, String),
    Clear(String),
}

/// Reads or changes this host's own settings.
pub async fn config(
    state: &StateFolder,
    action: ConfigAction,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let mut enrolment = enrolment(state).await?;
    let values = BTreeMap::from([
        (PROXY_URL, enrolment.proxy.url.clone().unwrap_or_default()),
        (PROXY_BYPASS, enrolment.proxy.no_proxy.join(",")),
    ]);
    let (key, value) = match action {
        ConfigAction::List => {
            for (key, value) in values {
                writeln!(out, "{key} = {value}")?;
            }
            return Ok(());
        }
        ConfigAction::Get(key) => {
            let value = values.get(key.as_str()).ok_or(CommandError::UnknownSetting { key: key.clone() })?;
            return Ok(writeln!(out, "{value}")?);
        }
        ConfigAction::Set(key, value) => (key, value),
        ConfigAction::Clear(key) => (key, String::new()),
    };
    match key.as_str() {
        PROXY_URL => enrolment.proxy.url = (!value.is_empty()).then_some(value),
        PROXY_BYPASS => {
            let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
            enrolment.proxy.no_proxy = names.map(str::to_owned).collect();
        }
        _ => return Err(CommandError::UnknownSetting { key }),
    }
    state.write_enrolment(&enrolment).await?;
    Ok(writeln!(out, "{key} is set; a running agent uses it when it connects next, or after a restart")?)
}

//! Presence: a resource is Connected while its agent holds a session, Offline soon after it ends, Expired when its key lapsed.
//!
//! A restart of the server changes nothing inside a grace: agents come back and find their resources as they left them.
//! Of several servers each writes down whom it holds ([`crate::fleet`]); one of them shows who stayed away.

use std::time::Duration;

use bowline_arm::Error;
use bowline_store::{List, Record};
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::pause;
use crate::Control;
use crate::clock::Clock;
use crate::context::OpContext;
use crate::duties::Duty;
use crate::pipeline::{StatusChange, store_error, update_status};
use crate::provider::properties_of;
use crate::providers::expires;

/// What a resource shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A session lives.
    Connected,
    /// None does.
    Offline,
    /// None does, and the key has lapsed.
    Expired,
}

/// How often agents that stayed away are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How many of them are taken at once.
const AT_ONCE: u32 = 1000;

/// The types with agents.
const CLUSTERS: &str = "microsoft.kubernetes/connectedclusters";
const MACHINES: &str = "microsoft.hybridcompute/machines";

/// The property and the word of a type, as Azure has them.
fn words(resource_type: &str, presence: Presence) -> (&'static str, &'static str) {
    match (resource_type, presence) {
        (MACHINES, Presence::Connected) => ("status", "Connected"),
        (MACHINES, Presence::Offline) => ("status", "Disconnected"),
        (MACHINES, Presence::Expired) => ("status", "Expired"),
        (_, Presence::Connected) => ("connectivityStatus", "Connected"),
        (_, Presence::Offline) => ("connectivityStatus", "Offline"),
        (_, Presence::Expired) => ("connectivityStatus", "Expired"),
    }
}

/// Shows a presence on a resource; nothing is written when it shows it already.
///
/// # Errors
/// When the resource is gone or the store cannot be written.
pub async fn show(
    control: &Control,
    context: &OpContext,
    key: &str,
    uid: Uuid,
    presence: Presence,
) -> Result<Record, Error> {
    let now = context.now;
    let machine = key.contains("/providers/microsoft.hybridcompute/machines/");
    let (property, word) = words(if machine { MACHINES } else { CLUSTERS }, presence);
    let change: &StatusChange<'_> = &|document: &mut Value| {
        let properties = properties_of(document);
        if properties.get(property).and_then(Value::as_str) == Some(word) {
            return false;
        }
        properties.insert(property.to_owned(), word.into());
        properties.insert(
            if machine { "lastStatusChange" } else { "lastConnectivityTime" }.to_owned(),
            now.to_string().into(),
        );
        if presence == Presence::Connected {
            properties.remove("statusReason");
        }
        true
    };
    update_status(control, context, key, uid, change).await
}

/// Whether a type is that of machines; everything else with an agent is a cluster.
#[must_use]
pub fn is_machine(resource_type: &str) -> bool {
    resource_type == MACHINES
}

/// Marks a machine whose identity is used by two installations.
///
/// # Errors
/// When the resource is gone or the store cannot be written.
pub async fn show_cloned(control: &Control, key: &str, uid: Uuid, now: Timestamp) -> Result<(), Error> {
    let context = OpContext::system("presence", now);
    let change: &StatusChange<'_> = &|document: &mut Value| {
        properties_of(document).insert("statusReason".to_owned(), "Cloned".into()) != Some("Cloned".into())
    };
    update_status(control, &context, key, uid, change).await.map(|_| ())
}

/// Shows agents that stayed away as gone; looks at all resources once the grace is over, and then every minute.
pub(super) async fn sweep(control: &Control, duty: &Duty, clock: &Clock) {
    let mut look_at_all = Instant::now() + control.settings().restart_grace;
    while pause(&duty.ended, LOOK).await {
        if let Err(error) = show_overdue(control, duty, clock).await {
            tracing::warn!(%error, "agents that stayed away could not be looked after; trying again");
        }
        if Instant::now() < look_at_all {
            continue;
        }
        look_at_all = Instant::now() + Duration::from_secs(60);
        for resource_type in [CLUSTERS, MACHINES] {
            if let Err(error) = sweep_type(control, duty, resource_type, clock).await {
                tracing::warn!(%error, "presence could not be checked; trying again");
            }
        }
    }
}

async fn show_overdue(control: &Control, duty: &Duty, clock: &Clock) -> Result<(), Error> {
    let overdue = control.fleet().overdue(control.settings().restart_grace, AT_ONCE).await;
    let overdue = overdue.map_err(|e| store_error(&e))?;
    let shown = futures::stream::iter(overdue.into_iter().map(|(agent, key)| async move {
        if let Err(error) = show_gone(control, duty, agent, &key, clock).await {
            tracing::warn!(resource = %key, %error, "Offline could not be written; trying again");
        }
    }));
    shown.buffer_unordered(64).for_each(|()| async {}).await;
    Ok(())
}

/// The order makes it exact: an agent that comes back before it is forgotten is shown as connected here, one that comes back later shows
/// itself.
async fn show_gone(
    control: &Control,
    duty: &Duty,
    agent: Uuid,
    key: &str,
    clock: &Clock,
) -> Result<(), Error> {
    let write = async |presence| {
        let context = duty.context("presence", clock.now());
        match show(control, &context, key, agent, presence).await {
            Ok(_) => Ok(()),
            Err(error) if error.status == 404 => Ok(()),
            Err(error) => Err(error),
        }
    };
    let back = async || match control.fleet().is_shared() {
        true => control.fleet().find(agent).await.map(|found| found.is_some_and(|one| one.server.is_some())),
        false => Ok(control.sessions().is_attached(agent)),
    };
    if !back().await.map_err(|e| store_error(&e))? {
        write(Presence::Offline).await?;
    }
    control.fleet().forget(agent).await.map_err(|e| store_error(&e))?;
    if back().await.map_err(|e| store_error(&e))? {
        write(Presence::Connected).await?;
    }
    Ok(())
}

/// What a resource without a session should show, if that is something else than it shows.
fn wanted(record: &Record, resource_type: &str, now: Timestamp) -> Option<Presence> {
    let document: Value = serde_json::from_str(&record.document).unwrap_or_default();
    let (property, _) = words(resource_type, Presence::Offline);
    match document["properties"][property].as_str().unwrap_or_default() {
        "Expired" => None,
        _ if expires(&document).is_some_and(|e| e <= now) => Some(Presence::Expired),
        "Connected" => Some(Presence::Offline),
        _ => None,
    }
}

/// Those of these records whose agent no server holds or awaits.
async fn without_agent(control: &Control, records: Vec<Record>) -> Result<Vec<Record>, Error> {
    let agents: Vec<Uuid> = records.iter().map(|r| r.uid).collect();
    let known = control.fleet().known(&agents, |agent| control.sessions().is_attached(agent)).await;
    let known = known.map_err(|e| store_error(&e))?;
    Ok(records.into_iter().filter(|r| !known.contains(&r.uid)).collect())
}

async fn sweep_type(control: &Control, duty: &Duty, resource_type: &str, clock: &Clock) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = control
            .store()
            .list(&List {
                resource_type: Some(resource_type.to_owned()),
                after: after.clone(),
                limit: 500,
                ..List::default()
            })
            .await
            .map_err(|e| store_error(&e))?;
        after = page.last().map(|r| r.key.clone());
        let end = page.len() < 500;
        let mut missing = without_agent(control, page).await?;
        missing.retain(|record| wanted(record, resource_type, clock.now()).is_some());
        if !missing.is_empty() {
            // Some may have come between the two readings.
            tokio::time::sleep(control.settings().offline_delay).await;
            missing = without_agent(control, missing).await?;
        }
        for record in missing {
            let Some(presence) = wanted(&record, resource_type, clock.now()) else { continue };
            let context = duty.context("presence", clock.now());
            match show(control, &context, &record.key, record.uid, presence).await {
                Ok(_) => {}
                Err(error) if error.status == 404 => {}
                Err(error) => return Err(error),
            }
        }
        if end || duty.ended.is_cancelled() {
            return Ok(());
        }
    }
}

//! Presence: a resource is Connected while its agent holds a session, Offline soon after it ends, Expired when its key lapsed.
//!
//! A restart of the server changes nothing inside a grace: agents come back and find their resources as they left them.

use std::sync::Arc;
use std::time::Duration;

use bowline_arm::Error;
use bowline_store::{List, Record};
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Clock, pause};
use crate::Control;
use crate::context::OpContext;
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
    key: &str,
    uid: Uuid,
    presence: Presence,
    now: Timestamp,
) -> Result<Record, Error> {
    let context = OpContext::system("presence", now);
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
    update_status(control, &context, key, uid, change).await
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

/// After a session closed: Offline, unless the agent is back in time.
pub fn closed(control: &Arc<Control>, key: String, uid: Uuid, clock: Clock) {
    let control = Arc::clone(control);
    tokio::spawn(async move {
        tokio::time::sleep(control.settings().offline_delay).await;
        for _ in 0..30 {
            if control.sessions().is_attached(uid) {
                return;
            }
            match show(&control, &key, uid, Presence::Offline, clock()).await {
                Ok(_) => return,
                Err(error) if error.status == 404 => return,
                Err(error) => {
                    tracing::warn!(resource = %key, %error, "Offline could not be written; trying again");
                }
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    });
}

/// Looks at all resources: once the grace after a start is over, and then every minute.
pub(super) async fn sweep(control: &Control, clock: Clock, cancel: &CancellationToken) {
    let mut period = control.settings().restart_grace;
    while pause(cancel, period).await {
        period = Duration::from_secs(60);
        for resource_type in [CLUSTERS, MACHINES] {
            if let Err(error) = sweep_type(control, resource_type, clock).await {
                tracing::warn!(%error, "presence could not be checked; trying again");
            }
        }
    }
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

async fn sweep_type(control: &Control, resource_type: &str, clock: Clock) -> Result<(), Error> {
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
        let gone = |uid: Uuid| !control.sessions().is_attached(uid);
        let mut missing: Vec<_> = page
            .iter()
            .filter(|r| gone(r.uid))
            .filter_map(|r| Some((r, wanted(r, resource_type, clock())?)))
            .collect();
        if !missing.is_empty() {
            // Some may have been cut a moment ago, and be on their way back.
            tokio::time::sleep(control.settings().offline_delay).await;
            missing.retain(|(record, _)| gone(record.uid));
        }
        for (record, presence) in missing {
            match show(control, &record.key, record.uid, presence, clock()).await {
                Ok(_) => {}
                Err(error) if error.status == 404 => {}
                Err(error) => return Err(error),
            }
        }
        if end {
            return Ok(());
        }
    }
}

//! How the servers are: what each says of itself with its heartbeat, what each holds, and how far each is from its next limit.
//!
//! # Design notes
//! A server's figures travel with its heartbeat, two seconds old at most: whoever is asked answers for all, also for one that is gone, and no
//! server needs to reach another for it. The same [`Figures`] are behind the metrics of this server.

use std::sync::atomic::Ordering;

use bowline_arm::Error;
use bowline_store::fleet::{LeaseSeen, MemberSeen};
use serde_json::{Value, json};

use crate::Control;
use crate::context::OpContext;
use crate::duties::TASKS;
use crate::pipeline::store_error;

/// How much of something is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// What, in words.
    pub name: &'static str,
    /// How much.
    pub used: u64,
    /// How much there is.
    pub limit: u64,
}

impl Used {
    /// How much of it.
    #[must_use]
    pub fn percent(self) -> u64 {
        self.used.saturating_mul(100) / self.limit.max(1)
    }
}

/// What a server knows of its own load.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Revisions that are committed and not followed yet.
    pub feed_lag: u64,
    /// Milliseconds by which the host's clock is ahead of the database's; negative where it is behind.
    pub clock_ahead_ms: i64,
    /// Agents that are connected.
    pub sessions: u64,
    /// How much of each limit is used up.
    pub limits: Vec<Used>,
}

/// The figures of this server, as they are now.
#[must_use]
pub fn figures(control: &Control) -> Figures {
    let fleet = control.fleet();
    let load = control.store().load();
    let used = |name, used: usize, limit: usize| Used { name, used: used as u64, limit: limit as u64 };
    let mut limits = vec![
        used("commits that wait", load.waiting, load.waiting_limit),
        used("bytes of commits that wait", load.bytes, load.bytes_limit),
        used("sessions to write down", fleet.waiting(), super::attachments::MAX_WAITING),
    ];
    limits.extend(fleet.host.get().map(|host| host()).unwrap_or_default());
    let head = control.store().watch().borrow().revision.0;
    Figures {
        feed_lag: head.saturating_sub(fleet.fed.load(Ordering::Relaxed)),
        clock_ahead_ms: fleet.system_ahead.load(Ordering::Relaxed),
        sessions: control.sessions().count() as u64,
        limits,
    }
}

/// What this server says of itself.
pub(super) fn own(control: &Control) -> Value {
    let Figures { feed_lag, clock_ahead_ms, sessions, limits } = figures(control);
    let nearest = limits.iter().max_by_key(|limit| limit.percent()).copied();
    let each = limits
        .iter()
        .map(|one| json!({"name": one.name, "used": one.used, "limit": one.limit, "percent": one.percent()}));
    json!({
        "feedLag": feed_lag,
        "clockAheadMs": clock_ahead_ms,
        "openSessions": sessions,
        "limits": each.collect::<Vec<_>>(),
        "load": nearest.map_or(0, Used::percent),
        "peer": control.fleet().peer(),
        "nextLimit": nearest.map_or("", |one| one.name),
    })
}

/// Every server that lives or ended lately, for who may see them.
///
/// # Errors
/// ARM errors for the caller.
pub async fn list(control: &Control, context: &OpContext) -> Result<Value, Error> {
    control.authorization().snapshot().await.require(context, "Microsoft.Bowline/servers/read", "/")?;
    let (members, leases) = match control.store().fleet() {
        Some(port) => {
            let members = port.members().await.map_err(|e| store_error(&e))?;
            (members, port.leases().await.map_err(|e| store_error(&e))?)
        }
        None => alone(control),
    };
    let value: Vec<Value> = members.iter().map(|member| describe(member, &leases)).collect();
    Ok(json!({ "value": value }))
}

/// A server without others has every task.
fn alone(control: &Control) -> (Vec<MemberSeen>, Vec<LeaseSeen>) {
    let fleet = control.fleet();
    let member = fleet.member();
    let holder = Some(member.id.to_string());
    let lease =
        |task: &str| LeaseSeen { name: task.to_owned(), holder: holder.clone(), epoch: 0, live: true };
    let leases = TASKS.into_iter().map(lease).collect();
    let seen = MemberSeen {
        member,
        epoch: 1,
        live: true,
        draining: fleet.is_draining(),
        sessions: control.sessions().count() as u64,
        status: own(control).to_string(),
    };
    (vec![seen], leases)
}

fn describe(seen: &MemberSeen, leases: &[LeaseSeen]) -> Value {
    let id = seen.member.id.to_string();
    let tasks: Vec<Value> = leases
        .iter()
        .filter(|lease| lease.live && lease.holder.as_deref() == Some(id.as_str()))
        .map(|lease| json!({"name": lease.name, "epoch": lease.epoch}))
        .collect();
    let state = match (seen.live, seen.draining) {
        (false, _) => "Gone",
        (true, true) => "Draining",
        (true, false) => "Live",
    };
    // A server that has joined and not yet said anything.
    let mut properties: Value = serde_json::from_str(&seen.status).unwrap_or_else(|_| json!({}));
    // Where it can be reached is said when it can; its certificate is the servers' own affair.
    let address = properties["peer"]["address"].take();
    properties["peer"] = if address.is_null() { address } else { json!({ "address": address }) };
    properties["name"] = seen.member.name.as_str().into();
    properties["state"] = state.into();
    properties["version"] = seen.member.version.as_str().into();
    properties["sessions"] = seen.sessions.into();
    properties["tasks"] = tasks.into();
    json!({
        "id": format!("/providers/Microsoft.Bowline/servers/{id}"),
        "name": id,
        "type": "Microsoft.Bowline/servers",
        "properties": properties,
    })
}

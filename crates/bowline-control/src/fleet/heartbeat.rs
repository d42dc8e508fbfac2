//! The heartbeat: says that this server lives, prolongs what it holds, and takes the tasks that nobody does.

use std::time::Duration;

use bowline_link::message::EndReason;
use bowline_store::StoreError;
use bowline_store::fleet::{Fleet as Port, LeaseSeen, Says};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{HEARTBEAT, LEASE};
use crate::Control;
use crate::clock::{Clock, Step};
use crate::duties::TASKS;

/// Agents that are taken back at once.
const CHUNK: usize = 1000;

/// Beats until cancelled. Without other servers it takes every duty and waits.
pub(crate) async fn beat(control: &Control, clock: &Clock, cancel: &CancellationToken) {
    let fleet = control.fleet();
    let Some(port) = control.store().fleet() else {
        fleet.duties().all(cancel);
        return cancel.cancelled().await;
    };
    let mut tick = tokio::time::interval(HEARTBEAT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut epoch = None;
    let mut held_until = Instant::now();
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = tick.tick() => {}
        }
        let begun = Instant::now();
        match tokio::time::timeout(LEASE, once(control, port, clock, &mut epoch, cancel)).await {
            Ok(Ok(())) => held_until = begun + LEASE,
            Ok(Err(error)) => tracing::warn!(%error, "the heartbeat did not reach the database"),
            Err(_) => tracing::warn!("the heartbeat did not reach the database in time"),
        }
        // Others may take over from here on, so this server stops by its own clock, which only ever runs forward.
        if Instant::now() >= held_until {
            fleet.duties().end(|_, _| true);
        }
    }
}

async fn once(
    control: &Control,
    port: &dyn Port,
    clock: &Clock,
    epoch: &mut Option<u64>,
    cancel: &CancellationToken,
) -> Result<(), StoreError> {
    let fleet = control.fleet();
    let id = fleet.id();
    read_clock(control, port, clock, epoch.is_none()).await?;
    let held = match *epoch {
        Some(epoch) => {
            let status = super::status::own(control).to_string();
            let says = Says { draining: fleet.is_draining(), status: &status };
            port.beat(id, epoch, &says, LEASE).await?
        }
        None => false,
    };
    if !held {
        let again = epoch.is_some();
        fleet.duties().end(|_, _| true);
        *epoch = Some(port.join(&fleet.member(), LEASE).await?);
        if again {
            tracing::warn!(
                "this server was cut off from the others; it takes back the agents that nobody else has"
            );
        }
        reclaim(control, port).await?;
    }
    let leases = port.leases().await?;
    let own = id.to_string();
    let mine = |lease: &LeaseSeen| lease.live && lease.holder.as_deref() == Some(own.as_str());
    fleet.duties().end(|task, duty| {
        let epoch = duty.lease.as_ref().map(|lease| lease.epoch);
        !leases.iter().any(|lease| lease.name == task && Some(lease.epoch) == epoch && mine(lease))
    });
    if fleet.is_draining() {
        return Ok(());
    }
    for task in TASKS {
        let seen = leases.iter().find(|lease| lease.name == task);
        let free = seen.is_none_or(|lease| !lease.live || lease.holder.is_none() || mine(lease));
        if free
            && fleet.duties().of(task).is_none()
            && let Some(lease) = control.store().acquire_lease(task, &own, LEASE).await?
        {
            fleet.duties().give(task, lease, cancel);
        }
    }
    Ok(())
}

/// Goes by the database's clock. Where that was put back, leases and agents that stay away would have until long after their time: whoever sees
/// it shortens them, and whoever starts, because nobody may have seen it.
async fn read_clock(
    control: &Control,
    port: &dyn Port,
    clock: &Clock,
    starts: bool,
) -> Result<(), StoreError> {
    let asked = Instant::now();
    let step = clock.read(port.time().await?, asked);
    if let Step::By(by) = step {
        tracing::warn!(
            seconds = by.as_secs(),
            "the database's clock was put forward or back; all servers go by it"
        );
    }
    if starts || matches!(step, Step::By(_)) {
        port.shorten(LEASE, control.settings().restart_grace).await?;
    }
    control.fleet().note_system_ahead(clock.system_ahead().unwrap_or_default());
    Ok(())
}

async fn reclaim(control: &Control, port: &dyn Port) -> Result<(), StoreError> {
    let held = control.sessions().connections();
    for chunk in held.chunks(CHUNK) {
        let back = port.reclaim(control.fleet().id(), chunk).await?;
        for (agent, _) in chunk.iter().filter(|(agent, _)| !back.contains(agent)) {
            let message = "This server was cut off from the others; connect again.";
            control.sessions().end(*agent, EndReason::Draining, message);
        }
        tokio::time::sleep(Duration::ZERO).await;
    }
    Ok(())
}

//! Advances long-running operations: what was accepted is finished, also after a restart, and by another server when the one that worked on it is gone.

use std::time::Duration;

use crate::Control;
use crate::clock::Clock;
use crate::duties::Duty;
use crate::operations::{Stored, Task};
use crate::pipeline::delete_tree;

pub(super) async fn run(control: &Control, duty: &Duty, clock: &Clock) {
    advance_all(control, duty, clock).await;
    // Whoever does the task now counts them.
    control.operations().note_under_way(0);
}

async fn advance_all(control: &Control, duty: &Duty, clock: &Clock) {
    while !duty.ended.is_cancelled() {
        let again = match control.operations().unfinished().await {
            Ok(unfinished) => {
                let mut left = unfinished.len();
                let mut failed = false;
                for stored in unfinished {
                    control.operations().note_under_way(left);
                    match advance(control, duty, &stored, clock).await {
                        true => left -= 1,
                        false => failed = true,
                    }
                }
                control.operations().note_under_way(left);
                failed
            }
            Err(error) => {
                tracing::warn!(%error, "operations cannot be read; trying again");
                true
            }
        };
        let period = Duration::from_secs(if again { 1 } else { 30 });
        tokio::select! {
            () = duty.ended.cancelled() => return,
            () = control.operations().woken() => {}
            () = tokio::time::sleep(period) => {}
        }
    }
}

/// Works on an operation until it is finished; false when it must be tried again.
async fn advance(control: &Control, duty: &Duty, stored: &Stored, clock: &Clock) -> bool {
    let Task::DeleteTree { id, uid } = &stored.task;
    let mut context = duty.context("operations", clock.now());
    context.correlation_id = stored.correlation_id;
    context.actor.name.clone_from(&stored.actor_name);
    context.actor.object_id = stored.actor;
    let outcome = delete_tree(control, &context, id, *uid).await;
    let now = clock.now();
    let entry = match &outcome {
        Ok(()) => control.operations().finish(stored, Ok(()), now),
        Err(error) if error.status >= 500 || error.code == "AnotherOperationInProgress" => {
            tracing::warn!(operation = %stored.operation.name, %error, context = error.context(), "an operation is tried again");
            return false;
        }
        Err(error) => control.operations().finish(stored, Err(error), now),
    };
    match entry {
        Ok(entry) => control.write_entries_as(&duty.context("operations", now), vec![entry]).await.is_ok(),
        Err(error) => {
            tracing::error!(operation = %stored.operation.name, %error, "an operation cannot be finished");
            false
        }
    }
}

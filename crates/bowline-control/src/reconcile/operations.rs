//! Advances long-running operations: what was accepted is finished, also after a restart.

use std::sync::Arc;
use std::time::Duration;

use bowline_arm::{Error, ResourceId};
use bowline_store::{CommitError, List, Reason};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Clock;
use crate::Control;
use crate::context::OpContext;
use crate::operations::{Stored, Task};
use crate::pipeline::{remove_leaf, store_error};

pub(super) async fn run(control: &Control, clock: Clock, cancel: &CancellationToken) {
    loop {
        let again = match control.operations().unfinished().await {
            Ok(unfinished) => {
                let mut failed = false;
                for stored in unfinished {
                    failed |= !advance(control, &stored, clock).await;
                }
                failed
            }
            Err(error) => {
                tracing::warn!(%error, "operations cannot be read; trying again");
                true
            }
        };
        let period = Duration::from_secs(if again { 1 } else { 30 });
        tokio::select! {
            () = cancel.cancelled() => return,
            () = control.operations().woken() => {}
            () = tokio::time::sleep(period) => {}
        }
    }
}

/// Works on an operation until it is finished; false when it must be tried again.
async fn advance(control: &Control, stored: &Stored, clock: Clock) -> bool {
    let Task::DeleteTree { id, uid } = &stored.task;
    let outcome = delete_tree(control, stored, id, *uid, clock()).await;
    let now = clock();
    let entry = match &outcome {
        Ok(()) => control.operations().finish(stored, Ok(()), now),
        Err(error) if error.status >= 500 || error.code == "AnotherOperationInProgress" => {
            tracing::warn!(operation = %stored.operation.name, %error, context = error.context(), "an operation is tried again");
            return false;
        }
        Err(error) => control.operations().finish(stored, Err(error), now),
    };
    match entry {
        Ok(entry) => control.write_entries("operations", vec![entry], now).await.is_ok(),
        Err(error) => {
            tracing::error!(operation = %stored.operation.name, %error, "an operation cannot be finished");
            false
        }
    }
}

/// Deletes a resource and everything below it, from the leaves up.
async fn delete_tree(
    control: &Control,
    stored: &Stored,
    id: &str,
    uid: uuid::Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let root: ResourceId = id.parse().map_err(Error::internal)?;
    let mut context = OpContext::system("operations", now);
    context.correlation_id = stored.correlation_id;
    context.actor.name = stored.actor_name.clone();
    match control.store().get(root.key()).await.map_err(|e| store_error(&e))? {
        Some(record) if record.uid == uid => {}
        // Gone already, or made anew by somebody who must not lose it.
        _ => return Ok(()),
    }
    loop {
        let list = List { prefix: Some(root.key().to_owned()), limit: 1000, ..List::default() };
        let mut records = control.store().list(&list).await.map_err(|e| store_error(&e))?;
        if records.is_empty() {
            return Ok(());
        }
        // Children have longer keys than their parents.
        records.sort_by_key(|r| std::cmp::Reverse(r.key.matches('/').count()));
        let mut progress = false;
        for record in &records {
            let provider = Arc::clone(
                control
                    .registry()
                    .by_key(&record.resource_type)
                    .ok_or_else(|| Error::internal(format!("no provider for {}", record.resource_type)))?,
            );
            match remove_leaf(control, &context, &*provider, record, None).await {
                Ok(()) => progress = true,
                Err(CommitError::Refused(refusal))
                    if matches!(
                        refusal.reason,
                        Reason::HasDescendants | Reason::Changed | Reason::Missing | Reason::OtherUid
                    ) => {}
                Err(error) => {
                    return Err(
                        crate::pipeline::commit_error(&error).unwrap_or_else(crate::pipeline::contended)
                    );
                }
            }
        }
        if !progress {
            return Err(crate::pipeline::contended());
        }
    }
}

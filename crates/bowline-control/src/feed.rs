//! The follower of the change feed: one task that reads each change once and tells who depends on it.

use bowline_link::message::EndReason;
use bowline_store::{Change, ChangeKind, Head, StoreError};
use tokio_util::sync::CancellationToken;

use crate::Control;
use crate::desired::SETTINGS_TYPE;
use crate::{authorization, inventory};

/// The most changes read at once.
const BATCH: u32 = 1000;

/// Follows the feed until cancelled. A read that fails is tried again; nothing is skipped.
pub async fn follow(control: &Control, cancel: &CancellationToken) {
    let mut watch = control.store().watch();
    let mut position = *watch.borrow_and_update();
    control.fleet().note_fed(position.revision.0);
    loop {
        match catch_up(control, position).await {
            Ok(next) => position = next,
            Err(error) => {
                tracing::warn!(%error, "the change feed cannot be read; trying again");
                if sleep(cancel, 1000).await {
                    return;
                }
                continue;
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            changed = watch.changed() => if changed.is_err() { return },
        }
        let head = *watch.borrow_and_update();
        if head.epoch != position.epoch {
            match restart(control, head).await {
                Ok(()) => position = head,
                Err(error) => tracing::warn!(%error, "the new epoch cannot be read; trying again"),
            }
        }
    }
}

async fn sleep(cancel: &CancellationToken, millis: u64) -> bool {
    tokio::select! {
        () = cancel.cancelled() => true,
        () = tokio::time::sleep(std::time::Duration::from_millis(millis)) => false,
    }
}

async fn catch_up(control: &Control, mut position: Head) -> Result<Head, StoreError> {
    loop {
        let changes = control.store().changes(position.revision, BATCH).await?;
        let end = changes.len() < BATCH as usize;
        let from = position;
        for change in &changes {
            tell(control, change).await;
            position.revision = change.revision;
            control.fleet().note_fed(position.revision.0);
        }
        if changes.iter().any(authorization::concerns) {
            control.authorization().refresh().await?;
        } else {
            control.authorization().passed(from, position.revision).await;
        }
        if end {
            return Ok(position);
        }
    }
}

async fn tell(control: &Control, change: &Change) {
    if change.resource_type == SETTINGS_TYPE
        && let Some(scope) = control.desired().apply(change)
    {
        control.sessions().publish(&scope, |key| control.desired().document(key));
    }
    // What one server accepts, another may have to do.
    if change
        .document
        .as_ref()
        .is_some_and(|document| document.contains("\"provisioningState\":\"Deleting\""))
    {
        control.operations().wake();
    }
    let has_agent =
        control.registry().by_key(&change.resource_type).is_some_and(|p| p.spec().agent_key.is_some());
    if has_agent && let Some(document) = &change.document {
        control.sessions().end_without_key(change.uid, document);
    }
    if change.kind == ChangeKind::Deleted && has_agent {
        let message = "The resource was deleted. Run connect again to enrol anew.";
        control.sessions().end(change.uid, EndReason::Deleted, message);
        for source in inventory::SOURCES {
            if let Err(error) = control.inventory().remove(change.uid, source).await {
                tracing::warn!(uid = %change.uid, %error, "the observations of a deleted resource could not be removed");
            }
        }
    }
}

/// Another epoch: everything that was derived from the record is derived again.
async fn restart(control: &Control, head: Head) -> Result<(), StoreError> {
    tracing::info!(epoch = %head.epoch, revision = head.revision.0, "the store has a new epoch: reading everything again");
    control.authorization().reload().await?;
    control.desired().reload(&**control.store()).await?;
    control.inventory().forget();
    control.answers().forget();
    control.pages().forget();
    control.sessions().end_all_ties();
    control.sessions().publish("/", |key| control.desired().document(key));
    Ok(())
}

//! Long-running operations: accepted in the commit that begins them, advanced by a reconciler, polled by clients, kept for a day.
//!
//! Design notes: how many may be unfinished is counted by each server for what it began itself, so that beginning one reads nothing. What
//! another server finished leaves the count when the server next looks, which it does before it refuses.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bowline_arm::{Error, Operation, OperationStatus, ResourceId};
use bowline_store::{Entry, EntryWrite, Store};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::context::OpContext;
use crate::pipeline::store_error;

/// The kind of their entries.
const KIND: &str = "operation";
/// Unfinished operations of one principal that a server lets begin.
pub const MOST_OF_ONE: usize = 250;
/// Unfinished operations that a server lets begin.
pub const MOST: usize = 1000;
/// How often a server looks again what is unfinished before it refuses.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a finished operation can be polled.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What an operation does; read again after a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "task")]
pub enum Task {
    /// Deletes a resource and everything below it, leaves first.
    DeleteTree {
        /// The root of the tree.
        id: String,
        /// So that a root which was made anew is left alone.
        uid: Uuid,
    },
}

/// An operation with what the server needs to go on with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// What clients see.
    pub operation: Operation,
    /// What is to be done.
    pub task: Task,
    /// Who asked for it.
    pub actor: Uuid,
    /// The name of who asked for it.
    pub actor_name: String,
    /// The request that began it.
    pub correlation_id: Uuid,
}

/// Begins, finds and finishes operations.
pub struct Operations {
    store: Arc<dyn Store>,
    wake: Notify,
    /// How many the task that advances them found unfinished.
    seen: AtomicU64,
    /// Those that this server began, with who asked for them.
    begun: Mutex<HashMap<Uuid, Uuid>>,
    looked: Mutex<Option<Instant>>,
}

impl Operations {
    /// Over this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            wake: Notify::new(),
            seen: AtomicU64::new(0),
            begun: Mutex::default(),
            looked: Mutex::default(),
        }
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<Uuid, Uuid>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, actor: Uuid) -> Result<(), usize> {
        let begun = self.begun();
        let own = begun.values().filter(|other| **other == actor).count();
        if own >= MOST_OF_ONE || begun.len() >= MOST { Err(own) } else { Ok(()) }
    }

    /// Refuses to begin one more when too many are unfinished.
    ///
    /// # Errors
    /// `TooManyOperations` (429), or when the store cannot be read.
    pub async fn require_room(&self, context: &OpContext) -> Result<(), Error> {
        let actor = context.actor.object_id;
        if self.room(actor).is_ok() {
            return Ok(());
        }
        let now = Instant::now();
        let last = self.looked.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        if last.is_none_or(|last| now - last >= LOOK_AGAIN) {
            self.unfinished().await?;
        }
        self.room(actor).map_err(|own| {
            let message = format!(
                "Too many operations are unfinished ({own} of yours). Nothing was done; wait until some have ended, and try again after 10 s."
            );
            Error::new(429, "TooManyOperations", message).with_retry_after(10)
        })
    }

    /// A new operation and the entry to write in the commit that begins it.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn begin(
        &self,
        context: &OpContext,
        resource: &ResourceId,
        task: Task,
    ) -> Result<(Operation, EntryWrite), Error> {
        let name = bowline_auth::random::guid();
        let scope = resource.subscription().map_or_else(String::new, |s| format!("/subscriptions/{s}"));
        let operation = Operation {
            id: format!("{scope}/providers/Microsoft.Bowline/operationStatuses/{name}"),
            name,
            status: OperationStatus::InProgress,
            start_time: context.now,
            end_time: None,
            percent_complete: None,
            resource_id: Some(resource.as_str().to_owned()),
            properties: None,
            error: None,
        };
        let stored = Stored {
            operation: operation.clone(),
            task,
            actor: context.actor.object_id,
            actor_name: context.actor.name.clone(),
            correlation_id: context.correlation_id,
        };
        let _ = self.begun().insert(name, context.actor.object_id);
        Ok((operation, EntryWrite::Insert { entry: entry(&stored, None)? }))
    }

    /// How many are unfinished, as the task that advances them knows; none on a server that does not do it.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    pub(crate) fn note_under_way(&self, count: usize) {
        self.seen.store(count as u64, Ordering::Relaxed);
    }

    /// Tells the reconciler to look.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until [`Self::wake`] was called.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// An operation by its name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, name: Uuid) -> Result<Option<Stored>, Error> {
        let entry = self.store.entry(KIND, &name.to_string()).await.map_err(|e| store_error(&e))?;
        entry.map(|e| serde_json::from_slice(&e.data).map_err(Error::internal)).transpose()
    }

    /// Operations that are not finished.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<Stored>, Error> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.entries(KIND, after.as_deref(), 500).await.map_err(|e| store_error(&e))?;
            after = page.last().map(|e| e.key.clone());
            let end = page.len() < 500;
            all.extend(
                page.iter()
                    .filter_map(|e| serde_json::from_slice::<Stored>(&e.data).ok())
                    .filter(|s| !s.operation.status.is_terminal()),
            );
            if end {
                let still: HashSet<Uuid> = all.iter().map(|stored| stored.operation.name).collect();
                self.begun().retain(|name, _| still.contains(name));
                return Ok(all);
            }
        }
    }

    /// The unfinished operation on a resource.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn running_on(&self, id: &ResourceId) -> Result<Option<Operation>, Error> {
        let running = self.unfinished().await?;
        Ok(running
            .into_iter()
            .map(|s| s.operation)
            .find(|o| o.resource_id.as_deref().is_some_and(|r| r.eq_ignore_ascii_case(id.as_str()))))
    }

    /// The entry that ends an operation.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn finish(
        &self,
        stored: &Stored,
        outcome: Result<(), &Error>,
        now: Timestamp,
    ) -> Result<EntryWrite, Error> {
        let _ = self.begun().remove(&stored.operation.name);
        let mut stored = stored.clone();
        stored.operation.end_time = Some(now);
        match outcome {
            Ok(()) => {
                stored.operation.status = OperationStatus::Succeeded;
                stored.operation.percent_complete = Some(100.0);
            }
            Err(error) => {
                stored.operation.status = OperationStatus::Failed;
                stored.operation.error = serde_json::from_value(error.to_body()["error"].clone()).ok();
            }
        }
        Ok(EntryWrite::Put { entry: entry(&stored, Some(now + KEPT))? })
    }
}

fn entry(stored: &Stored, expires_at: Option<Timestamp>) -> Result<Entry, Error> {
    Ok(Entry {
        kind: KIND.to_owned(),
        key: stored.operation.name.to_string(),
        data: serde_json::to_vec(stored).map_err(Error::internal)?,
        uses: 0,
        version: 0,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline_store::{SqliteOptions, open_sqlite};

    #[tokio::test]
    async fn one_principal_does_not_take_all_operations_and_what_ended_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let operations = Operations::new(open_sqlite(SqliteOptions::new(folder.path())).await.unwrap());
        let of = |id: u128| {
            let mut context = OpContext::system("test", Timestamp::UNIX_EPOCH);
            context.actor.object_id = Uuid::from_u128(id);
            context
        };
        let resource: ResourceId = "/subscriptions/s/resourceGroups/g".parse().unwrap();
        let begin = |context: &OpContext| {
            let task = Task::DeleteTree { id: String::new(), uid: Uuid::nil() };
            operations.begin(context, &resource, task).unwrap().0.name
        };
        let names: Vec<Uuid> = (0..MOST_OF_ONE).map(|_| begin(&of(1))).collect();
        // None of them is in the store: a look finds that they have ended, elsewhere or never begun.
        assert!(operations.require_room(&of(1)).await.is_ok());
        for _ in &names {
            begin(&of(1));
        }
        let refused = operations.require_room(&of(1)).await.unwrap_err();
        assert_eq!((refused.status, refused.code, refused.retry_after), (429, "TooManyOperations", Some(10)));
        assert!(operations.require_room(&of(2)).await.is_ok(), "others may");
    }
}

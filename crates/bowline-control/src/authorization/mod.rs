//! May they: a snapshot of role definitions, role assignments, principals and the hierarchy, kept current by the change feed and guarded by a watermark.
//!
//! | file | what it holds |
//! |---|---|
//! | [`snapshot`] | the immutable state, and the questions to it |
//! | [`membership`] | who is in which group |
//! | [`report`] | who can, and what can they, with reasons |
//! | `conditions` | conditions on assignments: joins `bowline-auth`'s port to `bowline-policy` |
//! | [`ask`] | the questions of the pipeline, which may have to look at the resource |
//!
//! The snapshot carries the watermark up to which it was read. Every commit that was admitted under it is guarded by that watermark, so that a
//! role that was withdrawn a moment before cannot let a write through.
//!
//! # Design notes
//! A change costs what changed: [`Authorization::refresh`] reads the feed from where it was and applies those changes to a copy of the
//! snapshot that shares the rest. Only a new epoch, or a feed that was forgotten up to there, reads everything again.
//!
//! [`Authorization::confirm`] runs every 700 ms: it compares the watermark with the database's. It is what brings another server's change
//! here within a second when no announcement arrived, and what proves that the snapshot is not old: a server without that proof for
//! [`STALE_AFTER`] [decides nothing](Authorization::current).

pub mod ask;
mod conditions;
pub mod membership;
pub mod report;
pub mod snapshot;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bowline_arm::Error;
use bowline_store::{Change, Head, List, Revision, Store, StoreError};
use tokio::sync::{RwLock, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::hierarchy;
pub use ask::Asked;
pub use snapshot::{Principal, PrincipalKind, Snapshot};

/// The name of the watermark that every write of a role or principal raises.
pub const WATERMARK: &str = "authorization";
/// Without proof for so long that the snapshot is the newest, nothing is decided.
pub const STALE_AFTER: Duration = Duration::from_secs(5);
/// How often that proof is sought.
const CONFIRM_EVERY: Duration = Duration::from_millis(700);
/// A database that has not answered by then is asked anew.
const CONFIRM_PATIENCE: Duration = Duration::from_secs(3);
/// The most changes read at once.
const BATCH: u32 = 1000;

/// Types whose records make the snapshot.
pub const TYPES: [&str; 9] = [
    crate::locks::LOCKS,
    hierarchy::GROUPS,
    hierarchy::SUBSCRIPTIONS,
    snapshot::ASSIGNMENTS,
    snapshot::DEFINITIONS,
    "microsoft.bowline/users",
    "microsoft.bowline/serviceprincipals",
    "microsoft.bowline/groups",
    "microsoft.managedidentity/userassignedidentities",
];

/// The cache of the newest snapshot.
pub struct Authorization {
    store: Arc<dyn Store>,
    tenant: Uuid,
    current: RwLock<Arc<Snapshot>>,
    /// How far the feed was applied. Held by whoever changes the snapshot.
    position: tokio::sync::Mutex<Head>,
    confirmed: Mutex<Instant>,
    changed: watch::Sender<Revision>,
}

impl Authorization {
    /// Reads the first snapshot.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(store: Arc<dyn Store>, tenant: Uuid) -> Result<Self, StoreError> {
        let started = Instant::now();
        let (snapshot, position) = read(&*store, tenant).await?;
        let changed = watch::Sender::new(snapshot.at);
        let current = RwLock::new(Arc::new(snapshot));
        let position = tokio::sync::Mutex::new(position);
        Ok(Self { store, tenant, current, position, confirmed: Mutex::new(started), changed })
    }

    /// The newest snapshot that this server knows.
    pub async fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&*self.current.read().await)
    }

    /// Refuses to decide from a snapshot that may be old: every request passes here when its caller is proved.
    ///
    /// # Errors
    /// 503 when the database has not confirmed the snapshot for [`STALE_AFTER`].
    pub fn current(&self) -> Result<(), Error> {
        let confirmed = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        if confirmed.elapsed() <= STALE_AFTER {
            return Ok(());
        }
        Err(Error::new(
            503,
            "AuthorizationNotCurrent",
            "This server cannot reach its database to see whether roles have changed, so it decides nothing. Try again, or ask another server.",
        )
        .with_retry_after(2))
    }

    /// Says when roles, principals or the hierarchy have changed here. Whoever holds something open looks again.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Revision> {
        self.changed.subscribe()
    }

    /// Takes in what changed, when the watermark has moved; called after an own write, after a refused guard and by the feed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn refresh(&self) -> Result<Arc<Snapshot>, StoreError> {
        let started = Instant::now();
        // The watermark is read first: a write between the two reads makes the guard stricter, never laxer.
        let watermark = self.store.watermark(WATERMARK).await?;
        let mut known = self.snapshot().await;
        if watermark != known.at {
            let mut position = self.position.lock().await;
            known = self.snapshot().await;
            // Who waited for the lock may find that it was done.
            if watermark > known.at || self.store.watch().borrow().epoch != position.epoch {
                known = self.catch_up(&mut position, watermark, &known).await?;
            }
        }
        let mut confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        *confirmed = started.max(*confirmed);
        Ok(known)
    }

    async fn catch_up(
        &self,
        position: &mut Head,
        watermark: Revision,
        known: &Snapshot,
    ) -> Result<Arc<Snapshot>, StoreError> {
        if self.store.watch().borrow().epoch != position.epoch {
            return self.read_again(position).await;
        }
        let mut fresh = known.clone();
        let mut to = position.revision;
        loop {
            let changes = match self.store.changes(to, BATCH).await {
                Err(StoreError::Compacted { .. }) => return self.read_again(position).await,
                changes => changes?,
            };
            for change in &changes {
                fresh.apply(change);
                to = change.revision;
            }
            if changes.len() < BATCH as usize {
                break;
            }
        }
        fresh.at = watermark;
        position.revision = to;
        Ok(self.publish(fresh).await)
    }

    /// Reads everything again (a new epoch may have gone back).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reload(&self) -> Result<Arc<Snapshot>, StoreError> {
        let mut position = self.position.lock().await;
        self.read_again(&mut position).await
    }

    async fn read_again(&self, position: &mut Head) -> Result<Arc<Snapshot>, StoreError> {
        let (fresh, head) = read(&*self.store, self.tenant).await?;
        *position = head;
        Ok(self.publish(fresh).await)
    }

    async fn publish(&self, fresh: Snapshot) -> Arc<Snapshot> {
        let fresh = Arc::new(fresh);
        *self.current.write().await = Arc::clone(&fresh);
        self.changed.send_replace(fresh.at);
        fresh
    }

    /// The feed was read up to here and held nothing of ours: it need not be read again.
    pub async fn passed(&self, from: Head, to: Revision) {
        if let Ok(mut position) = self.position.try_lock()
            && position.epoch == from.epoch
            && position.revision >= from.revision
        {
            position.revision = position.revision.max(to);
        }
    }

    /// Seeks the proof that the snapshot is the newest, until cancelled.
    pub async fn confirm(&self, cancel: &CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(CONFIRM_EVERY) => {}
            }
            match tokio::time::timeout(CONFIRM_PATIENCE, self.refresh()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the newest roles cannot be read; trying again"),
                Err(_) => tracing::warn!(
                    "the database does not answer the question for the newest roles; trying again"
                ),
            }
        }
    }
}

/// Whether a change concerns the snapshot.
#[must_use]
pub fn concerns(change: &Change) -> bool {
    TYPES.contains(&change.resource_type.as_str())
}

async fn read(store: &dyn Store, tenant: Uuid) -> Result<(Snapshot, Head), StoreError> {
    // Both are read first: what is written meanwhile is read twice, never missed.
    let head = store.head().await?;
    let at = store.watermark(WATERMARK).await?;
    let mut snapshot = Snapshot::empty(tenant, at);
    for resource_type in TYPES {
        let mut after = None;
        loop {
            let page = store
                .list(&List {
                    resource_type: Some(resource_type.to_owned()),
                    after: after.take(),
                    limit: BATCH,
                    ..List::default()
                })
                .await?;
            for record in &page {
                snapshot.put(resource_type, &record.id, &record.document, record.deleting);
            }
            match page.last().filter(|_| page.len() == BATCH as usize) {
                Some(last) => after = Some(last.key.clone()),
                None => break,
            }
        }
    }
    Ok((snapshot, head))
}

//! Cursors from outside that are ahead of the record: they prove that the record went back, and begin a new epoch.
//!
//! The store notices by itself most ways in which a record can go back. What it cannot notice is a machine that was set back with
//! all its files, or a database whose copy lost its tail without a trace: then an agent comes with a generation of the current
//! epoch that the record does not reach.
//!
//! # Design notes
//! Only agents are believed, because only they have proved a key; one that lies costs every agent a document of some hundred bytes, at most
//! once in ten minutes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bowline_store::{Revision, StoreError};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Control;

/// So long after one epoch began by a cursor no other does.
const REST: Duration = Duration::from_secs(600);

/// When a cursor last began an epoch.
#[derive(Debug, Default)]
pub struct Cursors {
    last: Mutex<Option<Instant>>,
}

impl Cursors {
    /// Takes the right to begin one.
    fn may_begin(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = last.is_none_or(|last| last.elapsed() >= REST);
        if rested {
            *last = Some(Instant::now());
        }
        rested
    }
}

impl Control {
    /// Looks at what an agent says that it has; begins a new epoch when the record cannot have given that.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn weigh_cursor(
        &self,
        agent: &str,
        epoch: Option<Uuid>,
        generation: u64,
    ) -> Result<(), StoreError> {
        let generation = Revision(generation);
        let known = *self.store.watch().borrow();
        if epoch != Some(known.epoch) || generation <= known.revision {
            return Ok(());
        }
        // Another server may have told the agent what this one does not know yet.
        let head = self.store.head().await?;
        if epoch != Some(head.epoch) || generation <= head.revision || !self.cursors.may_begin() {
            return Ok(());
        }
        tracing::warn!(
            agent,
            generation = generation.0,
            revision = head.revision.0,
            "an agent has what the record does not: an older copy of it was restored; a new epoch begins"
        );
        self.store.new_epoch().await.map(drop)
    }
}

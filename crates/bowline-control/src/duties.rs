//! Which background tasks this server does: each task has a lease, and who holds it has the *duty*.
//!
//! # Design notes
//! - A duty's writes carry the lease's epoch as a guard: who lost the lease without noticing (a process that was stopped, a network that was
//!   cut) is refused inside the commit.
//! - One server alone has every duty and no leases: [`Duties::all`].

use std::collections::HashMap;

use bowline_store::{Guard, Lease};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::context::OpContext;

/// Advances operations.
pub const OPERATIONS: &str = "operations";
/// Shows agents that stayed away as gone.
pub const PRESENCE: &str = "presence";
/// Rotates the signing keys.
pub const KEYS: &str = "keys";
/// Removes what has expired.
pub const EXPIRY: &str = "expiry";
/// Every task that one server does for all.
pub const TASKS: [&str; 4] = [OPERATIONS, PRESENCE, KEYS, EXPIRY];

/// The right to do one task, until `ended`.
#[derive(Clone, Debug)]
pub struct Duty {
    /// None where one server is alone.
    pub lease: Option<Lease>,
    /// Set when the lease is lost or the server stops.
    pub ended: CancellationToken,
}

impl Duty {
    /// The context of the task's writes, fenced.
    #[must_use]
    pub fn context(&self, task: &str, now: Timestamp) -> OpContext {
        let fence =
            self.lease.as_ref().map(|lease| Guard::Lease { name: lease.name.clone(), epoch: lease.epoch });
        OpContext { fence, ..OpContext::system(task, now) }
    }
}

type Held = HashMap<&'static str, Duty>;

/// The duties of this server.
pub struct Duties {
    held: watch::Sender<Held>,
}

impl Default for Duties {
    fn default() -> Self {
        Self { held: watch::Sender::new(Held::new()) }
    }
}

impl Duties {
    /// Takes every duty: there is no other server.
    pub(crate) fn all(&self, cancel: &CancellationToken) {
        self.held
            .send_replace(TASKS.map(|task| (task, Duty { lease: None, ended: cancel.child_token() })).into());
    }

    /// Adds one.
    pub(crate) fn give(&self, task: &'static str, lease: Lease, cancel: &CancellationToken) {
        tracing::info!(task, epoch = lease.epoch, "this server does the task from now on");
        let duty = Duty { lease: Some(lease), ended: cancel.child_token() };
        self.held.send_modify(|held| drop(held.insert(task, duty)));
    }

    /// Ends those for which this says so.
    pub(crate) fn end(&self, lost: impl Fn(&'static str, &Duty) -> bool) {
        self.held.send_if_modified(|held| {
            let before = held.len();
            held.retain(|task, duty| {
                let lost = lost(task, duty);
                if lost {
                    tracing::warn!(task, "this server does the task no longer");
                    duty.ended.cancel();
                }
                !lost
            });
            held.len() != before
        });
    }

    /// Whether each task is this server's.
    #[must_use]
    pub fn held(&self) -> [(&'static str, bool); TASKS.len()] {
        let held = self.held.borrow();
        TASKS.map(|task| (task, held.contains_key(task)))
    }

    /// The duty of a task, if it is this server's.
    #[must_use]
    pub fn of(&self, task: &str) -> Option<Duty> {
        self.held.borrow().get(task).cloned()
    }

    /// Waits until a task is this server's, and what came before has ended; none when the server stops.
    pub(crate) async fn next(&self, task: &str, cancel: &CancellationToken) -> Option<Duty> {
        let mut held = self.held.subscribe();
        let fresh = |held: &Held| held.get(task).filter(|duty| !duty.ended.is_cancelled()).cloned();
        tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            found = held.wait_for(|held| fresh(held).is_some()) => fresh(&*found.ok()?),
        }
    }
}

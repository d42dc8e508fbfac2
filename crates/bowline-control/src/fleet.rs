//! This server among others: its heartbeat, the duties that it has, and which agents it holds.
//!
//! # Design notes
//! - A server alone (on SQLite) keeps who left and when in memory, and writes nothing. Everything else is the same code.
//! - Attachments go to the database in batches, by one task: hundreds of agents that come at once are a few statements. What concerns one agent
//!   stays in order, and no batch has an agent twice.
//! - A server that was cut off from the database learns it at its next heartbeat that gets through: it joins again and takes back the agents
//!   that nobody else has. Those that went elsewhere meanwhile have their old sessions ended.

mod attachments;
mod heartbeat;
mod peers;
mod status;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bowline_store::fleet::Member;
use bowline_store::{Store, StoreError};
use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

pub use attachments::AttachError;
pub(crate) use heartbeat::beat;
pub use peers::Peer;
pub use status::{Figures, Used, figures, list};

use crate::duties::Duties;

/// What else is used up on a server, as its listener and its host say.
pub type Host = Box<dyn Fn() -> Vec<Used> + Send + Sync>;

/// How often a server says that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long it counts as alive after it said so last; with a heartbeat and a look at the leases it is below 10 s until others take over.
pub const LEASE: Duration = Duration::from_secs(7);

/// See the module.
pub struct Fleet {
    store: Arc<dyn Store>,
    member: Mutex<Member>,
    duties: Arc<Duties>,
    draining: AtomicBool,
    /// Sessions to write down.
    queue: Mutex<attachments::Queue>,
    queued: Notify,
    /// Of a server alone: who left, and when it shows as gone.
    away: Mutex<HashMap<Uuid, (Box<str>, Instant)>>,
    /// The revision up to which the feed was followed.
    fed: AtomicU64,
    /// Milliseconds by which the host's clock is ahead of the database's.
    system_ahead: AtomicI64,
    /// What of the host is used up; the server hands it in.
    host: OnceLock<Host>,
    /// Where this server listens for others, if it does.
    peer: OnceLock<serde_json::Value>,
    /// Those that listen, as the database said a moment ago.
    peers: Mutex<Option<(Instant, Vec<Peer>)>>,
}

/// A difference of clocks that somebody should know of.
const WRONG_CLOCK_MS: u64 = 5_000;

impl Fleet {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let member = Member {
            id: bowline_auth::random::guid(),
            name: "server".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self {
            store,
            member: Mutex::new(member),
            duties: Arc::default(),
            draining: AtomicBool::new(false),
            queue: Mutex::default(),
            queued: Notify::new(),
            away: Mutex::default(),
            fed: AtomicU64::new(0),
            system_ahead: AtomicI64::new(0),
            host: OnceLock::new(),
            peer: OnceLock::new(),
            peers: Mutex::default(),
        }
    }

    /// Says what others see of this server, and how it looks at its host; before it joins.
    pub fn introduce(&self, name: &str, host: Host) {
        let mut member = self.member.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone_into(&mut member.name);
        let _ = self.host.set(host);
    }

    /// What others see of this server.
    #[must_use]
    pub fn member(&self) -> Member {
        self.member.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn id(&self) -> Uuid {
        self.member.lock().unwrap_or_else(PoisonError::into_inner).id
    }

    /// Whether other servers may work on the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.store.fleet().is_some()
    }

    /// The background tasks of this server.
    #[must_use]
    pub fn duties(&self) -> &Arc<Duties> {
        &self.duties
    }

    /// The feed was followed up to this revision.
    pub(crate) fn note_fed(&self, revision: u64) {
        self.fed.store(revision, Ordering::Relaxed);
    }

    /// The host's clock is ahead of the database's by so much: said when it begins to matter, and when that is over.
    fn note_system_ahead(&self, ahead: SignedDuration) {
        let millis = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        let before = self.system_ahead.swap(millis, Ordering::Relaxed);
        let (was, is) = (before.unsigned_abs() > WRONG_CLOCK_MS, millis.unsigned_abs() > WRONG_CLOCK_MS);
        if is && !was {
            tracing::warn!(
                seconds = millis / 1000,
                "the clock of this host is ahead of the database's (behind, where negative); the server goes by the database's. Check the time service of both"
            );
        } else if was && !is {
            tracing::info!("the clock of this host agrees with the database's again");
        }
    }

    /// Whether this server sends agents elsewhere.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// From now on this server takes no agents, and those that leave may take their time.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Gives back what this server holds, so that others need not wait for its lease to end.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn leave(&self, grace: Duration) -> Result<(), StoreError> {
        self.duties.end(|_, _| true);
        match self.store.fleet() {
            Some(fleet) => fleet.leave(self.id(), grace).await,
            None => Ok(()),
        }
    }
}

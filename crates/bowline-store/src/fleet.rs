//! The port for what several servers on one database know of each other: who lives, and which server holds which agent's session.
//!
//! # Design notes
//! - Every time here is the database's: a lease ends by its clock, and the host clocks of the servers play no part.
//! - A database for one server has no such port ([`crate::Store::fleet`] gives none), so that one server pays nothing.

use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;
use uuid::Uuid;

use crate::store::StoreError;

/// A server as it signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// New at each start of the process.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Which version it is.
    pub version: String,
}

/// A server as the others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSeen {
    /// What it said of itself.
    pub member: Member,
    /// Raised when it came back after it had been cut off.
    pub epoch: u64,
    /// Whether its lease holds.
    pub live: bool,
    /// Whether it is going down.
    pub draining: bool,
    /// How many agents it holds.
    pub sessions: u64,
    /// What it said of itself with its last heartbeat: JSON, or nothing.
    pub status: String,
}

/// What a server says with a heartbeat.
#[derive(Debug, Clone, Copy, Default)]
pub struct Says<'a> {
    /// It is going down.
    pub draining: bool,
    /// JSON about itself, for whoever asks any server.
    pub status: &'a str,
}

/// The lease of a task, as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSeen {
    /// The task.
    pub name: String,
    /// Who has it; none when it was released.
    pub holder: Option<String>,
    /// Its fence.
    pub epoch: u64,
    /// Whether it holds.
    pub live: bool,
}

/// An agent's session, as its server writes it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attaching {
    /// The uid of the agent's resource.
    pub agent: Uuid,
    /// The key of that resource.
    pub resource: String,
    /// The session.
    pub session: Uuid,
    /// The connection: a session may have several, one after the other.
    pub connection: Uuid,
    /// The installation that connected.
    pub instance: String,
}

/// A session that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detaching {
    /// The uid of the agent's resource.
    pub agent: Uuid,
    /// The connection that ended; a newer one is not touched.
    pub connection: Uuid,
    /// How long the agent may stay away until it shows as gone.
    pub delay: Duration,
}

/// Where an agent's session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The uid of the agent's resource.
    pub agent: Uuid,
    /// Who holds it; none while the agent is on its way.
    pub server: Option<Uuid>,
    /// The last session.
    pub session: Uuid,
    /// The installation that connected.
    pub instance: String,
}

/// The servers of one database.
#[async_trait]
pub trait Fleet: Send + Sync {
    /// What the database's clock says.
    async fn time(&self) -> Result<Timestamp, StoreError>;

    /// After that clock was put back: no lease lasts longer than `ttl` from now, no absence longer than `grace`.
    async fn shorten(&self, ttl: Duration, grace: Duration) -> Result<(), StoreError>;

    /// Signs a server in, or in again after it was cut off; gives its epoch.
    async fn join(&self, member: &Member, ttl: Duration) -> Result<u64, StoreError>;

    /// The heartbeat: prolongs the lease of a server and the leases of tasks that it holds. False when its own had ended: it must
    /// join again, and holds nothing any more.
    async fn beat(&self, id: Uuid, epoch: u64, says: &Says<'_>, ttl: Duration) -> Result<bool, StoreError>;

    /// The leases of tasks.
    async fn leases(&self) -> Result<Vec<LeaseSeen>, StoreError>;

    /// Gives back everything that a server holds; its agents may stay away for `grace`.
    async fn leave(&self, id: Uuid, grace: Duration) -> Result<(), StoreError>;

    /// Servers that live or ended lately.
    async fn members(&self) -> Result<Vec<MemberSeen>, StoreError>;

    /// Writes down sessions of a server, each agent at most once. Gives the agents that it has now; those that are left out are held for
    /// another installation by a server that lives. None when the lease of the server itself has ended.
    async fn attach(&self, server: Uuid, sessions: &[Attaching]) -> Result<Option<Vec<Uuid>>, StoreError>;

    /// Writes down the ends of sessions of a server.
    async fn detach(&self, server: Uuid, ended: &[Detaching]) -> Result<(), StoreError>;

    /// After a server was cut off: takes back the sessions (agent, connection) that nobody else has; gives their agents.
    async fn reclaim(&self, server: Uuid, held: &[(Uuid, Uuid)]) -> Result<Vec<Uuid>, StoreError>;

    /// Where these agents are; those that are neither held nor awaited are left out.
    async fn attached(&self, agents: &[Uuid]) -> Result<Vec<Attached>, StoreError>;

    /// Frees agents of servers whose lease has ended: from now on they may stay away for `grace`. Says how many.
    async fn free_lost(&self, grace: Duration) -> Result<u64, StoreError>;

    /// Agents that stayed away for too long, with the keys of their resources.
    async fn overdue(&self, limit: u32) -> Result<Vec<(Uuid, String)>, StoreError>;

    /// Forgets an agent that stayed away for too long; false when it is back, or is gone already.
    async fn forget(&self, agent: Uuid) -> Result<bool, StoreError>;
}

//! The application: everything between an HTTP request and the store, and between the store and the agents.
//!
//! # The life of a request
//! 1. The server proves the caller and hands an [`OpContext`] and a parsed request to a verb of [`pipeline`].
//! 2. The [`registry`] finds the [provider](provider::ResourceProvider) of the type; roles are checked against the
//!    [`authorization`] snapshot; the provider defaults and validates the draft.
//! 3. The change, its operation and its entries become one guarded commit of the store.
//! 4. The [`feed`] says "look again": agents' [`desired`] documents, live [`events`] and the authorization snapshot re-read.
//! 5. Agents hold [`sessions`]; what they report arrives in [`observed`] and lands as status, as inventory, or both.
//!
//! # Invariants
//! - Nothing writes to the store but through [`Control::commit`], and no resource changes but through [`pipeline`].
//! - Providers are pure. Only [`identity`] and [`reconcile`] wait, and only `main` of the server reads a clock for a request.

pub mod activity;
pub mod answers;
pub mod authorization;
pub mod bootstrap;
pub mod clock;
pub mod connect;
pub mod context;
pub mod cursors;
pub mod desired;
pub mod discovery;
pub mod duties;
pub mod events;
pub mod features;
pub mod feed;
pub mod fleet;
pub mod graph;
pub mod hierarchy;
pub mod identity;
pub mod inventory;
pub mod locations;
pub mod locks;
pub mod lookups;
pub mod management_groups;
pub mod namespaces;
pub mod observed;
pub mod operations;
pub mod pages;
pub mod pipeline;
pub mod principals;
pub mod provider;
pub mod providers;
pub mod query;
pub mod reconcile;
pub mod registry;
pub mod repeatable;
pub mod sessions;
pub mod subscriptions;
pub mod tags;
pub mod turns;

use std::sync::Arc;

use bowline_auth::seal::Seal;
use bowline_store::{Commit, CommitError, Committed, Store, StoreError};
use uuid::Uuid;

use crate::authorization::Authorization;
use crate::context::OpContext;
use crate::operations::Operations;
use crate::registry::Registry;

/// How many requests a principal may send in a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestBudgets {
    /// GET and HEAD.
    pub reads_per_minute: u32,
    /// PUT, PATCH and POST.
    pub writes_per_minute: u32,
    /// DELETE.
    pub deletes_per_minute: u32,
}

impl Default for RequestBudgets {
    /// Far above what a busy client sends: as much as one server can take.
    fn default() -> Self {
        Self { reads_per_minute: 3_000_000, writes_per_minute: 1_200_000, deletes_per_minute: 1_200_000 }
    }
}

/// What the application is told from outside.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How clients reach the server, without a trailing slash.
    pub public_url: String,
    /// The locations that need no record; none means the default ones.
    pub locations: Vec<String>,
    /// The certificate authority (PEM) that clients are to trust; none when the system's do.
    pub authority: Option<String>,
    /// How many requests each principal may send.
    pub budgets: RequestBudgets,
    /// How long an agent's key is valid.
    pub key_lifetime: jiff::SignedDuration,
    /// How long an agent's token and with it its session lives.
    pub agent_token_lifetime: jiff::SignedDuration,
    /// How long a closed session may be reopened before its resource shows Offline: two attempts of an agent whose first one fails take 6 s at most.
    pub offline_delay: std::time::Duration,
    /// How long resources keep their state without a session after a start of the server, and after their server went away.
    pub restart_grace: std::time::Duration,
}

impl Settings {
    /// Settings for a public URL, with the documented defaults.
    #[must_use]
    pub fn new(public_url: &str) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            locations: Vec::new(),
            authority: None,
            budgets: RequestBudgets::default(),
            key_lifetime: jiff::SignedDuration::from_hours(90 * 24),
            agent_token_lifetime: jiff::SignedDuration::from_mins(30),
            offline_delay: std::time::Duration::from_secs(6),
            restart_grace: std::time::Duration::from_secs(60),
        }
    }
}

/// The application. One per process, shared by all requests.
pub struct Control {
    store: Arc<dyn Store>,
    tenant: Uuid,
    settings: Settings,
    registry: Registry,
    authorization: Authorization,
    operations: Operations,
    seal: Arc<Seal>,
    identity: identity::Identity,
    sessions: sessions::Sessions,
    fleet: fleet::Fleet,
    inventory: inventory::Inventory,
    desired: desired::Desired,
    cursors: cursors::Cursors,
    answers: answers::Answers,
    pages: pages::Pages,
    line: pipeline::Line,
    denials: activity::denials::Denials,
    auditor: std::sync::OnceLock<Arc<activity::audit::Auditor>>,
    queries: query::Queries,
}

impl Control {
    /// Opens the application over a store that was [bootstrapped](bootstrap).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        store: Arc<dyn Store>,
        foundation: bootstrap::Foundation,
        settings: Settings,
    ) -> Result<Arc<Self>, StoreError> {
        let authorization = Authorization::open(Arc::clone(&store), foundation.tenant).await?;
        let seal = Arc::new(foundation.seal);
        Ok(Arc::new(Self {
            tenant: foundation.tenant,
            registry: Registry::default(),
            authorization,
            operations: Operations::new(Arc::clone(&store)),
            identity: identity::Identity::new(foundation.keys, foundation.tenant, &settings),
            seal,
            sessions: sessions::Sessions::default(),
            fleet: fleet::Fleet::new(Arc::clone(&store)),
            inventory: inventory::Inventory::new(Arc::clone(&store)),
            desired: desired::Desired::default(),
            cursors: cursors::Cursors::default(),
            answers: answers::Answers::default(),
            pages: pages::Pages::default(),
            line: pipeline::Line::default(),
            denials: activity::denials::Denials::default(),
            auditor: std::sync::OnceLock::new(),
            queries: query::Queries::default(),
            store,
            settings,
        }))
    }

    /// The record.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The tenant's GUID.
    #[must_use]
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// What the application was told.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The types.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Roles and principals.
    #[must_use]
    pub fn authorization(&self) -> &Authorization {
        &self.authorization
    }

    /// Long-running operations.
    #[must_use]
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Sign-in.
    #[must_use]
    pub fn identity(&self) -> &identity::Identity {
        &self.identity
    }

    /// Agents' connections.
    #[must_use]
    pub fn sessions(&self) -> &sessions::Sessions {
        &self.sessions
    }

    /// This server among others.
    #[must_use]
    pub fn fleet(&self) -> &fleet::Fleet {
        &self.fleet
    }

    /// What agents saw.
    #[must_use]
    pub fn inventory(&self) -> &inventory::Inventory {
        &self.inventory
    }

    /// Agents' desired documents.
    #[must_use]
    pub fn desired(&self) -> &desired::Desired {
        &self.desired
    }

    pub(crate) fn answers(&self) -> &answers::Answers {
        &self.answers
    }

    pub(crate) fn line(&self) -> &pipeline::Line {
        &self.line
    }

    pub(crate) fn pages(&self) -> &pages::Pages {
        &self.pages
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// A commit with nothing in it but who, when and for which request.
    pub(crate) fn empty_commit(&self, context: &OpContext) -> Commit {
        Commit {
            tenant: self.tenant,
            actor: context.actor.name.clone(),
            correlation_id: context.correlation_id,
            now: context.now,
            guards: Vec::new(),
            writes: Vec::new(),
            entries: Vec::new(),
            watermarks: Vec::new(),
            origin: context.client.clone(),
            activity: Vec::new(),
        }
    }

    /// The one way to the store's writer. A write that raises the authorization watermark takes effect here before it is answered.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn commit(
        &self,
        context: &OpContext,
        mut commit: Commit,
        watermark: Option<&str>,
    ) -> Result<Committed, CommitError> {
        commit.guards.extend(context.fence.clone());
        if !commit.writes.is_empty() {
            commit.watermarks.extend(watermark.map(str::to_owned));
            commit.entries.extend(context.repeat.as_ref().and_then(|r| r.committed(context.now)));
        }
        let raises = !commit.watermarks.is_empty();
        let committed = self.store.commit(commit).await?;
        if raises && let Err(error) = self.authorization.refresh().await {
            tracing::warn!(correlation_id = %context.correlation_id, %error, "roles could not be read again; the feed will");
        }
        Ok(committed)
    }
}

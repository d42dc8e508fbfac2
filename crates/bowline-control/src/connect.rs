//! Who may use a connected cluster through its agent, as whom Kubernetes sees the caller, and what of it the activity log tells.
//!
//! # Design notes
//! - The right is the one to the kubeconfig. What a caller may do inside is decided by the cluster's own RBAC: its agent impersonates the caller.
//! - A person is called by its user name, every other principal by its object id: an application chooses its display name itself. A user name that looks like an
//!   object id is refused, so that none stands for somebody else. Groups are object ids.

use bowline_arm::{Error, ResourceId};
use bowline_store::{Commit, Record};
use serde_json::Value;
use uuid::Uuid;

use crate::Control;
use crate::activity::Done;
use crate::authorization::Asked;
use crate::context::{ActorKind, OpContext};
use crate::pipeline::store_error;

/// The right to a cluster's kubeconfig, and to use it.
pub const RIGHT: &str = "Microsoft.Kubernetes/connectedClusters/listClusterUserCredential/action";
/// What the activity log calls the beginning of somebody's use of a cluster.
pub const USED: &str = "Microsoft.Kubernetes/connectedClusters/proxy/action";
/// What it calls a stream into a container: exec, attach, port-forward.
pub const STREAMED: &str = "Microsoft.Kubernetes/connectedClusters/proxy/stream/action";

/// A caller who may use a cluster.
#[derive(Debug)]
pub struct Entered {
    /// The cluster.
    pub cluster: Record,
    /// The caller, as Kubernetes sees it.
    pub user: String,
    /// Its groups.
    pub groups: Vec<String>,
}

impl Control {
    /// Lets a caller use a cluster.
    ///
    /// # Errors
    /// Why not.
    pub async fn enter_cluster(&self, context: &OpContext, id: &ResourceId) -> Result<Entered, Error> {
        let snapshot = self.authorize(context, &Asked::new(RIGHT, id)).await?;
        let cluster = self.store().get(id.key()).await.map_err(|e| store_error(&e))?;
        let cluster = cluster.ok_or_else(|| Error::resource_not_found(id.as_str()))?;
        snapshot.refuse_write(context, id)?;
        let principal = context.actor.object_id;
        let user = self.kubernetes_name(context).await?;
        let groups = snapshot.groups_of(principal).iter().map(Uuid::to_string).collect();
        Ok(Entered { cluster, user, groups })
    }

    async fn kubernetes_name(&self, context: &OpContext) -> Result<String, Error> {
        let principal = context.actor.object_id;
        match context.actor.kind {
            ActorKind::Application | ActorKind::ManagedIdentity => return Ok(principal.to_string()),
            ActorKind::User => {}
            ActorKind::EnrollmentToken | ActorKind::System => {
                return Err(no_identity("An enrolment token cannot use a cluster."));
            }
        }
        let record = self.store().get_by_principal(principal).await.map_err(|e| store_error(&e))?;
        let document: Value =
            record.and_then(|record| serde_json::from_str(&record.document).ok()).unwrap_or_default();
        let name = document["properties"]["username"].as_str().unwrap_or_default();
        if name.is_empty() || name.parse::<Uuid>().is_ok() {
            return Err(no_identity(
                "A user whose name is empty or looks like an object id cannot use a cluster.",
            ));
        }
        Ok(name.to_owned())
    }

    /// Whether somebody who uses a cluster may go on; asked again whenever roles, principals or groups have changed.
    ///
    /// # Errors
    /// Why not.
    pub async fn may_stay(&self, context: &OpContext, id: &ResourceId) -> Result<(), Error> {
        self.require_alive(&context.actor).await?;
        let snapshot = self.authorize(context, &Asked::new(RIGHT, id)).await?;
        snapshot.refuse_write(context, id)
    }

    /// Writes into the activity log that somebody begins to use a cluster, or opens a stream in it; until it is written nothing is passed on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn record_use(&self, context: &OpContext, id: &ResourceId, action: &str) -> Result<(), Error> {
        let done = Done { action, id, before: None, after: None, operation: None };
        let commit = Commit { activity: self.tell(context, &done), ..self.empty_commit(context) };
        let written = self.commit(context, commit, None).await;
        written.map(drop).map_err(|error| {
            Error::unavailable(
                "The activity log cannot be written right now, so nothing is passed on. Try again.",
                2,
            )
            .with_context(error)
        })
    }
}

fn no_identity(why: &str) -> Error {
    Error::new(403, "NoClusterIdentity", format!("{why} Sign in as a user or as a service principal."))
}

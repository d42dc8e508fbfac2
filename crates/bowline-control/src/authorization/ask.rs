//! The question of the pipeline: may the caller do this to that? It looks at the resource only when a condition asks about it.

use std::sync::Arc;

use bowline_arm::{Error, ResourceId};
use bowline_auth::{Facts, Plane, Reason};
use serde_json::Value;

use super::Snapshot;
use super::snapshot::{ASSIGNMENTS, refused};
use crate::Control;
use crate::context::{ActorKind, OpContext};
use crate::pipeline::store_error;
use crate::provider::properties_of;

/// What somebody wants to do.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// `Microsoft.X/type/verb`.
    pub action: &'a str,
    /// To what.
    pub id: &'a ResourceId,
    /// The resource as the request would have it.
    pub request: Option<&'a Value>,
}

impl<'a> Asked<'a> {
    /// A question about an action without a body.
    #[must_use]
    pub fn new(action: &'a str, id: &'a ResourceId) -> Self {
        Self { action, id, request: None }
    }
}

impl Control {
    /// The snapshot under which the caller may do it.
    ///
    /// # Errors
    /// `AuthorizationFailed` (403), or 503 when a condition asks about the resource and the store cannot be read.
    pub async fn authorize(&self, context: &OpContext, asked: &Asked<'_>) -> Result<Arc<Snapshot>, Error> {
        let snapshot = self.authorization().snapshot().await;
        if context.actor.kind == ActorKind::System {
            return Ok(snapshot);
        }
        let request = asked.request.map(|request| truthful(&snapshot, asked.id, request));
        let facts = Facts { request: request.as_ref(), ..Facts::default() };
        let key = asked.id.key();
        let first = snapshot.decide(context, Plane::Control, asked.action, key, &facts);
        if first.allowed {
            return Ok(snapshot);
        }
        if first.reason != Reason::AsksResource {
            return Err(refused(context, asked.action, key, &first.reason));
        }
        let record = self.store().get(key).await.map_err(|e| store_error(&e))?;
        let resource: Value =
            record.and_then(|record| serde_json::from_str(&record.document).ok()).unwrap_or_default();
        let facts = Facts { resource: Some(&resource), ..facts };
        let second = snapshot.decide(context, Plane::Control, asked.action, key, &facts);
        match second.allowed {
            true => Ok(Arc::clone(&snapshot)),
            false => Err(refused(context, asked.action, key, &second.reason)),
        }
    }
}

/// What a request says about an assignment's principal is no more than a claim: a condition sees what the directory says.
fn truthful(snapshot: &Snapshot, id: &ResourceId, request: &Value) -> Value {
    let mut request = request.clone();
    if id.resource_type().key() == ASSIGNMENTS {
        let principal = request["properties"]["principalId"].as_str().and_then(|p| p.parse().ok());
        if let Some(known) = principal.and_then(|principal| snapshot.principal(principal)) {
            properties_of(&mut request).insert("principalType".to_owned(), known.kind.as_str().into());
        }
    }
    request
}

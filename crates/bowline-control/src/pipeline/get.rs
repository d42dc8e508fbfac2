//! GET of one resource.

use bowline_arm::{ApiVersion, Error, ResourceId};
use bowline_store::Record;
use bytes::Bytes;
use serde_json::Value;

use super::document::render;
use super::put::missing_scope;
use super::store_error;
use crate::Control;
use crate::answers::Serving;
use crate::authorization::Asked;
use crate::context::OpContext;

/// A resource as its caller sees it.
#[derive(Debug)]
pub struct Shown {
    /// JSON.
    pub body: Bytes,
    /// Its entity tag; what exists without a record has none.
    pub etag: Option<String>,
}

impl Shown {
    /// The resource as a value, for an answer that shows it in another form.
    ///
    /// # Errors
    /// Never for what [`get`] gave.
    pub fn value(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(Error::internal)
    }
}

/// Reads a resource in the caller's api-version, with its entity tag.
///
/// # Errors
/// 403 before 404: who may not read learns nothing of what exists.
pub async fn get(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    version: &ApiVersion,
) -> Result<Shown, Error> {
    let provider = control.registry().find(id.resource_type())?;
    let spec = provider.spec();
    let own = context.actor.resource.as_deref() == Some(id.key());
    let enrolling =
        context.actor.enrollment.as_ref().is_some_and(|g| g.require(id, spec.agent_key.is_some()).is_ok());
    if !own && !enrolling {
        control.authorize(context, &Asked::new(&spec.action_of("read"), id)).await?;
    }
    let serving = Serving::of(spec, version);
    if let Some(stamp) = control.store().stamp(id.key()).await.map_err(|e| store_error(&e))? {
        let (uid, answer) = match control.answers().find(&stamp, serving) {
            Some(kept) => (stamp.uid, kept),
            None => match control.store().get(id.key()).await.map_err(|e| store_error(&e))? {
                Some(record) => (record.uid, control.answer(&**provider, &record, serving)?),
                // It was deleted between the two reads.
                None => return Err(Error::resource_not_found(id.as_str())),
            },
        };
        let body = control.finish(uid, &answer, context.now).await?;
        return Ok(Shown { body, etag: Some(answer.etag.to_string()) });
    }
    let scope = id.parent().unwrap_or_else(ResourceId::root);
    match provider
        .built_in(&scope)
        .into_iter()
        .find(|(built_in, _)| built_in.name().eq_ignore_ascii_case(id.name()))
    {
        Some((built_in, document)) => {
            let shown = render(spec, &built_in, document, None, serving.version);
            Ok(Shown { body: shown.to_string().into(), etag: None })
        }
        None => Err(not_found(control, id).await),
    }
}

/// The record of a resource that the caller may see by the right to do `action` on it.
///
/// # Errors
/// 403 before 404, as [`get`].
pub(crate) async fn require_readable(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    action: &str,
) -> Result<Record, Error> {
    control.authorization().snapshot().await.require(context, action, id.key())?;
    match control.store().get(id.key()).await.map_err(|e| store_error(&e))? {
        Some(record) => Ok(record),
        None => Err(not_found(control, id).await),
    }
}

/// Which part of the path is missing: the subscription, the group, or the resource itself.
async fn not_found(control: &Control, id: &ResourceId) -> Error {
    let group = id.resource_group_scope();
    let subscription = id.subscription().and_then(|s| ResourceId::subscription_scope(s).ok());
    for scope in [subscription, group].into_iter().flatten() {
        if matches!(control.store().stamp(scope.key()).await, Ok(None)) {
            return missing_scope(&scope);
        }
    }
    Error::resource_not_found(id.as_str())
}

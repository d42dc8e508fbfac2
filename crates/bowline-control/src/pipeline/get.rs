//! GET of one resource.

use bowline_arm::{ApiVersion, Error, ResourceId};
use serde_json::Value;

use super::document::{parse, render};
use super::put::missing_scope;
use super::store_error;
use crate::Control;
use crate::context::OpContext;

/// Reads a resource in the caller's api-version, with its entity tag.
///
/// # Errors
/// 403 before 404: who may not read learns nothing of what exists.
pub async fn get(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    version: &ApiVersion,
) -> Result<(Value, Option<String>), Error> {
    let provider = control.registry().find(id.resource_type())?;
    let spec = provider.spec();
    let own = context.actor.resource.as_deref() == Some(id.key());
    let enrolling =
        context.actor.enrollment.as_ref().is_some_and(|g| g.require(id, spec.agent_key.is_some()).is_ok());
    if !own && !enrolling {
        control.authorization().snapshot().await.require(context, &spec.action_of("read"), id.key())?;
    }
    if let Some(record) = control.store().get(id.key()).await.map_err(|e| store_error(&e))? {
        let document = parse(&record)?;
        let counter = provider.counter(&document);
        let mut body = control.show(spec, &record, document, spec.serving(version), context.now)?;
        if let Some((kind, key)) = counter {
            let entry = control.store().entry(kind, &key).await.map_err(|e| store_error(&e))?;
            crate::provider::properties_of(&mut body)
                .insert("uses".to_owned(), entry.map_or(0, |e| e.uses).into());
        }
        return Ok((body, Some(record.etag)));
    }
    let scope = id.parent().unwrap_or_else(ResourceId::root);
    match provider
        .built_in(&scope)
        .into_iter()
        .find(|(built_in, _)| built_in.name().eq_ignore_ascii_case(id.name()))
    {
        Some((built_in, document)) => {
            Ok((render(spec, &built_in, document, None, spec.serving(version)), None))
        }
        None => Err(not_found(control, id).await),
    }
}

/// Which part of the path is missing: the subscription, the group, or the resource itself.
async fn not_found(control: &Control, id: &ResourceId) -> Error {
    let group = id.resource_group_scope();
    let subscription = id.subscription().and_then(|s| ResourceId::subscription_scope(s).ok());
    for scope in [subscription, group].into_iter().flatten() {
        if matches!(control.store().get(scope.key()).await, Ok(None)) {
            return missing_scope(&scope);
        }
    }
    Error::resource_not_found(id.as_str())
}

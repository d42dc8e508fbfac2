//! GET of a part of a resource, e.g. `…/machines/{name}/networkProfile`: whoever may read the resource may read its parts.

use bowline_arm::{Error, ResourceId, ResourceType};
use serde_json::Value;

use super::document::parse;
use super::store_error;
use crate::Control;
use crate::context::OpContext;

/// The part of `id` that `asked` names, or `None` when that is a type or the resource has no such part.
///
/// # Errors
/// 403 before 404: who may not read learns nothing of what exists.
pub async fn view(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    asked: &ResourceType,
) -> Result<Option<Value>, Error> {
    let Some(provider) = control.registry().by_key(id.resource_type().key()) else { return Ok(None) };
    let last = asked.as_str().rsplit('/').next().unwrap_or_default();
    let Some(view) = provider.views().iter().find(|v| v.eq_ignore_ascii_case(last)) else { return Ok(None) };
    let action = provider.spec().action_of("read");
    control.authorization().snapshot().await.require(context, &action, id.key())?;
    let record = control.store().get(id.key()).await.map_err(|e| store_error(&e))?;
    let record = record.ok_or_else(|| Error::resource_not_found(id.as_str()))?;
    provider.view(view, &parse(&record)?).map(Some)
}

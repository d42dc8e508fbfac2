//! POST of an action on a resource, e.g. `…/enrollmentTokens/{name}/listToken`.

use std::sync::Arc;

use bowline_arm::{Error, ResourceId};
use bowline_store::{Commit, Write};
use serde_json::Value;

use super::document::{parse, record_id, stamp};
use super::{Attempts, commit_error, store_error};
use crate::Control;
use crate::activity::Done;
use crate::authorization::Asked;
use crate::context::OpContext;
use crate::provider::{Act, Acting, unknown_action};

/// Performs an action.
///
/// # Errors
/// ARM errors for the caller.
pub async fn action(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    name: &str,
    body: &Value,
) -> Result<Value, Error> {
    let provider = Arc::clone(control.registry().find(id.resource_type())?);
    let spec = provider.spec();
    let name = provider
        .actions()
        .iter()
        .find(|a| a.eq_ignore_ascii_case(name))
        .ok_or_else(|| unknown_action(spec.resource_type, name))?;
    let mut attempts = Attempts::new(control, spec);
    loop {
        attempts.next().await?;
        let action = spec.action_of(&format!("{name}/action"));
        let asked = Asked { request: Some(body), ..Asked::new(&action, id) };
        let permitted = control.authorize(context, &asked).await;
        let record = control.store().get(id.key()).await.map_err(|e| store_error(&e))?;
        let before = record.as_ref().map(parse).transpose()?;
        let owner = before.as_ref().is_some_and(|b| provider.owner_may(name, b, context.actor.object_id));
        let snapshot = match permitted {
            Err(_) if owner => control.authorization().snapshot().await,
            permitted => permitted?,
        };
        let (Some(record), Some(before)) = (record, before) else {
            return Err(Error::resource_not_found(id.as_str()));
        };
        snapshot.refuse_write(context, id)?;
        let secrets = control.open_secrets(&record)?;
        let principals = control.principals(&snapshot, provider.principals_in_action(body)).await?;
        let acting = Acting {
            context,
            id,
            document: &before,
            secrets: &secrets,
            body,
            settings: control.settings(),
            principals: &principals,
        };
        match provider.act(name, &acting)? {
            Act::Answer(answer) => return Ok(answer),
            Act::Change { mut document, secrets, answer } => {
                stamp(&mut document, Some(&before), context);
                let draft =
                    control.draft(&*provider, &record_id(&record)?, record.uid, &document, &secrets)?;
                let (before, after) = (Some(record.etag.as_str()), Some(draft.etag.as_str()));
                let done = Done { action: &action, id, before, after, operation: None };
                let commit = Commit {
                    activity: control.tell(context, &done),
                    guards: snapshot.guards(context),
                    writes: vec![Write::Update { draft, expected: Some(record.revision) }],
                    ..control.empty_commit(context)
                };
                match control.commit(context, commit, spec.watermark).await {
                    Ok(_) => return Ok(answer),
                    Err(error) => {
                        if let Some(error) = commit_error(&error) {
                            return Err(error);
                        }
                    }
                }
            }
        }
    }
}

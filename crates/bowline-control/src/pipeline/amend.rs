//! A change of one part of a resource by a right of its own: tags, a subscription's state or place, a feature.
//!
//! The same steps and the same guarded commit as a PUT; only the action that is asked for and what may change differ.

use std::sync::Arc;

use bowline_arm::{Error, ResourceId};
use bowline_store::{Commit, Record, Write};
use serde_json::Value;

use super::document::{parse, record_id, same_content, stamp};
use super::put::missing_scope;
use super::{Attempts, commit_error, store_error};
use crate::Control;
use crate::activity::Done;
use crate::authorization::Snapshot;
use crate::context::OpContext;

/// What an amendment does to the document; it may ask the snapshot for further rights.
pub(crate) type Change<'a, T> = dyn Fn(&mut Value, &Snapshot) -> Result<T, Error> + Send + Sync + 'a;

/// Changes a resource by the right to do `action` on it; a document that stays the same costs no write.
///
/// # Errors
/// As a PUT of the resource; 404 when it does not exist.
pub(crate) async fn amend<T: Send>(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    action: &str,
    change: &Change<'_, T>,
) -> Result<(Record, T), Error> {
    let provider = Arc::clone(control.registry().find(id.resource_type())?);
    let spec = provider.spec();
    let mut attempts = Attempts::new(control, spec);
    loop {
        attempts.next().await?;
        let snapshot = control.authorization().snapshot().await;
        snapshot.require(context, action, id.key())?;
        let record = read(control, id).await?;
        snapshot.refuse_write(context, id)?;
        let before = parse(&record)?;
        let mut document = before.clone();
        let answer = change(&mut document, &snapshot)?;
        if same_content(&before, &document) {
            return Ok((record, answer));
        }
        stamp(&mut document, Some(&before), context);
        let secrets = control.open_secrets(&record)?;
        let draft = control.draft(&*provider, &record_id(&record)?, record.uid, &document, &secrets)?;
        let (text, etag) = (draft.document.clone(), draft.etag.clone());
        let done = Done { action, id, before: Some(&record.etag), after: Some(&etag), operation: None };
        let commit = Commit {
            activity: control.tell(context, &done),
            guards: snapshot.guards(context),
            writes: vec![Write::Update { draft, expected: Some(record.revision) }],
            ..control.empty_commit(context)
        };
        match control.commit(context, commit, spec.watermark).await {
            Ok(committed) => {
                let revision = committed.revisions.first().copied().unwrap_or(record.revision);
                let updated_at = context.now;
                return Ok((Record { revision, document: text, etag, updated_at, ..record }, answer));
            }
            Err(error) => {
                if let Some(error) = commit_error(&error) {
                    return Err(error);
                }
            }
        }
    }
}

/// The record, which must exist and stay.
async fn read(control: &Control, id: &ResourceId) -> Result<Record, Error> {
    let record = control.store().get(id.key()).await.map_err(|e| store_error(&e))?;
    match record {
        Some(record) if record.deleting => Err(Error::conflict(
            "ResourceBeingDeleted",
            format!("'{id}' is being deleted. Wait until that has ended, then create it again."),
        )),
        Some(record) => Ok(record),
        None => Err(match id.resource_type().key() {
            "microsoft.resources/subscriptions" | "microsoft.resources/resourcegroups" => missing_scope(id),
            _ => Error::resource_not_found(id.as_str()),
        }),
    }
}

//! The server's own writes on a resource: connectivity, what an agent reported, keys. The same guarded commit as a caller's PUT.
//!
//! What is merely observed is no entry of the activity log; what changes who may come in (`told`) is one.

use std::collections::BTreeMap;

use bowline_arm::Error;
use bowline_store::{Commit, Record, Write};
use serde_json::Value;

use super::document::{parse, record_id, same_content};
use super::{ATTEMPTS, commit_error, contended, store_error};
use crate::Control;
use crate::activity::Done;
use crate::context::OpContext;

/// What a status write does to the document; gives false when there is nothing to change.
pub type StatusChange<'a> = dyn Fn(&mut Value) -> bool + Send + Sync + 'a;

/// Changes the server's part of a resource; a document that stays the same costs no write.
///
/// # Errors
/// `ResourceNotFound` when it is gone or was made anew (`uid`), store errors otherwise.
pub async fn update_status(
    control: &Control,
    context: &OpContext,
    key: &str,
    uid: uuid::Uuid,
    change: &StatusChange<'_>,
) -> Result<Record, Error> {
    write_status(control, context, key, uid, change, None).await
}

/// As [`update_status`], with an entry in the activity log under the verb of the type.
///
/// # Errors
/// As [`update_status`].
pub async fn update_status_told(
    control: &Control,
    context: &OpContext,
    (key, uid): (&str, uuid::Uuid),
    verb: &str,
    change: &StatusChange<'_>,
) -> Result<Record, Error> {
    write_status(control, context, key, uid, change, Some(verb)).await
}

async fn write_status(
    control: &Control,
    context: &OpContext,
    key: &str,
    uid: uuid::Uuid,
    change: &StatusChange<'_>,
    verb: Option<&str>,
) -> Result<Record, Error> {
    for _ in 0..ATTEMPTS {
        let record = control
            .store()
            .get(key)
            .await
            .map_err(|e| store_error(&e))?
            .filter(|r| r.uid == uid)
            .ok_or_else(|| Error::resource_not_found(key))?;
        let before = parse(&record)?;
        let mut document = before.clone();
        if !change(&mut document) || same_content(&before, &document) {
            return Ok(record);
        }
        let provider = control
            .registry()
            .by_key(&record.resource_type)
            .ok_or_else(|| Error::internal(format!("no provider for {}", record.resource_type)))?;
        let secrets =
            if record.protected.is_some() { control.open_secrets(&record)? } else { BTreeMap::new() };
        let id = record_id(&record)?;
        let mut draft = control.draft(&**provider, &id, record.uid, &document, &secrets)?;
        draft.deleting = record.deleting;
        let action = verb.map(|verb| provider.spec().action_of(verb));
        let (before, after) = (Some(record.etag.as_str()), Some(draft.etag.as_str()));
        let done = action.as_deref().map(|action| Done { action, id: &id, before, after, operation: None });
        let commit = Commit {
            activity: done.map(|done| control.tell(context, &done)).unwrap_or_default(),
            writes: vec![Write::Update { draft: draft.clone(), expected: Some(record.revision) }],
            ..control.empty_commit(context)
        };
        match control.commit(context, commit, provider.spec().watermark).await {
            Ok(committed) => {
                let revision = committed.revisions.first().copied().unwrap_or(record.revision);
                return Ok(Record {
                    revision,
                    document: draft.document,
                    etag: draft.etag,
                    updated_at: context.now,
                    ..record
                });
            }
            Err(error) => {
                if let Some(error) = commit_error(&error) {
                    return Err(error);
                }
            }
        }
    }
    Err(contended())
}

//! DELETE: at once when nothing lies below, else as an operation that deletes from the leaves up and survives a restart.

use std::sync::Arc;

use bowline_arm::{Error, Precondition, ResourceId};
use bowline_store::{Commit, CommitError, EntryWrite, Guard, Reason, Record, Write};
use serde_json::Value;

use super::document::parse;
use super::put::check_precondition;
use super::{Attempts, commit_error, store_error};
use crate::Control;
use crate::authorization::{Asked, Snapshot};
use crate::context::OpContext;
use crate::operations::Task;
use crate::provider::ResourceProvider;

/// What a DELETE answers.
#[derive(Debug)]
pub enum Deleted {
    /// Gone; the status that strict clients of the type expect.
    Now(u16),
    /// Gone, and its clients read in the answer what it was.
    Was(Box<Record>),
    /// There was nothing: 204.
    Absent,
    /// Under way.
    Operation(Box<bowline_arm::Operation>),
}

/// Deletes a resource and what lies below it.
///
/// # Errors
/// ARM errors for the caller.
pub async fn delete(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    precondition: &Precondition,
) -> Result<Deleted, Error> {
    let provider = Arc::clone(control.registry().find(id.resource_type())?);
    if !provider.spec().writable {
        return Err(Error::new(
            405,
            "MethodNotAllowed",
            format!("{} cannot be deleted; it is read-only.", provider.spec().resource_type),
        ));
    }
    let mut attempts = Attempts::new(control, provider.spec());
    loop {
        attempts.next().await?;
        let action = provider.spec().action_of("delete");
        let snapshot = control.authorize(context, &Asked::new(&action, id)).await?;
        let Some(record) = control.store().get(id.key()).await.map_err(|e| store_error(&e))? else {
            check_precondition(precondition, None, id)?;
            // The clients of groups take no 204, and nothing can be said of what lies in no subscription.
            let group = id.resource_type().key() == "microsoft.resources/resourcegroups";
            return match group || snapshot.lacks_subscription(id) {
                true => Err(snapshot.missing_scope(id)),
                false => Ok(Deleted::Absent),
            };
        };
        check_precondition(precondition, Some(&record), id)?;
        snapshot.refuse_delete(context, id)?;
        provider.admit_delete(context, id, &parse(&record)?)?;
        provider.admit_delete_under(&snapshot, context, id)?;
        if let Some(deleted) = try_delete(control, context, &*provider, id, &record, &snapshot).await? {
            return Ok(deleted);
        }
    }
}

async fn try_delete(
    control: &Control,
    context: &OpContext,
    provider: &dyn ResourceProvider,
    id: &ResourceId,
    record: &Record,
    snapshot: &Snapshot,
) -> Result<Option<Deleted>, Error> {
    // A resource group is always deleted as an operation, because its clients poll for it.
    if id.resource_type().key() != "microsoft.resources/resourcegroups" && !record.deleting {
        match remove_leaf(control, context, provider, record, Some(snapshot)).await {
            Ok(()) if provider.shows_deleted() => return Ok(Some(Deleted::Was(Box::new(record.clone())))),
            Ok(()) => return Ok(Some(Deleted::Now(provider.spec().statuses.deleted))),
            Err(CommitError::Refused(refusal)) if refusal.reason == Reason::HasDescendants => {}
            Err(error) => return commit_error(&error).map_or(Ok(None), Err),
        }
    }
    if record.deleting
        && let Some(running) = control.operations().running_on(id).await?
    {
        return Ok(Some(Deleted::Operation(Box::new(running))));
    }
    let mut draft = record.to_draft();
    draft.deleting = true;
    let mut document: Value = parse(record)?;
    crate::provider::properties_of(&mut document).insert("provisioningState".to_owned(), "Deleting".into());
    draft.document = document.to_string();
    draft.etag = super::document::etag(draft.uid, &draft.document, draft.protected.as_deref());
    let (operation, entry) = control.operations().begin(
        context,
        id,
        Task::DeleteTree { id: id.as_str().to_owned(), uid: record.uid },
    )?;
    let commit = Commit {
        guards: snapshot.guards(context),
        writes: vec![Write::Update { draft, expected: Some(record.revision) }],
        entries: vec![entry],
        ..control.empty_commit(context)
    };
    match control.commit(context, commit, provider.spec().watermark).await {
        Ok(_) => {
            control.operations().wake();
            Ok(Some(Deleted::Operation(Box::new(operation))))
        }
        Err(error) => commit_error(&error).map_or(Ok(None), Err),
    }
}

/// Deletes one record that has nothing below it, with what the server keeps beside it.
pub(crate) async fn remove_leaf(
    control: &Control,
    context: &OpContext,
    provider: &dyn ResourceProvider,
    record: &Record,
    snapshot: Option<&Snapshot>,
) -> Result<(), CommitError> {
    let mut guards = snapshot.map_or_else(Vec::new, |s| s.guards(context));
    guards.push(Guard::NoDescendants { key: record.key.clone() });
    let write = Write::Delete { key: record.key.clone(), uid: record.uid, expected: Some(record.revision) };
    let document: Value = serde_json::from_str(&record.document).unwrap_or_default();
    let entries = provider
        .entries_beside(&document)
        .into_iter()
        .map(|(kind, key)| EntryWrite::Remove { kind: kind.to_owned(), key })
        .collect();
    control
        .commit(
            context,
            Commit { guards, writes: vec![write], entries, ..control.empty_commit(context) },
            provider.spec().watermark,
        )
        .await?;
    Ok(())
}

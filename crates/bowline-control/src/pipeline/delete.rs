//! DELETE: at once when little lies below, else as an operation that deletes from the leaves up and survives a restart.

use std::sync::Arc;

use bowline_arm::{Error, Precondition, ResourceId};
use bowline_store::{Commit, CommitError, EntryWrite, Guard, List, Reason, Record, Write};
use serde_json::Value;

use super::document::{parse, record_id};
use super::put::check_precondition;
use super::{Attempts, commit_error, contended, store_error};
use crate::Control;
use crate::activity::Done;
use crate::authorization::{Asked, Snapshot};
use crate::context::OpContext;
use crate::operations::Task;
use crate::provider::ResourceProvider;

/// The most resources that one request deletes, itself among them.
const SMALL_TREE: u32 = 64;

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
    let group = id.resource_type().key() == "microsoft.resources/resourcegroups";
    if !group && !record.deleting {
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
    control.operations().require_room(context).await?;
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
    let done = Done {
        action: &provider.spec().action_of("delete"),
        id,
        before: Some(&record.etag),
        after: Some(&draft.etag),
        operation: Some(operation.name),
    };
    let activity = control.tell(context, &done);
    let commit = Commit {
        guards: snapshot.guards(context),
        writes: vec![Write::Update { draft, expected: Some(record.revision) }],
        entries: vec![entry],
        activity,
        ..control.empty_commit(context)
    };
    match control.commit(context, commit, provider.spec().watermark).await {
        Ok(_) => {
            if !group && finish_small_tree(control, context, id, record.uid, &operation).await? {
                return Ok(Some(Deleted::Now(provider.spec().statuses.deleted)));
            }
            control.operations().wake();
            Ok(Some(Deleted::Operation(Box::new(operation))))
        }
        Err(error) => commit_error(&error).map_or(Ok(None), Err),
    }
}

/// Finishes an operation in the request that began it when little lies below: the clients of most types take no 202. Gives whether it is finished; when
/// not, it goes on as any other.
async fn finish_small_tree(
    control: &Control,
    context: &OpContext,
    id: &ResourceId,
    uid: uuid::Uuid,
    operation: &bowline_arm::Operation,
) -> Result<bool, Error> {
    let list = List { prefix: Some(id.key().to_owned()), limit: SMALL_TREE + 1, ..List::default() };
    let below = control.store().stamps(&list).await.map_err(|e| store_error(&e))?;
    if below.len() > SMALL_TREE as usize {
        return Ok(false);
    }
    if let Err(error) = delete_tree(control, context, id.as_str(), uid).await {
        tracing::info!(resource = %id, %error, "a deletion goes on as an operation");
        return Ok(false);
    }
    let Some(stored) = control.operations().find(operation.name).await? else { return Ok(true) };
    let entry = control.operations().finish(&stored, Ok(()), context.now)?;
    // The reconciler finishes it too, should this be lost.
    Ok(control.write_entries("operations", vec![entry], context.now).await.is_ok())
}

/// Deletes a resource and everything below it, from the leaves up.
pub(crate) async fn delete_tree(
    control: &Control,
    context: &OpContext,
    id: &str,
    uid: uuid::Uuid,
) -> Result<(), Error> {
    let root: ResourceId = id.parse().map_err(Error::internal)?;
    match control.store().get(root.key()).await.map_err(|e| store_error(&e))? {
        Some(record) if record.uid == uid => {}
        // Gone already, or made anew by somebody who must not lose it.
        _ => return Ok(()),
    }
    loop {
        let list = List { prefix: Some(root.key().to_owned()), limit: 1000, ..List::default() };
        let mut records = control.store().list(&list).await.map_err(|e| store_error(&e))?;
        if records.is_empty() {
            return Ok(());
        }
        // Children have longer keys than their parents.
        records.sort_by_key(|r| std::cmp::Reverse(r.key.matches('/').count()));
        let mut progress = false;
        for record in &records {
            let provider = Arc::clone(
                control
                    .registry()
                    .by_key(&record.resource_type)
                    .ok_or_else(|| Error::internal(format!("no provider for {}", record.resource_type)))?,
            );
            match remove_leaf(control, context, &*provider, record, None).await {
                Ok(()) => progress = true,
                // The request that began the operation and the background task may both work on it.
                Err(CommitError::Refused(refusal)) if refusal.reason == Reason::Missing => progress = true,
                Err(CommitError::Refused(refusal))
                    if matches!(
                        refusal.reason,
                        Reason::HasDescendants | Reason::Changed | Reason::OtherUid
                    ) => {}
                Err(error) => return Err(commit_error(&error).unwrap_or_else(contended)),
            }
        }
        if !progress {
            return Err(contended());
        }
    }
}

/// Deletes one record that has nothing below it, with what the server keeps beside it.
async fn remove_leaf(
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
    let action = provider.spec().action_of("delete");
    let id = record_id(record).map_err(|error| CommitError::Invalid(error.to_string()))?;
    let done = Done { action: &action, id: &id, before: Some(&record.etag), after: None, operation: None };
    let activity = control.tell(context, &done);
    control
        .commit(
            context,
            Commit { guards, writes: vec![write], entries, activity, ..control.empty_commit(context) },
            provider.spec().watermark,
        )
        .await?;
    Ok(())
}

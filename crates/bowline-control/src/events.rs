//! The public stream of changed resources below a scope, masked like LIST, resumed by cursor.

use std::sync::Arc;

use bowline_arm::{Error, ResourceId};
use bowline_store::{Change, ChangeKind, Head, List, Revision, StoreError};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::Control;
use crate::authorization::Snapshot;
use crate::context::OpContext;
use crate::pipeline::{render, render_record, store_error};
use crate::provider::Spec;

/// How many resources one `snapshot` event holds.
const SNAPSHOT_PAGE: u32 = 200;
/// How many changes are read at once.
const BATCH: u32 = 500;

/// One event of the stream.
#[derive(Clone, Debug)]
pub struct Event {
    /// `snapshot`, `ready`, `changed` or `deleted`.
    pub name: &'static str,
    /// The cursor to resume after it.
    pub cursor: String,
    /// JSON.
    pub data: Value,
}

enum Phase {
    Snapshot { after: Option<String>, until: Revision },
    Ready,
    Live,
}

/// A stream that was begun; [`Stream::next`] gives its events.
pub struct Stream {
    control: Arc<Control>,
    context: OpContext,
    scope: ResourceId,
    head: watch::Receiver<Head>,
    position: Head,
    phase: Phase,
    queue: std::collections::VecDeque<Event>,
}

/// Reads a cursor.
fn parse_cursor(text: &str) -> Option<Head> {
    let (epoch, revision) = text.split_once('.')?;
    Some(Head { epoch: epoch.parse::<Uuid>().ok()?, revision: Revision(revision.parse().ok()?) })
}

fn cursor(head: Head) -> String {
    format!("{}.{}", head.epoch.simple(), head.revision.0)
}

async fn require_any_role(control: &Control, context: &OpContext, scope: &ResourceId) -> Result<(), Error> {
    match control.authorization().snapshot().await.has_any_role(context, scope.key()) {
        true => Ok(()),
        false => Err(Error::forbidden(&context.actor.name, "Microsoft.Bowline/events/read", scope.key())),
    }
}

impl Stream {
    /// Begins a stream at a cursor, or with a snapshot when there is none or it is of another epoch.
    ///
    /// # Errors
    /// When the scope cannot be seen at all, or the store cannot be read.
    pub async fn begin(
        control: Arc<Control>,
        context: OpContext,
        scope: ResourceId,
        from: Option<&str>,
    ) -> Result<Self, Error> {
        let mut head = control.store().watch();
        let now = control.store().head().await.map_err(|e| store_error(&e))?;
        head.borrow_and_update();
        require_any_role(&control, &context, &scope).await?;
        let resumed =
            from.and_then(parse_cursor).filter(|c| c.epoch == now.epoch && c.revision <= now.revision);
        let (position, phase) = match resumed {
            Some(position) => (position, Phase::Live),
            None => (now, Phase::Snapshot { after: None, until: now.revision }),
        };
        Ok(Self { control, context, scope, head, position, phase, queue: std::collections::VecDeque::new() })
    }

    /// Whether the caller may still see anything here; asked again whenever roles, principals or groups have changed.
    ///
    /// # Errors
    /// Why the stream must end.
    pub async fn require_right(&self) -> Result<(), Error> {
        self.control.require_alive(&self.context.actor).await?;
        require_any_role(&self.control, &self.context, &self.scope).await
    }

    /// The next event; waits for a change once everything was told.
    ///
    /// # Errors
    /// When the store cannot be read: the client reconnects with its cursor.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(event);
            }
            match &self.phase {
                Phase::Snapshot { after, until } => {
                    let (after, until) = (after.clone(), *until);
                    return self.snapshot(after, until).await;
                }
                Phase::Ready => {
                    self.phase = Phase::Live;
                    return Ok(Event { name: "ready", cursor: cursor(self.position), data: json!({}) });
                }
                Phase::Live => self.live().await?,
            }
        }
    }

    async fn snapshot(&mut self, after: Option<String>, until: Revision) -> Result<Event, Error> {
        let prefix = (self.scope.key() != "/").then(|| self.scope.key().to_owned());
        let list =
            List { prefix, after, limit: SNAPSHOT_PAGE, created_until: Some(until), ..List::default() };
        let records = self.control.store().list(&list).await.map_err(|e| store_error(&e))?;
        self.phase = match records.last().filter(|_| records.len() == SNAPSHOT_PAGE as usize) {
            Some(last) => Phase::Snapshot { after: Some(last.key.clone()), until },
            None => Phase::Ready,
        };
        let snapshot = self.control.authorization().snapshot().await;
        let mut value = Vec::new();
        for record in &records {
            let Some(provider) = self.control.registry().by_key(&record.resource_type) else { continue };
            let spec = provider.spec();
            if self.may_read(&snapshot, spec, &record.key, &record.document) {
                value.push(render_record(spec, record, spec.shape.latest())?);
            }
        }
        // A client that loses the stream in the middle of a snapshot must begin it again: its cursor is of no epoch.
        Ok(Event { name: "snapshot", cursor: "snapshot".to_owned(), data: json!({ "value": value }) })
    }

    async fn live(&mut self) -> Result<(), Error> {
        match self.control.store().changes(self.position.revision, BATCH).await {
            Ok(changes) if changes.is_empty() => {
                self.head
                    .changed()
                    .await
                    .map_err(|_| Error::unavailable("The server is going down; connect again.", 2))?;
                let head = *self.head.borrow_and_update();
                if head.epoch != self.position.epoch {
                    self.start_over(head);
                }
            }
            Ok(changes) => {
                for change in &changes {
                    self.position.revision = change.revision;
                    let event = self.event(change).await?;
                    self.queue.extend(event);
                }
            }
            Err(StoreError::Compacted { .. }) => {
                let head = self.control.store().head().await.map_err(|e| store_error(&e))?;
                self.start_over(head);
            }
            Err(error) => return Err(store_error(&error)),
        }
        Ok(())
    }

    fn start_over(&mut self, head: Head) {
        self.position = head;
        self.phase = Phase::Snapshot { after: None, until: head.revision };
    }

    /// The mask is made once for a snapshot of roles.
    fn may_read(&self, snapshot: &Snapshot, spec: &Spec, key: &str, document: &str) -> bool {
        let action = spec.action_of("read");
        let mask = snapshot.scopes(&self.context, &action);
        mask.is_none_or(|mask| snapshot.shows(&self.context, &mask, &action, key, document))
    }

    async fn event(&self, change: &Change) -> Result<Option<Event>, Error> {
        let Ok(id) = change.id.parse::<ResourceId>() else { return Ok(None) };
        let Some(provider) =
            self.control.registry().by_key(&change.resource_type).filter(|_| self.scope.contains(&id))
        else {
            return Ok(None);
        };
        let spec = provider.spec();
        let snapshot = self.control.authorization().snapshot().await;
        if !self.may_read(&snapshot, spec, &change.key, change.document.as_deref().unwrap_or("null")) {
            return Ok(None);
        }
        let cursor = cursor(self.position);
        Ok(Some(match (&change.kind, &change.document) {
            (ChangeKind::Deleted, _) | (_, None) => Event {
                name: "deleted",
                cursor,
                data: json!({"id": id.as_str(), "type": spec.resource_type}),
            },
            (_, Some(document)) => {
                let document: Value = serde_json::from_str(document).map_err(Error::internal)?;
                Event {
                    name: "changed",
                    cursor,
                    data: render(spec, &id, document, Some(&change.etag), spec.shape.latest()),
                }
            }
        }))
    }
}

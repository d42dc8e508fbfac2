//! Agents' open sessions on this server: one per resource. A channel per session says "look again" or "end".
//!
//! # Design notes
//! The newest attachment of one installation owns the resource: an agent that lost its connection without the server noticing must get in at
//! once. Another installation with the same key (a cloned disk) is refused while the first one is alive, because the two would
//! otherwise throw each other out forever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_link::item::DesiredDocument;
use bowline_link::message::{End, EndReason};
use tokio::sync::watch;
use uuid::Uuid;

/// What a session must know: the document it should have sent, and whether it should end.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The agent's desired document.
    pub document: Arc<DesiredDocument>,
    /// Set once: the session ends with this line.
    pub end: Option<End>,
    /// Sources to send again.
    pub resync: Option<String>,
}

struct Handle {
    session: Uuid,
    attachment: Uuid,
    key: Arc<str>,
    instance: Box<str>,
    /// The thumbprint of the key that the agent had when it came.
    thumbprint: Option<Box<str>>,
    signal: watch::Sender<Signal>,
}

/// One agent's place; giving it up is [`Sessions::detach`].
#[derive(Debug)]
pub struct Attachment {
    /// The session's id.
    pub session: Uuid,
    /// This connection's own id: several polls, one after the other, are one session.
    pub id: Uuid,
    /// Its signals.
    pub signal: watch::Receiver<Signal>,
}

/// The agent runs twice: a disk was cloned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another installation is connected with this identity")]
pub struct Cloned;

/// The sessions of this server.
#[derive(Default)]
pub struct Sessions {
    by_resource: Mutex<HashMap<Uuid, Handle>>,
}

impl Sessions {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Handle>> {
        self.by_resource.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session for the resource `uid`; an older connection of the same installation ends. With `resume` the older one's
    /// session goes on: the agent reports under it while its next poll waits. `elsewhere` is the session that another server holds for it.
    ///
    /// # Errors
    /// [`Cloned`] when another installation holds the resource.
    pub fn attach(
        &self,
        uid: Uuid,
        key: &str,
        instance: &str,
        document: Arc<DesiredDocument>,
        resume: bool,
        elsewhere: Option<Uuid>,
    ) -> Result<Attachment, Cloned> {
        let mut sessions = self.lock();
        let mut session = elsewhere.filter(|_| resume).unwrap_or_else(bowline_auth::random::guid);
        if let Some(held) = sessions.get(&uid) {
            let ending = held.signal.borrow().end.is_some();
            if &*held.instance != instance && !held.signal.is_closed() && !ending {
                return Err(Cloned);
            }
            if resume && &*held.instance == instance && !ending {
                session = held.session;
            }
            end(held, EndReason::Replaced, "A newer session of this agent was opened.");
        }
        let id = bowline_auth::random::guid();
        let (sender, signal) = watch::channel(Signal { document, end: None, resync: None });
        let (key, instance) = (key.into(), instance.into());
        sessions
            .insert(uid, Handle { session, attachment: id, key, instance, thumbprint: None, signal: sender });
        Ok(Attachment { session, id, signal })
    }

    /// Closes a connection by its own id; gives whether the resource has none now.
    pub fn detach(&self, uid: Uuid, attachment: Uuid) -> bool {
        let mut sessions = self.lock();
        match sessions.get(&uid) {
            Some(held) if held.attachment == attachment => {
                sessions.remove(&uid);
                true
            }
            Some(_) => false,
            None => true,
        }
    }

    /// Whether the resource has a session here.
    #[must_use]
    pub fn is_attached(&self, uid: Uuid) -> bool {
        self.lock().contains_key(&uid)
    }

    /// Whether this is the resource's session.
    #[must_use]
    pub fn is_current(&self, uid: Uuid, session: Uuid) -> bool {
        self.lock().get(&uid).is_some_and(|h| h.session == session)
    }

    /// Every resource with a session here, and its connection.
    #[must_use]
    pub fn connections(&self) -> Vec<(Uuid, Uuid)> {
        self.lock().iter().map(|(uid, handle)| (*uid, handle.attachment)).collect()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Ends a resource's session with a reason.
    pub fn end(&self, uid: Uuid, reason: EndReason, message: &str) {
        if let Some(handle) = self.lock().get(&uid) {
            end(handle, reason, message);
        }
    }

    /// Notes with which key the agent of a connection came.
    pub fn note_key(&self, uid: Uuid, attachment: Uuid, thumbprint: Option<&str>) {
        if let Some(handle) = self.lock().get_mut(&uid).filter(|h| h.attachment == attachment) {
            handle.thumbprint = thumbprint.map(Into::into);
        }
    }

    /// Ends the session of an agent whose key the document of its resource names no longer: it was replaced on another server.
    pub fn end_without_key(&self, uid: Uuid, document: &str) {
        if let Some(handle) = self.lock().get(&uid)
            && handle.thumbprint.as_ref().is_some_and(|thumbprint| !document.contains(&**thumbprint))
        {
            end(handle, EndReason::Replaced, "Another key was registered for this resource.");
        }
    }

    /// Ends every session: the server goes down.
    pub fn end_all(&self, reason: EndReason, message: &str) {
        self.lock().values().for_each(|handle| end(handle, reason, message));
    }

    /// Gives every session whose resource lies at or below `scope` its new document.
    pub fn publish(&self, scope: &str, document_of: impl Fn(&str) -> Arc<DesiredDocument>) {
        // The lock is held for the walk only: the documents are shared, and sending wakes the session without waiting for it.
        let targets: Vec<(Arc<str>, watch::Sender<Signal>)> = {
            let sessions = self.lock();
            let below = |key: &str| {
                scope == "/"
                    || key == scope
                    || key.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'))
            };
            sessions
                .values()
                .filter(|h| below(&h.key))
                .map(|h| (Arc::clone(&h.key), h.signal.clone()))
                .collect()
        };
        for (key, signal) in targets {
            let document = document_of(&key);
            signal.send_modify(|s| s.document = document);
        }
    }
}

fn end(handle: &Handle, reason: EndReason, message: &str) {
    let reconnect_after_seconds = match reason {
        EndReason::Draining => Some(2),
        _ => None,
    };
    handle
        .signal
        .send_modify(|s| s.end = Some(End { reason, message: message.to_owned(), reconnect_after_seconds }));
}

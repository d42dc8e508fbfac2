//! Agents' open sessions on this server: one per resource. A channel per session says "look again" or "end".
//!
//! # Design notes
//! The newest attachment of one installation owns the resource: an agent that lost its connection without the server noticing must get in at
//! once. Another installation with the same key (a cloned disk) is refused while the first one is alive, because the two would
//! otherwise throw each other out forever.

mod signal;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bowline_link::item::DesiredDocument;
use bowline_link::message::{End, EndReason};
use signal::Teller;
pub use signal::{Listener, Signal};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Tunnels that an agent is to open, in order.
#[derive(Debug, Default)]
pub struct Summons(Mutex<VecDeque<String>>);

/// The most that wait for an agent to be told.
const MAX_SUMMONS: usize = 16;

impl Summons {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one, and whether there are more.
    #[must_use]
    pub fn take(&self) -> Option<(String, bool)> {
        let mut waiting = self.lock();
        let next = waiting.pop_front()?;
        Some((next, !waiting.is_empty()))
    }
}

/// Why an agent is not asked for a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SummonError {
    /// It has no session here.
    #[error("the agent is not connected to this server")]
    NotHere,
    /// It opens none: it is older than they are, or was told so.
    #[error("the agent opens no tunnels")]
    NoTunnels,
    /// It was asked often and has not been told yet.
    #[error("the agent has not been told of those before")]
    Busy,
}

struct Handle {
    session: Uuid,
    attachment: Uuid,
    key: Arc<str>,
    instance: Box<str>,
    /// The thumbprint of the key that the agent had when it came.
    thumbprint: Option<Box<str>>,
    signal: Teller,
}

/// One agent's place; giving it up is [`Sessions::detach`].
#[derive(Debug)]
pub struct Attachment {
    /// The key of its resource.
    pub key: Arc<str>,
    /// The session's id.
    pub session: Uuid,
    /// This connection's own id: several polls, one after the other, are one session.
    pub id: Uuid,
    /// Its signals.
    pub signal: Listener,
}

/// The agent runs twice: a disk was cloned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another installation is connected with this identity")]
pub struct Cloned;

/// The sessions of this server.
#[derive(Default)]
pub struct Sessions {
    /// In boxes: a map has up to twice the room that it needs.
    by_resource: Mutex<HashMap<Uuid, Box<Handle>>>,
    ties: Mutex<HashMap<Uuid, Vec<Tie>>>,
}

/// Something that lives as long as an agent has its key.
struct Tie {
    thumbprint: Option<Box<str>>,
    ends: CancellationToken,
}

impl Sessions {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Box<Handle>>> {
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
        let mut summons = None;
        let mut session = elsewhere.filter(|_| resume).unwrap_or_else(bowline_auth::random::guid);
        if let Some(held) = sessions.get(&uid) {
            let ending = held.signal.look().end.is_some();
            if &*held.instance != instance && !held.signal.is_closed() && !ending {
                return Err(Cloned);
            }
            if resume && &*held.instance == instance && !ending {
                session = held.session;
                // What came between two polls is told with the next.
                summons = held.signal.look().summons.clone();
            }
            end(held, EndReason::Replaced, "A newer session of this agent was opened.");
        }
        let id = bowline_auth::random::guid();
        let (teller, signal) = signal::channel(Signal { document, end: None, summons });
        let key: Arc<str> = key.into();
        let (instance, at) = (instance.into(), Arc::clone(&key));
        let handle = Handle { session, attachment: id, key: at, instance, thumbprint: None, signal: teller };
        sessions.insert(uid, Box::new(handle));
        Ok(Attachment { key, session, id, signal })
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
        if reason == EndReason::Deleted {
            self.end_ties(uid, |_| true);
        }
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

    /// Notes that the agent of a connection opens tunnels.
    pub fn note_tunnels(&self, uid: Uuid, attachment: Uuid) {
        if let Some(handle) = self.lock().get(&uid).filter(|h| h.attachment == attachment) {
            handle.signal.tell(|signal| {
                let _ = signal.summons.get_or_insert_default();
            });
        }
    }

    /// Has the agent told to open a tunnel.
    ///
    /// # Errors
    /// See [`SummonError`].
    pub fn summon(&self, uid: Uuid, rendezvous: String) -> Result<(), SummonError> {
        let sessions = self.lock();
        let held = sessions.get(&uid).filter(|h| h.signal.look().end.is_none());
        let held = held.ok_or(SummonError::NotHere)?;
        let summons = held.signal.look().summons.clone().ok_or(SummonError::NoTunnels)?;
        let mut waiting = summons.lock();
        if waiting.len() >= MAX_SUMMONS {
            return Err(SummonError::Busy);
        }
        waiting.push_back(rendezvous);
        drop(waiting);
        held.signal.tell(|_| ());
        Ok(())
    }

    /// Has `ends` cancelled when the resource is deleted, or no longer names this key of its agent.
    pub fn tie(&self, uid: Uuid, thumbprint: Option<&str>, ends: CancellationToken) {
        let mut ties = self.ties.lock().unwrap_or_else(PoisonError::into_inner);
        let of_agent = ties.entry(uid).or_default();
        of_agent.retain(|tie| !tie.ends.is_cancelled());
        of_agent.push(Tie { thumbprint: thumbprint.map(Into::into), ends });
    }

    /// Forgets what has ended, and ends what no longer holds.
    fn end_ties(&self, uid: Uuid, over: impl Fn(&Tie) -> bool) {
        let mut ties = self.ties.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of_agent) = ties.get_mut(&uid) else { return };
        of_agent.iter().filter(|tie| over(tie)).for_each(|tie| tie.ends.cancel());
        of_agent.retain(|tie| !tie.ends.is_cancelled());
        if of_agent.is_empty() {
            ties.remove(&uid);
        }
    }

    /// Ends everything that was tied: the record is another one.
    pub fn end_all_ties(&self) {
        let mut ties = self.ties.lock().unwrap_or_else(PoisonError::into_inner);
        ties.drain().flat_map(|(_, of_agent)| of_agent).for_each(|tie| tie.ends.cancel());
    }

    /// Ends the session of an agent whose key the document of its resource names no longer: it was replaced on another server.
    pub fn end_without_key(&self, uid: Uuid, document: &str) {
        if let Some(handle) = self.lock().get(&uid)
            && handle.thumbprint.as_ref().is_some_and(|thumbprint| !document.contains(&**thumbprint))
        {
            end(handle, EndReason::Replaced, "Another key was registered for this resource.");
        }
        self.end_ties(uid, |tie| {
            tie.thumbprint.as_ref().is_some_and(|thumbprint| !document.contains(&**thumbprint))
        });
    }

    /// Ends every session: the server goes down.
    pub fn end_all(&self, reason: EndReason, message: &str) {
        self.lock().values().for_each(|handle| end(handle, reason, message));
    }

    /// Gives every session whose resource lies at or below `scope` its new document.
    pub fn publish(&self, scope: &str, document_of: impl Fn(&str) -> Arc<DesiredDocument>) {
        // The lock is held for the walk only: the documents are shared, and sending wakes the session without waiting for it.
        let targets: Vec<(Arc<str>, signal::Borrowed)> = {
            let sessions = self.lock();
            let below = |key: &str| {
                scope == "/"
                    || key == scope
                    || key.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'))
            };
            sessions
                .values()
                .filter(|h| below(&h.key))
                .map(|h| (Arc::clone(&h.key), h.signal.borrowed()))
                .collect()
        };
        for (key, signal) in targets {
            let document = document_of(&key);
            signal.tell(|s| s.document = document);
        }
    }
}

fn end(handle: &Handle, reason: EndReason, message: &str) {
    let reconnect_after_seconds = match reason {
        EndReason::Draining => Some(2),
        _ => None,
    };
    let end = End { reason, message: message.to_owned(), reconnect_after_seconds };
    handle.signal.tell(|signal| signal.end = Some(Box::new(end)));
}

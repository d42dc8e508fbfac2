//! Tunnels that are awaited: a one-time id, good for one agent and a few seconds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::Io;

/// Tunnels that may be awaited at once.
const MAX_AWAITED: usize = 4096;
/// The longest id that is looked at.
const MAX_ID: usize = 128;

/// An agent's bytes.
pub type Landed = Box<dyn Io>;

struct Waiting {
    agent: Uuid,
    landed: oneshot::Sender<Landed>,
}

/// See the module.
pub struct Awaited {
    server: Uuid,
    waiting: Mutex<HashMap<String, Waiting>>,
}

/// Somebody waits; dropping this is to wait no longer.
pub struct Awaiting<'a> {
    awaited: &'a Awaited,
    /// What the agent is told.
    pub id: String,
    /// The agent's bytes.
    pub landed: oneshot::Receiver<Landed>,
}

/// An id in its parts: the server that waits, and its secret.
#[must_use]
pub fn server_of(id: &str) -> Option<Uuid> {
    let (server, secret) = id.split_once('.').filter(|_| id.len() <= MAX_ID)?;
    (!secret.is_empty()).then(|| server.parse().ok())?
}

impl Awaited {
    pub(super) fn new(server: Uuid) -> Self {
        Self { server, waiting: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a tunnel of an agent; none when too many are awaited.
    #[must_use]
    pub fn begin(&self, agent: Uuid) -> Option<Awaiting<'_>> {
        let secret = hex::encode(bowline_auth::random::bytes::<32>());
        let id = format!("{}.{secret}", self.server);
        let (landed, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.len() >= MAX_AWAITED {
            return None;
        }
        waiting.insert(id.clone(), Waiting { agent, landed });
        drop(waiting);
        Some(Awaiting { awaited: self, id, landed: receiver })
    }

    /// Takes the place of a tunnel that arrives: once, and only by the agent that it is awaited from.
    #[must_use]
    pub fn take(&self, id: &str, agent: Uuid) -> Option<oneshot::Sender<Landed>> {
        let mut waiting = self.lock();
        // Another agent must not be able to spoil it either.
        if waiting.get(id)?.agent != agent {
            return None;
        }
        waiting.remove(id).map(|waiting| waiting.landed)
    }
}

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        self.awaited.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendezvous_is_for_one_agent_and_good_once() {
        let (server, agent, other) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let awaited = Awaited::new(server);
        let awaiting = awaited.begin(agent).unwrap();
        assert_eq!(server_of(&awaiting.id), Some(server));
        assert!(awaited.take(&awaiting.id, other).is_none(), "it is not another agent's");
        assert!(awaited.take("nonsense", agent).is_none());
        assert!(awaited.take(&awaiting.id, agent).is_some(), "and nobody else could spoil it");
        assert!(awaited.take(&awaiting.id, agent).is_none(), "it is used up");
        let second = awaited.begin(agent).unwrap();
        let id = second.id.clone();
        assert_ne!(id, awaiting.id);
        drop(second);
        assert!(awaited.take(&id, agent).is_none(), "nobody waits any more");
        assert!(awaited.lock().is_empty());
    }

    #[test]
    fn an_id_names_its_server() {
        let server = Uuid::from_u128(1);
        for bad in [
            "",
            ".",
            "x.y",
            &format!("{server}"),
            &format!("{server}."),
            &format!("{server}.{}", "a".repeat(128)),
        ] {
            assert_eq!(server_of(bad), None, "{bad}");
        }
    }
}

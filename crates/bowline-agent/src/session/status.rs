//! What the session is doing, for `show`, health and metrics.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use super::budget::Pace;
use crate::clock;

/// How desired state reaches the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transport {
    /// An upgraded connection: both ends write.
    #[default]
    Upgraded,
    /// A streamed answer: something on the way does not let upgrades through.
    Streamed,
    /// Long polls: something on the way buffers answers.
    LongPoll,
}

/// One reading of the session's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionStatus {
    pub connected: bool,
    pub server: String,
    pub session: Option<Uuid>,
    pub transport: Transport,
    /// Why the transport is not the best one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport_reason: Option<String>,
    pub epoch: Option<Uuid>,
    pub generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_since: Option<Timestamp>,
    /// When the server last confirmed a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_acknowledged: Option<Timestamp>,
    pub acknowledged_batches: u64,
    pub resyncs: u64,
    pub sessions_opened: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// What went up since midnight UTC, or since the start if that was later.
    pub bytes_today: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_budget: Option<u64>,
    pub pace: Pace,
    pub clock_offset_seconds: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_expires_on: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_renew_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    pub at: Timestamp,
    pub message: String,
}

/// Where the parts of a session write its status. Clones write to the same.
#[derive(Debug, Clone)]
pub struct StatusBoard(Arc<watch::Sender<SessionStatus>>);

impl Default for StatusBoard {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(SessionStatus::default())))
    }
}

impl StatusBoard {
    /// Changes the status.
    pub fn update(&self, change: impl FnOnce(&mut SessionStatus)) {
        self.0.send_modify(change);
    }

    /// Notes an error for people.
    pub fn failed(&self, message: String) {
        self.update(|status| status.last_error = Some(LastError { at: clock::now(), message }));
    }

    /// The present status.
    pub fn read(&self) -> SessionStatus {
        self.0.borrow().clone()
    }

    /// Looks at the present status without copying it.
    pub fn with<T>(&self, look: impl FnOnce(&SessionStatus) -> T) -> T {
        look(&self.0.borrow())
    }

    /// Follows the status.
    pub fn watch(&self) -> watch::Receiver<SessionStatus> {
        self.0.subscribe()
    }
}

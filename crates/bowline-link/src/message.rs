//! The lines of a session. Each is one JSON object with one key; unknown members are ignored, and a line whose key is
//! unknown is skipped by the [line codec](crate::line), so that either end may be newer than the other.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::item::{ContentHash, ItemContent, ItemHead};

/// A line from the server to the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Down {
    Hello(Hello),
    Desired(Desired),
    KeepAlive(KeepAlive),
    Resync(Resync),
    Tunnel(Tunnel),
    End(End),
}

/// A line from the agent to the server; on an upgraded connection only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Up {
    KeepAlive(KeepAlive),
    Applied(Applied),
}

/// The server's first line: who it is, and the terms of this session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    pub protocol: u32,
    /// The server's version.
    pub server: String,
    pub session: Uuid,
    /// The store's epoch; generations of another epoch mean nothing here.
    pub epoch: Uuid,
    #[serde(default = "default_keep_alive")]
    pub keep_alive_seconds: u32,
    /// When the server will end this session because the token expires.
    pub ends_at: Timestamp,
    /// The server's clock when it wrote this line.
    pub time: Timestamp,
    #[serde(default)]
    pub capabilities: Vec<String>,
}

fn default_keep_alive() -> u32 {
    20
}

/// The desired document: the whole list of items, and the contents which the agent does not have yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    pub epoch: Uuid,
    pub generation: u64,
    #[serde(default)]
    pub items: Vec<ItemHead>,
    #[serde(default)]
    pub changed: Vec<ItemContent>,
}

/// Says "I am here" when there was nothing else to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepAlive {}

/// Asks the agent to send everything of a source again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resync {
    pub source: String,
    #[serde(default)]
    pub reason: String,
}

/// Asks the agent to open a tunnel. Only agents that said [`crate::wire::TUNNEL_CAPABILITY`] are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tunnel {
    /// Where the tunnel is awaited: good once, for this agent, for a few seconds.
    pub rendezvous: String,
}

/// The server's last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    pub reason: EndReason,
    #[serde(default)]
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnect_after_seconds: Option<u64>,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndReason {
    /// The access token expired: reconnect with a new one.
    TokenExpired,
    /// The server is going down or sheds load: reconnect after the stated time.
    Draining,
    /// The identity or its rights were withdrawn.
    Revoked,
    /// Another instance opened a session with the same identity: either this agent again, or a clone of its disk.
    Replaced,
    /// The resource was deleted.
    Deleted,
    /// A reason that a newer server knows; treated like `draining`.
    #[serde(other)]
    Unknown,
}

/// The agent has made this generation its own: it is on disk, and its roles were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    pub epoch: Uuid,
    pub generation: u64,
}

impl Desired {
    /// The hash that the list of items states for an item.
    pub fn hash_of(&self, item: &ItemContent) -> Option<ContentHash> {
        self.items.iter().find(|head| head.uid == item.uid && head.kind == item.kind).map(|head| head.hash)
    }
}

//! The desired document: a list of items, each with the hash of its content.
//!
//! The wire carries the whole list and only the contents that the agent lacks. [`DesiredDocument`] is the server's full
//! document; [`KnownDocument`] is what an agent has, without contents; [`KnownDocument::merge`] says what a line changes.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::message::Desired;

/// The kinds of items that this build knows. Others are kept in the ledger and given to the role.
pub mod kind {
    /// Content: [`super::AgentSettings`].
    pub const AGENT_SETTINGS: &str = "agentSettings";
    /// Content: [`super::Endpoint`].
    pub const ENDPOINT: &str = "endpoint";
}

/// SHA-256 of an item's content as canonical JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of a JSON value, independent of the order of its keys and of white space.
    pub fn of(content: &Value) -> Self {
        Self(Sha256::digest(canonical_json(content).as_bytes()).into())
    }

    /// A hash from its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.as_bytes(), &mut bytes)
            .map_err(|_| D::Error::custom("a hash is 64 hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

/// JSON with sorted keys and no white space: the text that is hashed.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => {
            let mut keys: Vec<_> = object.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_scalar(&Value::String(key.clone()), out);
                out.push(':');
                write_canonical(&object[key], out);
            }
            out.push('}');
        }
        Value::Array(array) => {
            out.push('[');
            for (i, element) in array.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(element, out);
            }
            out.push(']');
        }
        scalar => write_scalar(scalar, out),
    }
}

fn write_scalar(value: &Value, out: &mut String) {
    write!(out, "{value}").expect("writing to a String cannot fail");
}

/// An item without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemHead {
    pub uid: Uuid,
    pub kind: String,
    pub hash: ContentHash,
}

/// An item with its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemContent {
    pub uid: Uuid,
    pub kind: String,
    pub hash: ContentHash,
    pub content: Value,
}

impl ItemContent {
    /// An item with the hash of the given content.
    pub fn new(uid: Uuid, kind: impl Into<String>, content: Value) -> Self {
        Self { uid, kind: kind.into(), hash: ContentHash::of(&content), content }
    }

    /// The item without its content.
    pub fn head(&self) -> ItemHead {
        ItemHead { uid: self.uid, kind: self.kind.clone(), hash: self.hash }
    }
}

/// A whole desired document with all contents, as the server projects it and as a role sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DesiredDocument {
    pub epoch: Uuid,
    pub generation: u64,
    pub items: Vec<ItemContent>,
}

impl DesiredDocument {
    /// The line for an agent which already has the contents with the given hashes.
    pub fn line_for(&self, has: impl Fn(&ContentHash) -> bool) -> Desired {
        Desired {
            epoch: self.epoch,
            generation: self.generation,
            items: self.items.iter().map(ItemContent::head).collect(),
            changed: self.items.iter().filter(|item| !has(&item.hash)).cloned().collect(),
        }
    }

    /// What an agent that has this document knows of it.
    pub fn known(&self) -> KnownDocument {
        let items = self.items.iter().map(ItemContent::head).collect();
        KnownDocument { epoch: self.epoch, generation: self.generation, items }
    }

    /// Completes what is to be written: an item that is new to the agent may have the content of one that it has, or of
    /// another that arrives with it, and then came without one. A ledger need not know that.
    pub fn complete(&self, mut merged: Merged) -> Merged {
        let mut copies = Vec::new();
        for head in &merged.known.items {
            let there = |items: &[ItemContent]| items.iter().any(|item| item.head() == *head);
            if there(&self.items) || there(&merged.write) {
                continue;
            }
            let mut known = merged.write.iter().chain(&self.items);
            if let Some(same) = known.find(|item| item.hash == head.hash) {
                copies.push(ItemContent { uid: head.uid, kind: head.kind.clone(), ..same.clone() });
            }
        }
        merged.write.extend(copies);
        merged
    }

    /// This document after a [completed](Self::complete) change: contents that did not change are carried over.
    pub fn apply(self, merged: &Merged) -> DesiredDocument {
        let Merged { known, write, .. } = merged;
        let find =
            |head: &ItemHead| write.iter().chain(&self.items).find(|item| item.head() == *head).cloned();
        let items = known.items.iter().filter_map(find).collect();
        DesiredDocument { epoch: known.epoch, generation: known.generation, items }
    }

    /// The content of the only item of a kind.
    pub fn content(&self, kind: &str) -> Option<&Value> {
        self.items.iter().find(|item| item.kind == kind).map(|item| &item.content)
    }
}

/// What an agent has of a document: enough to ask for the rest, and to judge a line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownDocument {
    pub epoch: Uuid,
    /// 0 when the agent has nothing.
    pub generation: u64,
    pub items: Vec<ItemHead>,
}

/// What a desired line changes for an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// What the agent knows once the ledger has been written.
    pub known: KnownDocument,
    /// Contents to write.
    pub write: Vec<ItemContent>,
    /// Items that no longer exist.
    pub remove: Vec<ItemHead>,
}

/// Why an agent refuses a desired line. It answers each by asking for the whole document again.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    #[error("the server sent no content for item {uid} of kind {kind}, and it is not in the ledger")]
    MissingContent { uid: Uuid, kind: String },
    #[error("the content of item {uid} of kind {kind} does not have the hash that the server states")]
    WrongHash { uid: Uuid, kind: String },
}

impl KnownDocument {
    /// Whether a document of this epoch and generation is news: in another epoch always, in the same one only when it is newer.
    pub fn is_news(&self, epoch: Uuid, generation: u64) -> bool {
        epoch != self.epoch || generation > self.generation
    }

    /// Whether the agent holds a content with this hash, for whichever item.
    fn holds(&self, hash: &ContentHash) -> bool {
        self.items.iter().any(|item| item.hash == *hash)
    }

    /// Judges a desired line. `None` when it is not news.
    pub fn merge(&self, desired: Desired) -> Result<Option<Merged>, MergeError> {
        if !self.is_news(desired.epoch, desired.generation) {
            return Ok(None);
        }
        let known =
            KnownDocument { epoch: desired.epoch, generation: desired.generation, items: desired.items };
        let mut write = desired.changed;
        write.retain(|item| known.items.contains(&item.head()));
        for item in &write {
            if ContentHash::of(&item.content) != item.hash {
                return Err(MergeError::WrongHash { uid: item.uid, kind: item.kind.clone() });
            }
        }
        let missing = known
            .items
            .iter()
            .find(|head| !self.holds(&head.hash) && !write.iter().any(|item| item.hash == head.hash));
        if let Some(head) = missing {
            return Err(MergeError::MissingContent { uid: head.uid, kind: head.kind.clone() });
        }
        let remove = self.items.iter().filter(|old| !known.items.iter().any(|new| same_item(old, new)));
        let remove = remove.cloned().collect();
        Ok(Some(Merged { known, write, remove }))
    }
}

fn same_item(a: &ItemHead, b: &ItemHead) -> bool {
    a.uid == b.uid && a.kind == b.kind
}

/// The content of the item of kind `agentSettings`: merged over tenant, subscription, group and resource.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_kinds: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_alive_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_budget_per_day: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
}

/// The content of the item of kind `endpoint`: where the agent shall go from now on. Absent members keep their value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

/// How the agent reaches the server through a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default)]
    pub no_proxy: Vec<String>,
}

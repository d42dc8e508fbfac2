//! Lists in pages: `{"value":[…],"nextLink":…}` with keyset cursors.
//!
//! A cursor says where the next page begins, up to which revision the list was begun, and of which question it is the
//! continuation. The server signs it, so that nobody moves it to another scope or filter.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One page on the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub value: Vec<T>,
    /// The absolute URL of the next page, if there is one.
    #[serde(rename = "nextLink", default, skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The store's epoch when the list began; in another epoch the list must start over.
    #[serde(rename = "e")]
    pub epoch: Uuid,
    /// The revision when the list began: what was created later is not part of it.
    #[serde(rename = "r")]
    pub revision: u64,
    /// The key of the last item of the page before.
    #[serde(rename = "k")]
    pub after: String,
    /// A digest of scope, type and filter.
    #[serde(rename = "q")]
    pub question: String,
}

/// Why a `$skipToken` is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Changed, cut or not ours.
    #[error("the page link is not one that this service issued: start the list again without $skipToken")]
    Invalid,
    /// For another scope or filter.
    #[error("the page link belongs to another list: use nextLink unchanged")]
    OtherQuestion,
    /// From before a restore.
    #[error("the store was restored since the list began: start the list again without $skipToken")]
    OtherEpoch,
}

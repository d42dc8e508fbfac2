//! Long-running operations as clients poll them (arc.md A.0: `Azure-AsyncOperation` and `Location`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::ErrorBody;

/// The state of an operation; the last three are terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationStatus {
    /// Accepted, not begun.
    Accepted,
    /// Under way.
    InProgress,
    /// Done.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended on request.
    Canceled,
}

impl OperationStatus {
    /// Whether the state is final.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// What a poll of `Azure-AsyncOperation` answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The path of this status.
    pub id: String,
    /// The operation's GUID.
    pub name: Uuid,
    /// Where it stands.
    pub status: OperationStatus,
    /// When it was accepted.
    pub start_time: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// 0 to 100, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_complete: Option<f64>,
    /// The resource that it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// The result, where the operation has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

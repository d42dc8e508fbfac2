//! The ledger: the agent's own copy of its desired document, written before anything acts on it, so that the agent goes
//! on while the server is away and after a restart.

pub mod disk;
pub mod memory;

use async_trait::async_trait;
use bowline_link::item::{DesiredDocument, Merged};

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the ledger could not {doing} {what}")]
pub struct LedgerError {
    /// `read` or `write`.
    pub doing: &'static str,
    /// The file or object.
    pub what: String,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Where the desired document rests. An implementation keeps one file or object per item and writes the head (epoch,
/// generation and list of items) last, so that a crash at any moment leaves the old document or the new one.
#[async_trait]
pub trait Ledger: Send {
    /// The document as it was stored last; `None` when there is none. One that cannot be trusted (an item is missing or
    /// does not have its hash) counts as none: the server sends it again.
    async fn load(&mut self) -> Result<Option<DesiredDocument>, LedgerError>;

    /// Makes a change durable: contents of `merged.write`, then the head `merged.known`, then the removals.
    async fn store(&mut self, merged: &Merged) -> Result<(), LedgerError>;
}

//! A ledger that forgets: for simulated agents, whose machines do not exist.

use async_trait::async_trait;
use bowline_link::item::{DesiredDocument, Merged};

use super::{Ledger, LedgerError};

/// Remembers nothing; the session itself keeps the document while it runs.
#[derive(Debug, Default)]
pub struct MemoryLedger;

#[async_trait]
impl Ledger for MemoryLedger {
    async fn load(&mut self) -> Result<Option<DesiredDocument>, LedgerError> {
        Ok(None)
    }

    async fn store(&mut self, _merged: &Merged) -> Result<(), LedgerError> {
        Ok(())
    }
}

//! The others of a type in the same parent, for types whose rules count or compare them.
//!
//! # Design notes
//! Two writers that both saw room for one more must not both be let in. Each replaces the same entry at the version that it read before the
//! siblings; who comes second is refused by the store and looks again. The entry ends by itself, because it matters only between a read and its commit.

use bowline_arm::Error;
use bowline_store::{Entry, EntryWrite, List};
use jiff::SignedDuration;
use serde_json::Value;

use super::document::parse;
use super::store_error;
use crate::Control;
use crate::context::OpContext;
use crate::provider::Spec;

/// The kind of the entry that lets one of several writers through.
pub(super) const ENTRY: &str = "siblings";
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// More than any rule allows.
const MAX: u32 = 1000;

impl Control {
    /// The siblings of `own` in `parent`, and the write that makes sure that they stay as they are until the commit.
    pub(super) async fn siblings(
        &self,
        context: &OpContext,
        spec: &Spec,
        parent: &str,
        own: &str,
    ) -> Result<(Vec<(String, Value)>, EntryWrite), Error> {
        let before = self.store().entry(ENTRY, parent).await.map_err(|e| store_error(&e))?;
        let entry = Entry {
            kind: ENTRY.to_owned(),
            key: parent.to_owned(),
            data: Vec::new(),
            uses: 0,
            version: 0,
            expires_at: Some(context.now + KEPT),
        };
        let turn = match before.filter(|e| e.is_live(context.now)) {
            None => EntryWrite::Insert { entry },
            Some(before) => EntryWrite::Replace { entry, expected_version: before.version },
        };
        let list = List {
            parent: Some(parent.to_owned()),
            resource_type: Some(spec.type_key()),
            limit: MAX,
            ..List::default()
        };
        let records = self.store().list(&list).await.map_err(|e| store_error(&e))?;
        let others = records.iter().filter(|r| r.key != own);
        let siblings = others.map(|r| Ok((r.id.clone(), parse(r)?))).collect::<Result<Vec<_>, Error>>()?;
        Ok((siblings, turn))
    }
}

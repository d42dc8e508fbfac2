//! What the writer remembers of the records that it locked and wrote: a server that is alone on its database need not ask again.
//!
//! # Design notes
//! - Every change of a record or a watermark raises the counter. So memory holds while the counter stands where this server's last batch left it: a batch
//!   that was judged by memory raises it from there and from nowhere else, or is redone with locks, and everything is forgotten.
//! - Only a server that was alone for some batches judges by memory: it locks its records after the counter, the others before it. One that begins to write the same
//!   record in that very moment may meet it in a deadlock, which the database ends and a redone batch mends; among busy servers that would come often.
//! - A refusal is never given by memory: the caller would read again and be refused again.

use super::gather::Standing;
use crate::decide::{Known, Needs, Plan, Row};
use crate::model::{ChangeKind, Head, Revision};
use std::collections::HashMap;
use std::sync::Arc;

/// So many batches in a row without another server's between them.
const ALONE: u32 = 8;
/// The most records; beyond them everything is forgotten, which costs one question each.
const MAX_ROWS: usize = 4096;

/// See the module.
#[derive(Default)]
pub(super) struct Memory {
    /// Where the last batch left the counter.
    at: Option<Head>,
    alone: u32,
    /// None: there is no such record.
    rows: HashMap<String, Option<Arc<Row>>>,
    watermarks: HashMap<String, Revision>,
}

impl Memory {
    /// All that a batch must know, if it is remembered, and where the counter must stand for it.
    pub(super) fn recall(&self, needs: &Needs<'_>) -> Option<(Known, Standing, Head)> {
        let at = self.at.filter(|_| self.alone >= ALONE && needs.only_records())?;
        let mut known = Known::default();
        for key in &needs.keys {
            if let Some(row) = self.rows.get(*key)? {
                known.rows.insert((*key).to_owned(), Arc::clone(row));
            }
        }
        for name in &needs.watermarks {
            known.watermarks.insert((*name).to_owned(), *self.watermarks.get(*name)?);
        }
        let standing = Standing { revision: Some(at.revision.0.cast_signed()), watermarked: None };
        Some((known, standing, at))
    }

    /// Takes in a batch that is about to be committed, and what it was judged by.
    pub(super) fn learn(&mut self, plan: &Plan<'_>, needs: &Needs<'_>, known: Known, base: u64, after: Head) {
        let before = Head { revision: Revision(base), ..after };
        if self.at != Some(before) || self.rows.len() > MAX_ROWS {
            *self =
                Memory { alone: if self.at == Some(before) { self.alone } else { 0 }, ..Memory::default() };
        }
        self.at = Some(after);
        self.alone = self.alone.saturating_add(1);
        self.rows.extend(known.rows.into_iter().map(|(key, row)| (key, Some(row))));
        for (revision, write) in (base + 1..).zip(&plan.rows) {
            let row = (write.kind != ChangeKind::Deleted).then(|| Arc::new(write.leaves(Revision(revision))));
            self.rows.insert(write.key.to_owned(), row);
        }
        for name in &needs.watermarks {
            let raised = known.watermarks.get(*name).copied().unwrap_or_default();
            self.watermarks.insert((*name).to_owned(), raised);
        }
        for (name, written) in &plan.watermarks {
            self.watermarks.insert((*name).to_owned(), Revision(base + written));
        }
    }
}

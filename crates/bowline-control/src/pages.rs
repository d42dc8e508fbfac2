//! Whole pages of lists as bytes, kept until a resource of their type changes.
//!
//! # Design notes
//! - A page is put together at a head of the store. It is still right at a later head when no record of its type changed in between: the feed says when
//!   each type changed last, and what was committed since the last question is read before the page is used. So a client reads its writes on every
//!   server, and a list of what nobody touches costs two small reads.
//! - Only pages without live values, without a filter, and for callers who may see everything at the scope are kept: others depend on more than the type.
//! - When more changed than [`BATCH`] since somebody listed, every type counts as changed: nobody waits for a long read of the feed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bowline_store::{Head, Revision, Store, StoreError};
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

/// The most bytes that are kept.
pub const CEILING_BYTES: u64 = 16 << 20;
/// What a page takes beside its bytes.
const OVERHEAD_BYTES: usize = 512;
/// The most changes that are read before an answer.
const BATCH: u32 = 1000;

/// Resources in a row, and the head at which they were read.
#[derive(Debug)]
pub(crate) struct Page {
    at: Head,
    /// JSON with commas between the resources.
    pub(crate) row: Bytes,
    /// The key after which the next page begins; none for the last.
    pub(crate) after: Option<String>,
}

#[derive(Clone)]
struct Size;

impl Weighter<String, Arc<Page>> for Size {
    fn weight(&self, question: &String, page: &Arc<Page>) -> u64 {
        (question.len() + page.row.len() + OVERHEAD_BYTES) as u64
    }
}

/// When each type changed last, as far as the feed was read.
#[derive(Default)]
struct Types {
    read: Option<Head>,
    /// Types that are not listed changed here at the latest.
    floor: Revision,
    changed: HashMap<String, Revision>,
}

/// The pages that are kept.
pub(crate) struct Pages {
    kept: Mutex<Cache<String, Arc<Page>, Size>>,
    types: Mutex<Types>,
}

impl Default for Pages {
    fn default() -> Self {
        Self { kept: Mutex::new(Cache::with_weighter(64, CEILING_BYTES, Size)), types: Mutex::default() }
    }
}

/// The revision at which a list began, the head of now, and when the listed type changed last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Where the store is now.
    pub(crate) head: Head,
    /// Records that were created later are not part of the list.
    pub(crate) until: Revision,
    /// The last change of a resource of the type.
    pub(crate) changed: Revision,
}

impl Pages {
    /// The kept answer to a question, if it is what would be read now.
    pub(crate) fn find(&self, question: &str, moment: Moment) -> Option<Arc<Page>> {
        let page = self.kept().get(question).cloned()?;
        let same = page.at.epoch == moment.head.epoch;
        (same && moment.changed <= page.at.revision && moment.changed <= moment.until).then_some(page)
    }

    /// Keeps what was read after `moment`, unless a later record was left out of it.
    pub(crate) fn keep(&self, question: String, moment: Moment, row: Bytes, after: Option<String>) {
        if moment.changed <= moment.until {
            self.kept().insert(question, Arc::new(Page { at: moment.head, row, after }));
        }
    }

    /// The revision of the last change of a type, as of a head that was read just now.
    pub(crate) async fn last_change(
        &self,
        store: &dyn Store,
        head: Head,
        resource_type: &str,
    ) -> Result<Revision, StoreError> {
        let from = {
            let mut types = self.types();
            match types.read.filter(|read| read.epoch == head.epoch) {
                Some(read) => read,
                None => types.start_over(head),
            }
        };
        if from.revision < head.revision {
            match store.changed_types(from.revision, BATCH).await {
                Ok(changes) if changes.len() < BATCH as usize => self.types().note(from, head, changes),
                Ok(_) | Err(StoreError::Compacted { .. }) => drop(self.types().start_over(head)),
                Err(error) => return Err(error),
            }
        }
        let types = self.types();
        Ok(types.changed.get(resource_type).copied().unwrap_or(types.floor))
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        self.kept().clear();
        *self.types() = Types::default();
    }

    // Both are whole between any two statements, so a panic elsewhere leaves nothing half done.
    fn kept(&self) -> MutexGuard<'_, Cache<String, Arc<Page>, Size>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn types(&self) -> MutexGuard<'_, Types> {
        self.types.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Types {
    /// Everything may have changed up to this head.
    fn start_over(&mut self, head: Head) -> Head {
        *self = Self { read: Some(head), floor: head.revision, changed: HashMap::new() };
        head
    }

    /// Takes all changes after `from`, which were read when `head` was there.
    fn note(&mut self, from: Head, head: Head, changes: Vec<(Revision, String)>) {
        // Somebody else may have started over meanwhile, or read on: what is known only grows.
        let Some(read) = self.read.as_mut().filter(|read| read.epoch == from.epoch) else { return };
        let newest = changes.last().map_or(head.revision, |(revision, _)| head.revision.max(*revision));
        read.revision = read.revision.max(newest);
        for (revision, resource_type) in changes {
            let known = self.changed.entry(resource_type).or_default();
            *known = revision.max(*known);
        }
    }
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;

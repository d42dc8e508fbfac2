//! What this process knows of where the store is, and the detection of a record that went back.
//!
//! Several tasks learn the head: the writer from its commits, the poll and the notifications from reads. A read may
//! be overtaken by a commit, so that everybody marks what was known *before* asking: only an answer below
//! that mark proves that the database went back (an older copy was restored under us).

use crate::model::{Head, Revision};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;
use uuid::Uuid;

/// The two watches of a store.
pub(crate) struct Heads {
    head: watch::Sender<Head>,
    observations: watch::Sender<u64>,
    /// Raised with each new epoch: an answer that set out before it and still tells the old epoch is late, not news.
    turns: AtomicU64,
}

/// What was known before a question was asked.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) head: Head,
    turns: u64,
}

/// What the database said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    pub(crate) head: Head,
    pub(crate) position: u64,
}

/// The record is older than it was, in the same epoch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WentBack;

impl Heads {
    pub(crate) fn new(read: Read) -> Heads {
        Heads {
            head: watch::Sender::new(read.head),
            observations: watch::Sender::new(read.position),
            turns: AtomicU64::new(0),
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    pub(crate) fn watch_observations(&self) -> watch::Receiver<u64> {
        self.observations.subscribe()
    }

    pub(crate) fn mark(&self) -> Mark {
        // The turn is read first: if an epoch begins between the two lines, the mark looks older than it is, which
        // only makes its answer count as late.
        let turns = self.turns.load(Ordering::SeqCst);
        Mark { head: *self.head.borrow(), turns }
    }

    /// Tells the watchers, unless the answer is old news.
    pub(crate) fn publish(&self, mark: Mark, read: Read) -> Result<(), WentBack> {
        if went_back(mark.head, read.head.epoch, read.head.revision) {
            return Err(WentBack);
        }
        let (mut turned, mut late) = (false, false);
        self.head.send_if_modified(|known| {
            if known.epoch == read.head.epoch {
                let newer = known.revision < read.head.revision;
                known.revision = known.revision.max(read.head.revision);
                return newer;
            }
            late = self.turns.load(Ordering::SeqCst) != mark.turns;
            if late {
                return false;
            }
            self.turns.fetch_add(1, Ordering::SeqCst);
            *known = read.head;
            turned = true;
            true
        });
        self.observations.send_if_modified(|known| {
            // In a new epoch the log may be shorter.
            let news = !late && (*known < read.position || (turned && *known != read.position));
            if news {
                *known = read.position;
            }
            news
        });
        Ok(())
    }
}

/// Whether a head proves that the record is older than what was known.
pub(crate) fn went_back(known: Head, epoch: Uuid, revision: Revision) -> bool {
    known.epoch == epoch && revision < known.revision
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(epoch: u128, revision: u64) -> Read {
        let head = Head { epoch: Uuid::from_u128(epoch), revision: Revision(revision) };
        Read { head, position: revision }
    }

    #[test]
    fn an_overtaken_answer_is_ignored_and_an_older_record_is_noticed() {
        let heads = Heads::new(read(1, 5));
        let before = heads.mark();
        heads.publish(before, read(1, 7)).unwrap();
        // Asked when 5 was known, answered 6 after 7 was published: late, not wrong.
        heads.publish(before, read(1, 6)).unwrap();
        assert_eq!(heads.mark().head, read(1, 7).head);
        // Asked when 7 was known, answered 6: the record went back.
        assert_eq!(heads.publish(heads.mark(), read(1, 6)), Err(WentBack));
    }

    #[test]
    fn a_late_answer_from_the_old_epoch_does_not_bring_it_back() {
        let heads = Heads::new(read(1, 5));
        let before = heads.mark();
        heads.publish(before, read(2, 3)).unwrap();
        heads.publish(before, read(1, 5)).unwrap();
        assert_eq!(heads.mark().head, read(2, 3).head);
        assert_eq!(*heads.watch_observations().borrow(), 3);
    }
}

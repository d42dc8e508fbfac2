//! The chain of the activity log: how entries become blocks, how blocks are linked, and how both are checked again.
//!
//! Entries are numbered from 1. Those that one transaction writes are a *block*; its last entry carries the block's *link*, SHA-256 over the
//! link before (32 zero bytes at the start), the number and the revision of the block's first entry, and the digest of all its entries. So a changed,
//! missing or re-ordered entry breaks a link, and whoever knows one later link knows the whole log before it.
//!
//! # Design notes
//! A link per transaction and not per entry: only the database knows the number and the revision that a block gets, and it can compute one
//! SHA-256 inside the statement that raises the counter. A link per entry would cost a further round trip while that row is locked.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The hash after a block.
pub type Link = [u8; 32];

/// What comes before the first block.
pub const START: Link = [0; 32];

/// One entry, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedEntry {
    /// Its number: 1, 2, 3 …
    pub seq: u64,
    /// The revision after the change that it tells of; entries without a change have the one that stood.
    pub revision: u64,
    /// Microseconds since 1970.
    pub time: i64,
    /// The key of the resource that it is about.
    pub key: String,
    /// What happened, as JSON, to the byte.
    pub text: String,
    /// The link, on the last entry of each block; hexadecimal in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::audit::hex_link_option")]
    pub link: Option<Link>,
}

/// The digest of a block in the making.
#[derive(Clone, Default)]
pub struct Block {
    entries: Sha256,
    first_offset: Option<u64>,
}

impl Block {
    /// Adds an entry. `offset` tells its revision apart from those of the other entries of the block, counted from wherever.
    pub fn push(&mut self, offset: u64, time: i64, key: &str, text: &str) {
        let first = *self.first_offset.get_or_insert(offset);
        let entry = Sha256::new()
            .chain_update(time.to_be_bytes())
            .chain_update((key.len() as u64).to_be_bytes())
            .chain_update(key)
            .chain_update(text)
            .finalize();
        self.entries.update(offset.wrapping_sub(first).to_be_bytes());
        self.entries.update(entry);
    }

    /// Whether it holds no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first_offset.is_none()
    }

    /// The offset of the first entry.
    #[must_use]
    pub fn first_offset(&self) -> u64 {
        self.first_offset.unwrap_or(0)
    }

    /// The digest of all its entries.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.entries.clone().finalize().into()
    }
}

/// The link after a block.
#[must_use]
pub fn link(before: &Link, first_seq: u64, first_revision: u64, digest: &[u8; 32]) -> Link {
    Sha256::new()
        .chain_update(before)
        .chain_update(first_seq.to_be_bytes())
        .chain_update(first_revision.to_be_bytes())
        .chain_update(digest)
        .finalize()
        .into()
}

/// How a log differs from what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A number is missing.
    #[error("entry {expected} is missing: after {} comes {found}", expected - 1)]
    Missing {
        /// What should have come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// A number came again.
    #[error("entry {found} stands where {expected} belongs")]
    Order {
        /// What should have come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The entries do not make the link.
    #[error("entries {first} to {last} are not those that were written: one was changed, moved or replaced")]
    Changed {
        /// The first entry of the block.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// A block without an end.
    #[error("the log ends inside the block that begins at entry {first}: its last entries are missing")]
    Open {
        /// The first entry of the block.
        first: u64,
    },
}

/// Walks a log from a known link on.
#[derive(Clone)]
pub struct Chain {
    /// The last entry that was taken.
    seq: u64,
    /// The number and link at the end of the last whole block.
    end: (u64, Link),
    block: Block,
    first_revision: u64,
}

impl Default for Chain {
    fn default() -> Self {
        Self::after(0, START)
    }
}

impl Chain {
    /// Goes on behind an entry whose link is known.
    #[must_use]
    pub fn after(seq: u64, link: Link) -> Self {
        Self { seq, end: (seq, link), block: Block::default(), first_revision: 0 }
    }

    /// The last entry that was taken.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The number and the link at the end of the last whole block.
    #[must_use]
    pub fn end(&self) -> (u64, Link) {
        self.end
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// When it is not the next one, or ends a block that is not what was written.
    pub fn take(&mut self, entry: &LoggedEntry) -> Result<(), Broken> {
        let (expected, found) = (self.seq + 1, entry.seq);
        if found > expected {
            return Err(Broken::Missing { expected, found });
        }
        if found < expected {
            return Err(Broken::Order { expected, found });
        }
        self.seq = found;
        if self.block.is_empty() {
            self.first_revision = entry.revision;
        }
        self.block.push(entry.revision, entry.time, &entry.key, &entry.text);
        let Some(stored) = entry.link else { return Ok(()) };
        let first = self.end.0 + 1;
        let made = link(&self.end.1, first, self.first_revision, &self.block.digest());
        self.block = Block::default();
        if made != stored {
            return Err(Broken::Changed { first, last: found });
        }
        self.end = (found, made);
        Ok(())
    }

    /// Whether the last block is whole.
    ///
    /// # Errors
    /// When it is not.
    pub fn finish(&self) -> Result<(), Broken> {
        if self.block.is_empty() { Ok(()) } else { Err(Broken::Open { first: self.end.0 + 1 }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of blocks of these sizes.
    fn log(sizes: &[u64]) -> Vec<LoggedEntry> {
        let (mut all, mut before) = (Vec::new(), START);
        for size in sizes {
            let first = all.len() as u64 + 1;
            let mut block = Block::default();
            for n in 0..*size {
                let seq = first + n;
                let entry = LoggedEntry {
                    seq,
                    revision: seq * 2,
                    time: 7,
                    key: format!("/k{seq}"),
                    text: format!("{{\"n\":{seq}}}"),
                    link: None,
                };
                block.push(n * 2, entry.time, &entry.key, &entry.text);
                all.push(entry);
            }
            before = link(&before, first, first * 2, &block.digest());
            all.last_mut().unwrap().link = Some(before);
        }
        all
    }

    fn walk(log: &[LoggedEntry]) -> Result<(u64, Link), Broken> {
        let mut chain = Chain::default();
        log.iter().try_for_each(|entry| chain.take(entry))?;
        chain.finish().map(|()| chain.end())
    }

    #[test]
    fn a_log_as_written_is_whole_from_the_start_and_from_any_link() {
        let log = log(&[1, 3, 2]);
        let end = walk(&log).unwrap();
        assert_eq!(end, (6, log[5].link.unwrap()));
        let mut chain = Chain::after(4, log[3].link.unwrap());
        log[4..].iter().for_each(|entry| chain.take(entry).unwrap());
        assert_eq!(chain.end(), end);
    }

    #[test]
    fn every_member_of_an_entry_counts() {
        let whole = log(&[1, 3, 2]);
        let edits: [fn(&mut LoggedEntry); 5] = [
            |entry| entry.revision += 1,
            |entry| entry.time += 1,
            |entry| entry.key.push('x'),
            |entry| entry.text.push(' '),
            // What moves from one member to its neighbour.
            |entry| entry.text = format!("{}{}", entry.key.pop().unwrap(), entry.text),
        ];
        for edit in edits {
            for at in 0..whole.len() {
                let mut log = whole.clone();
                edit(&mut log[at]);
                let broken = walk(&log).unwrap_err();
                assert!(
                    matches!(broken, Broken::Changed { first, last } if first <= at as u64 + 1 && at as u64 <= last),
                    "{broken}"
                );
            }
        }
    }

    #[test]
    fn what_is_missing_moved_or_cut_is_found() {
        let whole = log(&[1, 3, 2]);
        let mut log = whole.clone();
        log.remove(2);
        assert_eq!(walk(&log), Err(Broken::Missing { expected: 3, found: 4 }));
        let mut log = whole.clone();
        log.swap(1, 2);
        assert_eq!(walk(&log), Err(Broken::Missing { expected: 2, found: 3 }));
        // Renumbered, so that nothing seems to be missing.
        (log[1].seq, log[2].seq) = (2, 3);
        assert_eq!(walk(&log), Err(Broken::Changed { first: 2, last: 4 }));
        assert_eq!(walk(&whole[..5]), Err(Broken::Open { first: 5 }));
        let mut log = whole.clone();
        log[3].seq = 3;
        assert_eq!(walk(&log), Err(Broken::Order { expected: 4, found: 3 }));
        // A link that was taken away makes one block of two.
        let mut log = whole;
        log[3].link = None;
        assert_eq!(walk(&log), Err(Broken::Changed { first: 2, last: 6 }));
    }
}

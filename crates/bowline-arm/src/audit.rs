//! What servers sign about the activity log, and the check of a log against it.
//!
//! The [chain](crate::chain) alone shows that a log agrees with itself. Whoever can write the whole database can make another log that does;
//! what it cannot make is the signature of the key that lies outside. So a log is held against what was signed: at the entry of
//! each statement it must have the link that was stated, and it must reach at least so far.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chain::{Broken, Chain, Link, LoggedEntry};

/// What [`Stated::log`] says, so that no other signature of the same key can be taken for one of these.
pub const LOG: &str = "bowline-activity";
/// The findings that are listed; further ones are counted.
const MOST_FINDINGS: usize = 50;

/// Which kind of statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// So far the log was.
    Head,
    /// Here the log begins: what came before was pruned.
    Checkpoint,
}

impl Kind {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// A statement: the payload of the JWS that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// [`LOG`].
    pub log: String,
    /// The tenant whose log it is.
    pub tenant: Uuid,
    /// What it says.
    pub kind: Kind,
    /// About which entry.
    pub seq: u64,
    /// The link after that entry.
    #[serde(with = "hex_link")]
    pub link: Link,
    /// When it was signed.
    pub time: Timestamp,
    /// How many entries a checkpoint took along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<u64>,
}

/// A link as text.
#[must_use]
pub fn link_to_hex(link: &Link) -> String {
    link.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A link from its text.
#[must_use]
pub fn link_from_hex(text: &str) -> Option<Link> {
    let mut link = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in link.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(link)
}

mod hex_link {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Link, link_from_hex, link_to_hex};

    pub(super) fn serialize<S: Serializer>(link: &Link, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&link_to_hex(link))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Link, D::Error> {
        let text = String::deserialize(deserializer)?;
        link_from_hex(&text).ok_or_else(|| D::Error::custom("a link is 64 hexadecimal digits"))
    }
}

pub(crate) mod hex_link_option {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Link, link_from_hex, link_to_hex};

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(crate) fn serialize<S: Serializer>(link: &Option<Link>, serializer: S) -> Result<S::Ok, S::Error> {
        match link {
            Some(link) => serializer.serialize_str(&link_to_hex(link)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Link>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        link_from_hex(&text).map(Some).ok_or_else(|| D::Error::custom("a link is 64 hexadecimal digits"))
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The log does not agree with itself.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It agrees with itself, but is not the one that was signed.
    #[error("up to entry {seq} the log is not the one that was signed on {time}: it was rewritten")]
    Rewritten {
        /// The entry that was signed.
        seq: u64,
        /// When.
        time: Timestamp,
    },
    /// It ends before what was signed.
    #[error(
        "the log ends at entry {last}, but entry {signed} was signed on {time}: the entries between are missing"
    )]
    Cut {
        /// The last entry.
        last: u64,
        /// The entry that was signed.
        signed: u64,
        /// When.
        time: Timestamp,
    },
    /// The same entry was signed with two links.
    #[error(
        "entry {seq} was signed with two different links: the log was replaced between {first} and {second}"
    )]
    SignedTwice {
        /// The entry.
        seq: u64,
        /// When it was signed.
        first: Timestamp,
        /// When it was signed again.
        second: Timestamp,
    },
    /// Nothing was signed, so that nothing shows that the log was not rewritten as a whole.
    #[error(
        "nothing that was signed speaks for this log: it agrees with itself, and that is all that can be said"
    )]
    Unsigned,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The first and the last entry that were looked at; none in an empty log.
    pub range: Option<(u64, u64)>,
    /// Entry and time of the newest statement that the log agrees with.
    pub signed: Option<(u64, Timestamp)>,
    /// What is wrong, in the order of the log.
    pub findings: Vec<Finding>,
    /// Findings beyond those that are listed.
    pub more: u64,
}

/// Holds a log against what was signed about it.
pub struct Verifier {
    stated: BTreeMap<u64, Stated>,
    met: BTreeSet<u64>,
    chain: Chain,
    /// Entries up to this one were pruned.
    from: u64,
    /// Between two blocks nothing can be said until the next link.
    lost: bool,
    range: Option<(u64, u64)>,
    findings: Vec<Finding>,
    more: u64,
}

impl Verifier {
    /// With statements whose signatures were verified, of one tenant.
    #[must_use]
    pub fn new(statements: impl IntoIterator<Item = Stated>) -> Self {
        let (mut stated, mut findings): (BTreeMap<u64, Stated>, Vec<Finding>) = Default::default();
        let (mut chain, mut from) = (Chain::default(), 0);
        for one in statements {
            if one.kind == Kind::Checkpoint && one.seq >= from {
                from = one.seq;
                chain = Chain::after(one.seq, one.link);
            }
            match stated.get(&one.seq) {
                Some(other) if other.link != one.link => findings.push(Finding::SignedTwice {
                    seq: one.seq,
                    first: other.time.min(one.time),
                    second: other.time.max(one.time),
                }),
                Some(_) => {}
                None => drop(stated.insert(one.seq, one)),
            }
        }
        Self { met: BTreeSet::new(), stated, chain, from, lost: false, range: None, findings, more: 0 }
    }

    /// The entry after which to read: the newest checkpoint.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.from
    }

    /// Takes the next entry.
    pub fn take(&mut self, entry: &LoggedEntry) {
        if entry.seq <= self.from {
            return;
        }
        let first = self.range.map_or(entry.seq, |range| range.0);
        self.range = Some((first, self.range.map_or(0, |range| range.1).max(entry.seq)));
        if !self.lost
            && let Err(broken) = self.chain.take(entry)
        {
            self.lost = true;
            self.find(broken.into());
        }
        let Some(link) = entry.link else { return };
        if self.lost {
            // From a link on, the log can be followed again: so one finding does not hide the next.
            self.chain = Chain::after(entry.seq, link);
            self.lost = false;
        }
        if let Some(stated) = self.stated.get(&entry.seq) {
            self.met.insert(entry.seq);
            if stated.link != link {
                let (seq, time) = (entry.seq, stated.time);
                self.find(Finding::Rewritten { seq, time });
                self.met.remove(&seq);
                self.stated.remove(&seq);
            }
        }
    }

    /// What was found, after the last entry.
    #[must_use]
    pub fn finish(mut self) -> Report {
        if !self.lost
            && let Err(broken) = self.chain.finish()
        {
            self.find(broken.into());
        }
        let last = self.range.map_or(self.from, |range| range.1);
        let missed: Vec<Stated> = self
            .stated
            .values()
            .filter(|s| s.seq > self.from && !self.met.contains(&s.seq))
            .cloned()
            .collect();
        for Stated { seq, time, .. } in missed {
            match seq > last {
                true => self.find(Finding::Cut { last, signed: seq, time }),
                false => self.find(Finding::Rewritten { seq, time }),
            }
        }
        let signed =
            self.met.last().copied().or_else(|| self.stated.contains_key(&self.from).then_some(self.from));
        let signed = signed.and_then(|seq| Some((seq, self.stated.get(&seq)?.time)));
        if signed.is_none() && self.range.is_some() && self.findings.is_empty() {
            self.find(Finding::Unsigned);
        }
        Report { range: self.range, signed, findings: self.findings, more: self.more }
    }

    fn find(&mut self, finding: Finding) {
        match self.findings.len() < MOST_FINDINGS {
            true => self.findings.push(finding),
            false => self.more += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Block, START, link};

    const THEN: Timestamp = Timestamp::UNIX_EPOCH;

    /// A log of these texts, one entry a block.
    fn log(texts: &[&str]) -> Vec<LoggedEntry> {
        let (mut all, mut before) = (Vec::new(), START);
        for (seq, text) in (1..).zip(texts) {
            let mut block = Block::default();
            block.push(0, 5, "/k", text);
            before = link(&before, seq, seq, &block.digest());
            let (key, text) = ("/k".to_owned(), (*text).to_owned());
            all.push(LoggedEntry { seq, revision: seq, time: 5, key, text, link: Some(before) });
        }
        all
    }

    fn stated(kind: Kind, entry: &LoggedEntry) -> Stated {
        let (seq, link) = (entry.seq, entry.link.unwrap());
        Stated { log: LOG.to_owned(), tenant: Uuid::nil(), kind, seq, link, time: THEN, pruned: None }
    }

    fn verify(log: &[LoggedEntry], statements: &[Stated]) -> Report {
        let mut verifier = Verifier::new(statements.to_vec());
        log.iter().for_each(|entry| verifier.take(entry));
        verifier.finish()
    }

    #[test]
    fn an_untouched_log_has_no_findings() {
        let log = log(&["a", "b", "c", "d"]);
        let head = stated(Kind::Head, &log[2]);
        let report = verify(&log, std::slice::from_ref(&head));
        assert_eq!(
            report,
            Report { range: Some((1, 4)), signed: Some((3, THEN)), findings: vec![], more: 0 }
        );
        // After the first two were pruned.
        let checkpoint = stated(Kind::Checkpoint, &log[1]);
        let report = verify(&log[2..], &[head, checkpoint.clone()]);
        assert_eq!((report.range, report.findings), (Some((3, 4)), vec![]));
        // When everything was.
        let report = verify(&[], std::slice::from_ref(&checkpoint));
        assert_eq!((report.signed, report.findings), (Some((2, THEN)), vec![]));
        assert_eq!(verify(&[], &[]).findings, []);
    }

    #[test]
    fn a_chain_rewritten_as_a_whole_is_found_by_its_signature() {
        let (original, forged) = (log(&["a", "b", "c"]), log(&["a", "x", "c"]));
        let head = stated(Kind::Head, &original[2]);
        assert_eq!(
            verify(&forged, std::slice::from_ref(&head)).findings,
            [Finding::Rewritten { seq: 3, time: THEN }]
        );
        // Without what was signed nothing can be said, and that is said.
        assert_eq!(verify(&forged, &[]).findings, [Finding::Unsigned]);
        // The end was cut off.
        let cut = Finding::Cut { last: 2, signed: 3, time: THEN };
        assert_eq!(verify(&original[..2], std::slice::from_ref(&head)).findings, [cut]);
        assert_eq!(
            verify(&[], std::slice::from_ref(&head)).findings,
            [Finding::Cut { last: 0, signed: 3, time: THEN }]
        );
        // The key signed both.
        let twice = verify(&original, &[head, stated(Kind::Head, &forged[2])]);
        assert!(matches!(twice.findings[..], [Finding::SignedTwice { seq: 3, .. }]), "{twice:?}");
    }

    #[test]
    fn a_pruned_log_needs_its_checkpoint() {
        let log = log(&["a", "b", "c"]);
        let head = stated(Kind::Head, &log[2]);
        let report = verify(&log[1..], std::slice::from_ref(&head));
        assert_eq!(report.findings, [Broken::Missing { expected: 1, found: 2 }.into()]);
    }

    #[test]
    fn one_finding_does_not_hide_the_next() {
        let mut log = log(&["a", "b", "c", "d", "e", "f"]);
        let head = stated(Kind::Head, &log[5]);
        log[1].text.push('!');
        log.remove(3);
        let findings = verify(&log, &[head]).findings;
        let expected: [Finding; 2] =
            [Broken::Changed { first: 2, last: 2 }.into(), Broken::Missing { expected: 4, found: 5 }.into()];
        assert_eq!(findings, expected);
    }

    #[test]
    fn links_are_written_in_hex() {
        let link = [0xab; 32];
        assert_eq!(link_from_hex(&link_to_hex(&link)), Some(link));
        assert_eq!(link_from_hex("ab"), None);
        assert_eq!(link_from_hex(&"g".repeat(64)), None);
        let stated = stated(Kind::Checkpoint, &log(&["a"])[0]);
        let text = serde_json::to_string(&stated).unwrap();
        assert_eq!(serde_json::from_str::<Stated>(&text).unwrap(), stated);
    }
}

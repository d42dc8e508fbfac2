//! Answers that are kept for a minute, so that their pages show one revision.
//!
//! # Design notes
//! A page link names its answer. Whoever follows it within a minute, with the same rights, gets the next rows of that answer; later, after a change of
//! roles, on another server, or when memory was short, the query runs anew and the page begins behind the last row that was shown ([`super::order`]).
//! `x-bowline-page` says which it was, and `x-bowline-revision` stays the same while the answer is kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_kql::Value;
use bowline_kql::engine::Answer;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::run::Whole;
use crate::authorization::Snapshot;

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_secs(60);
/// Bytes of all kept answers, near enough; one alone may have a quarter.
const MOST_BYTES: usize = 64 << 20;

/// Whose answer it is, and to what.
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) principal: Uuid,
    pub(super) fingerprint: u64,
    /// What decided which rows are in it.
    pub(super) rights: Arc<Snapshot>,
}

struct Pin {
    whole: Whole,
    owner: Owner,
    revision: u64,
    until: Timestamp,
    bytes: usize,
}

/// See the module.
#[derive(Default)]
pub(super) struct Pins(Mutex<VecDeque<Pin>>);

impl Pins {
    /// Keeps an answer; the oldest ones make room.
    pub(super) fn keep(&self, whole: &Whole, owner: Owner, revision: u64, now: Timestamp) {
        let bytes = size(&whole.answer);
        if bytes > MOST_BYTES / 4 {
            return;
        }
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pins.retain(|pin| pin.until > now && pin.whole.name != whole.name);
        while pins.iter().map(|pin| pin.bytes).sum::<usize>() + bytes > MOST_BYTES {
            let _ = pins.pop_front();
        }
        let until = now.saturating_add(KEPT).unwrap_or(now);
        pins.push_back(Pin { whole: whole.clone(), owner, revision, until, bytes });
    }

    /// The kept answer of this name and its revision, if it is this caller's to this query.
    pub(super) fn find(&self, name: u64, owner: &Owner, now: Timestamp) -> Option<(Whole, u64)> {
        let pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pin = pins.iter().find(|pin| pin.whole.name == name && pin.until > now)?;
        let same = pin.owner.principal == owner.principal
            && pin.owner.fingerprint == owner.fingerprint
            && Arc::ptr_eq(&pin.owner.rights, &owner.rights);
        same.then(|| (pin.whole.clone(), pin.revision))
    }
}

fn size(answer: &Answer) -> usize {
    let cell = |value: &Value| match value {
        Value::String(text) | Value::Dynamic(text) | Value::Decimal(text) => 32 + text.len(),
        _ => 32,
    };
    answer.rows.iter().map(|row| 24 + row.iter().map(cell).sum::<usize>()).sum()
}

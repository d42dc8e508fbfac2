//! Bursts: an object that changes many times within a second goes up once, with its last content.
//!
//! The first change of an object waits a tenth of a second; while more follow, the object goes up once a second. When the day's
//! byte budget nears its end both become longer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bowline_link::{Moment, observed::Delta};

/// How long the first change waits for company.
const GATHER: Duration = Duration::from_millis(100);
/// How often one object goes up at most.
const APART: Duration = Duration::from_secs(1);
/// Above either, everything goes up at once: what waits here is memory.
const MAX_BYTES: usize = 256 * 1024;
const MAX_OBJECTS: usize = 500;

struct Waiting {
    due: Moment,
    delta: Delta,
    bytes: usize,
}

/// Changes that wait a moment.
#[derive(Default)]
pub(super) struct Coalescer {
    waiting: HashMap<Arc<str>, Waiting>,
    order: BTreeSet<(Moment, Arc<str>)>,
    sent: HashMap<Arc<str>, Moment>,
    bytes: usize,
    /// Both times are at least this long.
    gathering: Duration,
}

impl Coalescer {
    /// Changes are gathered for so long from now on, also those that wait already.
    pub(super) fn gather_for(&mut self, gathering: Duration, now: Moment) {
        self.gathering = gathering;
        let latest = now + GATHER.max(gathering);
        let late: Vec<_> = self.order.iter().filter(|(due, _)| *due > latest).cloned().collect();
        for (due, key) in late {
            self.order.remove(&(due, key.clone()));
            self.waiting.get_mut(&key).expect("what is in the order is waiting").due = latest;
            self.order.insert((latest, key));
        }
    }

    /// Takes a change in; a change of the same object that still waits is forgotten.
    pub(super) fn put(&mut self, delta: Delta, now: Moment) {
        let bytes = delta.size();
        let key: Arc<str> = delta.key.as_str().into();
        self.bytes += bytes;
        if let Some(waiting) = self.waiting.get_mut(&key) {
            self.bytes -= waiting.bytes;
            (waiting.delta, waiting.bytes) = (delta, bytes);
            return;
        }
        let (gather, apart) = (GATHER.max(self.gathering), APART.max(self.gathering));
        let again = self.sent.get(&key).map(|sent| *sent + apart);
        let due = again.map_or(now + gather, |again| again.max(now + gather));
        self.order.insert((due, key.clone()));
        self.waiting.insert(key, Waiting { due, delta, bytes });
    }

    /// When something is due.
    pub(super) fn next_due(&self) -> Option<Moment> {
        if self.is_full() { Some(Moment::ZERO) } else { self.order.first().map(|(due, _)| *due) }
    }

    /// Whether more than a moment's changes wait.
    fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES || self.waiting.len() >= MAX_OBJECTS
    }

    /// The next change that is due, or that has to go because too much waits.
    pub(super) fn pop_due(&mut self, now: Moment) -> Option<Delta> {
        if !self.is_full() && self.order.first().is_none_or(|(due, _)| *due > now) {
            return None;
        }
        self.pop(now)
    }

    /// The next change, due or not.
    pub(super) fn pop(&mut self, now: Moment) -> Option<Delta> {
        let (_, key) = self.order.pop_first()?;
        let waiting = self.waiting.remove(&key).expect("what is in the order is waiting");
        self.bytes -= waiting.bytes;
        if self.sent.len() >= MAX_OBJECTS {
            let apart = APART.max(self.gathering);
            self.sent.retain(|_, sent| *sent + apart > now);
        }
        // In a flood the memory of what was sent is bounded too; the flood itself is what keeps objects apart then.
        if self.sent.len() < 4 * MAX_OBJECTS {
            self.sent.insert(key, now.max(waiting.due));
        }
        Some(waiting.delta)
    }

    /// Forgets every change.
    pub(super) fn clear(&mut self) {
        *self = Self { gathering: self.gathering, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline_link::item::ContentHash;
    use serde_json::{Value, json};

    fn delta(key: &str, content: Value) -> Delta {
        Delta::object(key, ContentHash::of(&content), content)
    }

    fn at(millis: u64) -> Moment {
        Duration::from_millis(millis)
    }

    fn drain(coalescer: &mut Coalescer, now: Moment) -> Vec<(String, Value)> {
        std::iter::from_fn(|| coalescer.pop_due(now))
            .map(|d| (d.key, d.object.unwrap_or(Value::Null)))
            .collect()
    }

    #[test]
    fn a_burst_goes_up_once_with_its_last_content_and_then_once_a_second() {
        let mut coalescer = Coalescer::default();
        for n in 0..10 {
            coalescer.put(delta("a", json!(n)), at(n * 5));
        }
        assert!(drain(&mut coalescer, at(99)).is_empty());
        assert_eq!(drain(&mut coalescer, at(100)), [("a".to_owned(), json!(9))]);
        coalescer.put(delta("a", json!("later")), at(150));
        coalescer.put(delta("b", json!("other")), at(150));
        assert_eq!(drain(&mut coalescer, at(300)), [("b".to_owned(), json!("other"))]);
        assert_eq!(coalescer.next_due(), Some(at(1100)));
        assert_eq!(drain(&mut coalescer, at(1100)), [("a".to_owned(), json!("later"))]);
        assert_eq!(coalescer.next_due(), None);
    }

    #[test]
    fn a_deletion_wins_over_the_change_before_it() {
        let mut coalescer = Coalescer::default();
        coalescer.put(delta("a", json!(1)), at(0));
        coalescer.put(Delta::tombstone("a"), at(1));
        assert_eq!(drain(&mut coalescer, at(200)), [("a".to_owned(), Value::Null)]);
    }

    #[test]
    fn a_saving_agent_gathers_for_longer_and_an_end_of_it_releases_what_waits() {
        let mut coalescer = Coalescer::default();
        coalescer.gather_for(Duration::from_secs(60), at(0));
        coalescer.put(delta("a", json!(1)), at(0));
        coalescer.put(delta("a", json!(2)), at(30_000));
        assert!(drain(&mut coalescer, at(59_999)).is_empty());
        assert_eq!(drain(&mut coalescer, at(60_000)), [("a".to_owned(), json!(2))]);
        coalescer.put(delta("a", json!(3)), at(60_001));
        assert_eq!(coalescer.next_due(), Some(at(120_001)));
        coalescer.gather_for(Duration::ZERO, at(61_000));
        assert_eq!(coalescer.next_due(), Some(at(61_100)));
        assert_eq!(drain(&mut coalescer, at(61_100)), [("a".to_owned(), json!(3))]);
        coalescer.put(delta("b", json!(1)), at(61_200));
        assert_eq!(coalescer.next_due(), Some(at(61_300)), "as usual");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut coalescer = Coalescer::default();
        let large = "x".repeat(100_000);
        for key in ["a", "b", "c"] {
            coalescer.put(delta(key, json!(large)), at(0));
        }
        assert_eq!(coalescer.next_due(), Some(Moment::ZERO));
        assert_eq!(drain(&mut coalescer, at(0)).len(), 1, "only until it is below the bound again");
        for n in 0..5000 {
            coalescer.put(delta(&n.to_string(), json!(n)), at(1));
            drain(&mut coalescer, at(1));
        }
        assert!(coalescer.waiting.len() < MAX_OBJECTS && coalescer.sent.len() <= 4 * MAX_OBJECTS);
    }
}

//! The newest events of a cluster: a bounded window by time, because a busy cluster makes more events than anything else.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// How many events are reported at most.
pub(super) const MAX_EVENTS: usize = 1000;

/// What the window did with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is in; the named one had to go.
    In { evicted: Option<Box<str>> },
    /// It is older than everything in a full window.
    TooOld,
}

/// Which events are in, by their time.
#[derive(Debug)]
pub(super) struct Newest {
    limit: usize,
    by_time: BTreeMap<(i64, Box<str>), Option<Box<str>>>,
    times: HashMap<Box<str>, i64>,
}

impl Newest {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, by_time: BTreeMap::new(), times: HashMap::new() }
    }

    /// Takes an event in, or not. `held` is kept with it until [`Newest::release`].
    pub(super) fn admit(&mut self, name: &str, time: i64, held: Option<Box<str>>) -> Admission {
        self.remove(name);
        let mut evicted = None;
        if self.times.len() >= self.limit {
            let oldest = self.by_time.first_key_value().map(|((time, _), _)| *time);
            if oldest.is_some_and(|oldest| time < oldest) {
                return Admission::TooOld;
            }
            evicted = self.by_time.pop_first().map(|((_, name), _)| name);
            if let Some(name) = &evicted {
                self.times.remove(name);
            }
        }
        self.by_time.insert((time, name.into()), held);
        self.times.insert(name.into(), time);
        Admission::In { evicted }
    }

    /// An event is gone.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(time) = self.times.remove(name) {
            self.by_time.remove(&(time, name.into()));
        }
    }

    /// Forgets everything, before a list.
    pub(super) fn clear(&mut self) {
        self.by_time.clear();
        self.times.clear();
    }

    /// Hands out what was held, oldest first.
    pub(super) fn release(&mut self) -> Vec<(Box<str>, Box<str>)> {
        let held = self.by_time.iter_mut();
        held.filter_map(|((_, name), held)| held.take().map(|held| (name.clone(), held))).collect()
    }
}

/// When an event happened last, in seconds; events of both API groups.
pub(super) fn event_time(event: &Value) -> i64 {
    const MEMBERS: &[&str] = &[
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/deprecatedLastTimestamp",
        "/eventTime",
        "/metadata/creationTimestamp",
    ];
    let times =
        MEMBERS.iter().filter_map(|member| event.pointer(member)?.as_str()?.parse::<jiff::Timestamp>().ok());
    times.map(jiff::Timestamp::as_second).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_window_keeps_the_newest() {
        let mut newest = Newest::new(2);
        assert_eq!(newest.admit("a", 10, None), Admission::In { evicted: None });
        assert_eq!(newest.admit("b", 20, None), Admission::In { evicted: None });
        assert_eq!(newest.admit("c", 5, None), Admission::TooOld);
        assert_eq!(newest.admit("c", 15, None), Admission::In { evicted: Some("a".into()) });
        // An event that happens again moves up and evicts nothing.
        assert_eq!(newest.admit("c", 30, None), Admission::In { evicted: None });
        assert_eq!(newest.admit("d", 25, None), Admission::In { evicted: Some("b".into()) });
        newest.remove("c");
        assert_eq!(newest.admit("e", 1, None), Admission::In { evicted: None });
    }

    #[test]
    fn what_is_held_comes_out_once_in_order() {
        let mut newest = Newest::new(5);
        newest.admit("b", 2, Some("B".into()));
        newest.admit("a", 1, Some("A".into()));
        newest.admit("c", 3, None);
        let out: Vec<_> = newest.release().into_iter().map(|(_, held)| held).collect();
        assert_eq!(out, ["A".into(), "B".into()]);
        assert!(newest.release().is_empty());
    }

    #[test]
    fn the_time_of_an_event_is_the_last_that_it_names() {
        let event = json!({"metadata": {"creationTimestamp": "1970-01-01T00:00:01Z"}, "lastTimestamp": "1970-01-01T00:01:00Z",
            "eventTime": null});
        assert_eq!(event_time(&event), 60);
        let newer = json!({"eventTime": "1970-01-01T00:00:05.123456Z", "series": {"lastObservedTime": "1970-01-01T00:00:09Z"}});
        assert_eq!(event_time(&newer), 9);
        assert_eq!(event_time(&json!({})), 0);
    }
}

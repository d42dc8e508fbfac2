//! How many connections are open, and what happens to those that come when most places are taken.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio_util::sync::CancellationToken;

/// One part of the connections in so many is for agents only.
const RESERVE: usize = 8;

/// See the module.
#[derive(Debug)]
pub struct Connections {
    limit: i64,
    /// How many are open, for the metrics too.
    pub count: Gauge,
    /// How many were closed at once.
    pub refused: Counter,
}

/// A connection's place; giving it back is dropping it.
#[derive(Debug)]
pub struct Place {
    count: Gauge,
    /// Whether this is one of the last places.
    pub last: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count.dec();
    }
}

/// Marks the requests of a connection that has one of the last places: it is closed after a client's request.
#[derive(Clone, Debug)]
pub struct Last(pub CancellationToken);

impl Connections {
    /// None is open.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Self { limit, count: Gauge::default(), refused: Counter::default() }
    }

    /// A place, if there is one.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Place> {
        let before = self.count.inc();
        let place =
            Place { count: self.count.clone(), last: before >= self.limit - self.limit / RESERVE as i64 };
        if before >= self.limit {
            self.refused.inc();
            return None;
        }
        Some(place)
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        usize::try_from(self.count.get()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_eighth_is_marked_and_beyond_there_is_nothing() {
        let connections = Arc::new(Connections::new(16));
        let places: Vec<Place> = (0..16).map(|_| connections.take().unwrap()).collect();
        assert_eq!(places.iter().filter(|place| place.last).count(), 2);
        assert!(connections.take().is_none());
        assert_eq!((connections.open(), connections.refused.get()), (16, 1));
        drop(places);
        assert_eq!(connections.open(), 0);
        assert!(!connections.take().unwrap().last);
    }
}

//! The clock of a server: the system's where it is alone, the database's where several servers share one.
//!
//! # Design notes
//! - Servers that share a database share what depends on time: tokens, codes, assertions, expiries. A host whose clock is wrong or jumps would
//!   refuse what its neighbours issued, so that none of them goes by its host. The heartbeat reads the database's clock every two
//!   seconds; in between the time is that reading and what has passed since by the monotonic clock, which does not jump.
//! - A reading is true only to the time that its question took. One that fits what this clock says changes nothing, so that the time does not
//!   tremble by milliseconds.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// How far the database's clock may be off what it was expected to be until that counts as a step: slow answers and the correction of a
/// drift stay below.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// See the module. Clones are the same clock.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    system: fn() -> Timestamp,
    shared: RwLock<Option<Reading>>,
}

/// What the database's clock said, and when.
#[derive(Clone, Copy)]
struct Reading {
    time: Timestamp,
    at: Instant,
}

impl Reading {
    fn now(self) -> Timestamp {
        let passed = SignedDuration::try_from(self.at.elapsed()).unwrap_or(SignedDuration::MAX);
        self.time.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

/// What a reading of the database's clock showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first one.
    First,
    /// As expected.
    None,
    /// Its clock was put forward or back, by so much.
    By(SignedDuration),
}

impl Clock {
    /// One that goes by the system's until it knows the database's.
    #[must_use]
    pub fn new(system: fn() -> Timestamp) -> Self {
        Self(Arc::new(Inner { system, shared: RwLock::default() }))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared().map_or_else(self.0.system, Reading::now)
    }

    /// By how much the system's clock is ahead of the database's; nothing for a server alone.
    #[must_use]
    pub fn system_ahead(&self) -> Option<SignedDuration> {
        self.shared().map(|reading| (self.0.system)().duration_since(reading.now()))
    }

    fn shared(&self) -> Option<Reading> {
        *self.0.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a reading of the database's clock that was asked for at `asked` and has just arrived.
    pub fn read(&self, time: Timestamp, asked: Instant) -> Step {
        let at = Instant::now();
        let took = SignedDuration::try_from(at - asked).unwrap_or(SignedDuration::MAX);
        // It was read at some moment while the question was under way.
        let reading = Reading { time: time.saturating_add(took / 2).unwrap_or(Timestamp::MAX), at };
        let step = match self.shared() {
            None => Step::First,
            Some(last) => {
                let off = reading.now().duration_since(last.now());
                if off.abs() <= took / 2 {
                    return Step::None;
                }
                if off.abs() <= STEP.max(took) { Step::None } else { Step::By(off) }
            }
        };
        *self.0.shared.write().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn system() -> Timestamp {
        Timestamp::from_second(1_000).expect("a time of long ago")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time of long ago")
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_by_the_database_and_not_by_the_system() {
        let clock = Clock::new(system);
        assert_eq!((clock.now(), clock.system_ahead()), (at(1_000), None), "alone it is the system's");
        assert_eq!(clock.read(at(400), Instant::now()), Step::First);
        tokio::time::advance(Duration::from_secs(50)).await;
        assert_eq!(clock.now(), at(450), "whatever the system's clock does meanwhile");
        assert_eq!(clock.system_ahead(), Some(SignedDuration::from_secs(550)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_fits_changes_nothing_and_a_jump_is_told() {
        let clock = Clock::new(system);
        let _ = clock.read(at(400), Instant::now());
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(clock.read(at(403), asked), Step::None, "some time between 400 and 404");
        assert_eq!(clock.now(), at(404));
        assert_eq!(clock.read(at(4_004), Instant::now()), Step::By(SignedDuration::from_hours(1)));
        assert_eq!(clock.now(), at(4_004));
        assert_eq!(clock.read(at(404), Instant::now()), Step::By(-SignedDuration::from_hours(1)));
        let small = at(404) + SignedDuration::from_millis(300);
        assert_eq!(clock.read(small, Instant::now()), Step::None, "a drift that is put right is no jump");
        assert_eq!(clock.now(), small);
    }
}

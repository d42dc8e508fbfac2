//! The wait before the next attempt.

use std::time::Duration;

use bowline_link::backoff::Backoff;

const MIN: Duration = Duration::from_millis(500);
const MAX: Duration = Duration::from_secs(60);

#[test]
fn waits_grow_to_the_maximum_and_start_over() {
    let mut backoff = Backoff::new(MIN, MAX);
    let longest: Vec<_> = (0..12).map(|_| backoff.next(1.0, None).as_secs_f64()).collect();
    assert_eq!(longest[..6], [2.0, 4.0, 8.0, 16.0, 32.0, 60.0]);
    assert!(longest[6..].iter().all(|wait| *wait == 60.0));
    backoff.reset();
    assert_eq!(backoff.next(0.0, None), MIN);
    assert_eq!(backoff.failures(), 1);
    for _ in 0..100 {
        backoff.next(0.5, None);
    }
    assert_eq!(backoff.next(1.0, None), MAX, "many failures do not overflow");
}

#[test]
fn the_first_wait_of_many_agents_is_spread() {
    let wait = |random| Backoff::new(MIN, MAX).next(random, None);
    assert_eq!(wait(0.0), MIN);
    assert_eq!(wait(1.0), Duration::from_secs(2));
}

#[test]
fn a_wait_is_never_shorter_than_the_server_asked() {
    for random in [0.0, 0.3, 1.0] {
        let asked = Duration::from_secs(7);
        let wait = Backoff::new(MIN, MAX).next(random, Some(asked));
        assert!(wait >= asked && wait <= 2 * asked, "{wait:?}");
    }
}

//! The throttle: free failures, growing delays, forgetting, and its bound.

use bowline_auth::throttle::{SignInThrottle, Throttle, ThrottleRule, TooManyAttempts};
use jiff::SignedDuration;

use crate::{after, now};

fn rule(capacity: usize) -> ThrottleRule {
    ThrottleRule {
        free: 2,
        first_delay: SignedDuration::from_secs(1),
        longest_delay: SignedDuration::from_secs(10),
        forget_after: SignedDuration::from_secs(100),
        forgive_every: None,
        capacity,
    }
}

fn wait(seconds: u64) -> Result<(), TooManyAttempts> {
    Err(TooManyAttempts { retry_after_seconds: seconds })
}

#[test]
fn delays_double_up_to_the_longest() {
    let mut throttle = Throttle::new(rule(10));
    let mut delays = Vec::new();
    for _ in 0..40 {
        throttle.failed("k", now());
        delays.push(throttle.check("k", now()).map_or_else(|e| e.retry_after_seconds, |()| 0));
    }
    assert_eq!(delays[..8], [0, 0, 1, 2, 4, 8, 10, 10]);
    assert!(delays[8..].iter().all(|delay| *delay == 10), "{delays:?}");
    assert_eq!(throttle.check("other", now()), Ok(()));
    assert_eq!(throttle.check("k", after(9)), wait(1));
    assert_eq!(throttle.check("k", after(10)), Ok(()));
}

#[test]
fn steady_failures_within_the_rule_are_never_slowed() {
    let steady = ThrottleRule { free: 5, forgive_every: Some(SignedDuration::from_secs(1)), ..rule(10) };
    let mut throttle = Throttle::new(steady);
    for second in 0..200 {
        throttle.failed("site", after(second));
        assert_eq!(throttle.check("site", after(second)), Ok(()), "once a second, at {second} s");
    }
    for _ in 0..6 {
        throttle.failed("site", after(200));
    }
    throttle.check("site", after(200)).expect_err("a burst beyond it");
    throttle.failed("site", after(230));
    assert_eq!(throttle.check("site", after(230)), Ok(()), "half a minute forgave the burst");
}

#[test]
fn a_clock_that_is_put_back_locks_nobody_out() {
    let mut throttle = Throttle::new(rule(10));
    throttle.failed("k", after(7200));
    assert_eq!(throttle.check("k", now()), Ok(()), "one failure is free, whenever it was");
    for _ in 0..3 {
        throttle.failed("k", after(7200));
    }
    assert_eq!(throttle.check("k", now()), wait(1), "its own delay, from now");
    assert_eq!(throttle.check("k", after(1)), Ok(()));
}

#[test]
fn a_broken_program_is_slowed_alone() {
    let mut throttle = SignInThrottle::for_programs();
    for second in 0..40 {
        throttle.failed("broken", "site", after(second));
    }
    throttle.check("broken", "site", after(40)).expect_err("it waits");
    assert_eq!(throttle.check("healthy", "site", after(40)), Ok(()), "its neighbours do not");
    for index in 0..400 {
        throttle.failed(&format!("guess-{index}"), "attacker", after(40));
    }
    throttle.check("any", "attacker", after(40)).expect_err("a flood from one address waits as a whole");
    assert_eq!(throttle.check("any", "elsewhere", after(40)), Ok(()));
    for _ in 0..400 {
        throttle.failed("", "scanner", after(40));
    }
    throttle.check("", "scanner", after(40)).expect_err("unknown tokens count for their address");
    assert_eq!(throttle.check("", "elsewhere", after(40)), Ok(()), "and for nobody else");
}

#[test]
fn success_and_time_forgive() {
    let mut throttle = Throttle::new(rule(10));
    (0..3).for_each(|_| throttle.failed("k", now()));
    assert_eq!(throttle.check("k", now()), wait(1));
    throttle.succeeded("k");
    assert_eq!(throttle.check("k", now()), Ok(()));

    (0..9).for_each(|_| throttle.failed("k", now()));
    throttle.failed("k", after(100));
    assert_eq!(throttle.check("k", after(100)), Ok(()), "forgotten after a hundred quiet seconds");
}

#[test]
fn the_table_is_bounded_and_keeps_the_newest() {
    let mut throttle = Throttle::new(rule(16));
    for i in 0..1000 {
        throttle.failed(&format!("k{i}"), after(i / 20));
        assert!(throttle.len() <= 16, "{} keys", throttle.len());
    }
    let mut throttle = Throttle::new(rule(16));
    for i in 0..1000i64 {
        (0..3).for_each(|_| throttle.failed("guesser", after(i)));
        throttle.failed(&format!("noise{i}"), after(i));
    }
    assert!(throttle.check("guesser", after(999)).is_err(), "noise does not push a busy guesser out");
}

#[test]
fn a_sign_in_is_guarded_from_three_sides() {
    let mut one = SignInThrottle::default();
    (0..5).for_each(|_| one.failed("Ada ", "192.0.2.1", now()));
    assert_eq!(one.check("ada", "192.0.2.1", now()), wait(1), "one guesser at one name");
    assert_eq!(one.check("ada", "192.0.2.2", now()), Ok(()), "Ada at her own desk is not disturbed");
    assert_eq!(one.check("bob", "192.0.2.1", now()), Ok(()));
    one.succeeded("ADA", "192.0.2.1");
    assert_eq!(one.check("ada", "192.0.2.1", now()), Ok(()));

    let mut spray = SignInThrottle::default();
    (0..60).for_each(|i| spray.failed(&format!("user{i}"), "192.0.2.1", now()));
    assert_eq!(spray.check("user99", "192.0.2.1", now()), wait(60), "many names from one address");

    let mut botnet = SignInThrottle::default();
    (0..60).for_each(|i| botnet.failed("ada", &format!("192.0.2.{i}"), now()));
    assert_eq!(
        botnet.check("ada", "198.51.100.1", now()),
        wait(30),
        "one name from many addresses, never longer"
    );
}

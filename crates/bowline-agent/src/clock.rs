//! The only place where the agent reads clocks, draws random numbers and asks the system who it is running as.

#![allow(clippy::disallowed_methods, reason = "everything else gets time and randomness from here")]

use std::{sync::LazyLock, time::Duration};

use bowline_link::Moment;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// The wall clock.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The monotonic clock, from the first call in this process. It follows tokio's clock, so that tests can pause it.
pub fn moment() -> Moment {
    static ORIGIN: LazyLock<tokio::time::Instant> = LazyLock::new(tokio::time::Instant::now);
    ORIGIN.elapsed()
}

/// Sleeps until a moment of [`moment`]'s clock.
pub async fn sleep_until(at: Moment) {
    tokio::time::sleep(at.saturating_sub(moment())).await;
}

/// Uniform in 0..1.
pub fn random() -> f64 {
    let number = u32::from_le_bytes(random_bytes());
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

/// Random bytes from the system.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the kernel's random source does not fail once it has been seeded");
    bytes
}

/// A random GUID.
pub fn new_guid() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

/// A duration as whole and fractional seconds, for people.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

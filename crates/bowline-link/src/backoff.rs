//! How long to wait before the next attempt: exponential with full jitter, so that a thousand agents whose server
//! restarted do not come back in the same instant. Even the first wait is spread over four times its minimum.

use std::time::Duration;

/// A wait that doubles with each failure.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits are drawn from `min` to at most `max`, and never exceed `max` unless the server asked for more.
    pub const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, failures: 0 }
    }

    /// The wait after one more failure. `random` is uniform in 0..1; `asked` is the server's `Retry-After` or
    /// `reconnectAfterSeconds`: the wait is never shorter than that, and is spread over up to as long again.
    pub fn next(&mut self, random: f64, asked: Option<Duration>) -> Duration {
        let random = random.clamp(0.0, 1.0);
        let ceiling = self.min.saturating_mul(4_u32 << self.failures.min(28)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        match asked {
            Some(asked) => asked + asked.max(ceiling).min(self.max).mul_f64(random),
            None => self.min + ceiling.saturating_sub(self.min).mul_f64(random),
        }
    }

    /// An attempt succeeded.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// How many attempts failed in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

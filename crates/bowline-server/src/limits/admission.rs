//! The turns of requests, and what is answered where there is none.

use std::sync::Arc;
use std::time::Duration;

use bowline_arm::Error;
use bowline_control::turns::{Refused, Rule, Turns};

use super::{Limits, WAITING};

pub use bowline_control::turns::Ticket;

/// A request that has not come to its turn in this time is better sent again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests of proved callers.
pub struct Admission(Arc<Turns>);

impl Admission {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Turns::new(Rule {
            at_once: limits.requests,
            per_principal: limits.requests_per_principal,
            waiting: limits.requests * WAITING,
            waiting_per_principal: limits.waiting_per_principal,
            patience: PATIENCE,
        })))
    }

    /// Requests that are under way, and those that wait.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        self.0.load()
    }

    /// Waits for the turn of a principal's request.
    ///
    /// # Errors
    /// `TooManyRequests` (429) when its principal has too many in line, `ServerBusy` (503) when all have.
    pub async fn enter(&self, principal: &str) -> Result<Ticket, Error> {
        self.0.enter(principal).await.map_err(|refused| match refused {
            Refused::TooMany { under_way, waiting } => too_many(under_way, waiting),
            Refused::Full => busy(),
        })
    }
}

fn too_many(under_way: usize, waiting: usize) -> Error {
    Error::new(
        429,
        "TooManyRequests",
        format!(
            "You have {under_way} requests under way and {waiting} that wait, as many as one principal may. \
             Nothing was done; send fewer at once, and try again after 1 s."
        ),
    )
    .with_retry_after(1)
}

/// The server has as much to do as it takes.
pub(super) fn busy() -> Error {
    Error::new(
        503,
        "ServerBusy",
        "The server has as many requests as it takes at once. Nothing was done; try again after 1 s.",
    )
    .with_retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_may_not_wait_is_told_when_to_come_back() {
        let limits =
            Limits { requests: 1, requests_per_principal: 1, waiting_per_principal: 1, ..Limits::default() };
        let admission = Arc::new(Admission::new(&limits));
        let _held = admission.enter("greedy").await.unwrap();
        let told = |refused: Error| (refused.status, refused.code, refused.retry_after);
        // The first waits and is sent away in the end, the second may not even wait.
        let (waits, refused) = tokio::join!(admission.enter("greedy"), admission.enter("greedy"));
        assert_eq!(told(waits.err().unwrap()), (503, "ServerBusy", Some(1)));
        assert_eq!(told(refused.err().unwrap()), (429, "TooManyRequests", Some(1)));
    }
}

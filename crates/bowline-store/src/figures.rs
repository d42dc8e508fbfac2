//! What the store counts about its own work, for whoever shows it.

use crate::commit::{CommitError, Committed};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Bounds in seconds: a flush to a good disk takes a millisecond, a caller gives up after ten seconds or so.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// Bounds of the size of a batch.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// `committed`, `refused` (a guard did not hold), `overloaded` (the queue was full), or `failed`.
    pub outcome: &'static str,
}

/// See the module. Copies count together.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Commits, by how they ended.
    pub commits: Family<Outcome, Counter>,
    /// Seconds from handing in a commit to its fate.
    pub commit_seconds: Histogram,
    /// Commits and observations of one transaction.
    pub batch_size: Histogram,
    /// Seconds of one transaction, its flush included.
    pub batch_seconds: Histogram,
}

impl Default for Figures {
    fn default() -> Figures {
        Figures {
            commits: Family::default(),
            commit_seconds: Histogram::new(SECONDS),
            batch_size: Histogram::new(SIZES),
            batch_seconds: Histogram::new(SECONDS),
        }
    }
}

impl Figures {
    pub(crate) fn note_commit(&self, fate: &Result<Committed, CommitError>, took: Duration) {
        let outcome = match fate {
            Ok(_) => "committed",
            Err(CommitError::Refused(_)) => "refused",
            Err(CommitError::Overloaded { .. }) => "overloaded",
            Err(_) => "failed",
        };
        self.commits.get_or_create(&Outcome { outcome }).inc();
        self.commit_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn note_batch(&self, size: usize, took: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has 256 at most")]
        self.batch_size.observe(size as f64);
        self.batch_seconds.observe(took.as_secs_f64());
    }
}

/// Counts those that are somewhere, until they are dropped.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn among(others: &Arc<AtomicUsize>) -> Counted {
        others.fetch_add(1, Ordering::Relaxed);
        Counted(others.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

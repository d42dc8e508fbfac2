//! The queue in front of the one writer of a process, and the choice of what goes into one transaction. Both databases
//! share it: SQLite's writer waits on a thread, PostgreSQL's in a task.
//!
//! # Design notes
//! - The queue is bounded by number and by bytes. Who finds it full is told at once ([`CommitError::Overloaded`]).
//! - A writer that began with the first commit it sees would alternate between batches of 1 and 31. A few
//!   yields before the batch is taken cost nothing when nobody waits and let everybody in when many do; no timer is needed.
//! - A commit that touches a key which an earlier one of the same batch writes goes to the next batch, and those behind it that
//!   touch the same keys wait with it. Entries are different: hundreds of machines count one enrolment token at once,
//!   so that commits on one entry share a batch and take turns inside it ([`crate::decide`]).

use crate::commit::{Commit, CommitError, Committed, Guard, Refusal, Write};
use crate::figures::Figures;
use crate::model::{Head, Load, Observation, Revision};
use crate::store::ObservationError;
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// The most commits and observations in one transaction.
pub(crate) const MAX_BATCH: usize = 256;
/// The most bytes in one transaction (one large commit may exceed it alone).
const MAX_BATCH_BYTES: usize = 8 << 20;
/// The most that may wait.
const MAX_WAITING: usize = 2048;
/// The most bytes that may wait.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// How often the writer looks again before it starts.
pub(crate) const YIELDS: u32 = 4;
/// A whole second, because that is the finest that HTTP's Retry-After can say; a full queue drains in less.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// One thing to be written, and who waits for it. `T` is what else this database's writer does.
pub(crate) enum Job<T> {
    Commit { commit: Box<Commit>, reply: oneshot::Sender<Result<Committed, CommitError>>, place: Place },
    Observe { observation: Observation, reply: oneshot::Sender<Result<u64, ObservationError>>, place: Place },
    Task(T),
}

/// A place in the queue; giving it back is dropping it.
pub(crate) struct Place {
    weight: usize,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.weight, Ordering::Relaxed);
    }
}

/// Where callers hand in.
pub(crate) struct Queue<T> {
    sender: mpsc::Sender<Job<T>>,
    waiting: Arc<AtomicUsize>,
    figures: Figures,
}

/// Where the writer takes out.
pub(crate) struct Intake<T> {
    receiver: mpsc::Receiver<Job<T>>,
    waiting: VecDeque<Job<T>>,
    hasher: RandomState,
    figures: Figures,
}

/// A queue and its end.
pub(crate) fn queue<T>() -> (Queue<T>, Intake<T>) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let figures = Figures::default();
    let queue = Queue { sender, waiting: Arc::new(AtomicUsize::new(0)), figures: figures.clone() };
    (queue, Intake { receiver, waiting: VecDeque::new(), hasher: RandomState::new(), figures })
}

impl<T> Queue<T> {
    /// Hands in a commit and waits for its fate.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let begun = Instant::now();
        let fate = self.hand_in_commit(commit).await;
        self.figures.note_commit(&fate, begun.elapsed());
        fate
    }

    async fn hand_in_commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        commit.check()?;
        let place = self.take_place(commit.weight())?;
        let (reply, answer) = oneshot::channel();
        self.hand_in(Job::Commit { commit: Box::new(commit), reply, place })?;
        answer.await.unwrap_or_else(|_| Err(writer_gone()))
    }

    /// Hands in an observation and waits for its fate.
    pub(crate) async fn observe(&self, observation: Observation) -> Result<u64, ObservationError> {
        crate::commit::check_observation(&observation)?;
        let place = self.take_place(observation.bytes.len() + 300)?;
        let (reply, answer) = oneshot::channel();
        self.hand_in(Job::Observe { observation, reply, place })?;
        answer.await.unwrap_or_else(|_| Err(writer_gone().into()))
    }

    /// Hands in something else; waits for a place rather than being refused.
    pub(crate) async fn task(&self, task: T) -> Result<(), CommitError> {
        self.sender.send(Job::Task(task)).await.map_err(|_| writer_gone())
    }

    /// What was counted.
    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// How much waits; the store adds its readers.
    pub(crate) fn load(&self) -> Load {
        Load {
            waiting: MAX_WAITING - self.sender.capacity(),
            waiting_limit: MAX_WAITING,
            bytes: self.waiting.load(Ordering::Relaxed),
            bytes_limit: MAX_WAITING_BYTES,
            readers: 0,
            readers_limit: 0,
            reads_waiting: 0,
        }
    }

    fn hand_in(&self, job: Job<T>) -> Result<(), CommitError> {
        self.sender.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Overloaded { retry_after: RETRY_AFTER },
            mpsc::error::TrySendError::Closed(_) => writer_gone(),
        })
    }

    fn take_place(&self, weight: usize) -> Result<Place, CommitError> {
        let before = self.waiting.fetch_add(weight, Ordering::Relaxed);
        let place = Place { weight, waiting: self.waiting.clone() };
        if before > 0 && before + weight > MAX_WAITING_BYTES {
            return Err(CommitError::Overloaded { retry_after: RETRY_AFTER });
        }
        Ok(place)
    }
}

fn writer_gone() -> CommitError {
    CommitError::Unavailable { reason: "the store is closing".to_owned() }
}

impl<T> Intake<T> {
    /// Waits until there is something to do; false when all callers are gone.
    pub(crate) async fn wait(&mut self) -> bool {
        if self.waiting.is_empty() {
            match self.receiver.recv().await {
                Some(job) => self.waiting.push_back(job),
                None => return false,
            }
        }
        true
    }

    /// The same on a thread.
    pub(crate) fn wait_blocking(&mut self) -> bool {
        if self.waiting.is_empty() {
            match self.receiver.blocking_recv() {
                Some(job) => self.waiting.push_back(job),
                None => return false,
            }
        }
        true
    }

    /// Takes over what has arrived.
    pub(crate) fn drain(&mut self) {
        while self.waiting.len() < 2 * MAX_BATCH {
            let Ok(job) = self.receiver.try_recv() else { return };
            self.waiting.push_back(job);
        }
    }

    /// Notes a transaction that began at `begun` and has been answered.
    pub(crate) fn note(&self, size: usize, begun: Instant) {
        self.figures.note_batch(size, begun.elapsed());
    }

    /// Whether nobody waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.receiver.is_empty()
    }

    /// The next transaction: in the order of arrival, without what conflicts.
    pub(crate) fn take_batch(&mut self) -> Vec<Job<T>> {
        let mut batch = Batch::new(&self.hasher);
        let mut later = VecDeque::new();
        while let Some(job) = self.waiting.pop_front() {
            match batch.offer(job) {
                None => {}
                Some(job) if batch.is_full() => {
                    self.waiting.push_front(job);
                    break;
                }
                Some(job) => later.push_back(job),
            }
        }
        let jobs = batch.jobs;
        // What was put off comes before what was not looked at.
        later.append(&mut self.waiting);
        self.waiting = later;
        jobs
    }
}

/// A transaction in the making. Keys are compared by hash: a collision only puts a commit off.
struct Batch<'a, T> {
    jobs: Vec<Job<T>>,
    bytes: usize,
    full: bool,
    written: HashSet<u64>,
    hasher: &'a RandomState,
}

impl<T> Batch<'_, T> {
    fn new(hasher: &RandomState) -> Batch<'_, T> {
        Batch { jobs: Vec::new(), bytes: 0, full: false, written: HashSet::new(), hasher }
    }

    fn is_full(&self) -> bool {
        self.full
    }

    /// Takes a job, or gives it back: because the batch is full, or because it must wait for the next one.
    fn offer(&mut self, job: Job<T>) -> Option<Job<T>> {
        let weight = match &job {
            Job::Commit { place, .. } | Job::Observe { place, .. } => place.weight,
            Job::Task(_) => 0,
        };
        self.full =
            self.jobs.len() >= MAX_BATCH || (!self.jobs.is_empty() && self.bytes + weight > MAX_BATCH_BYTES);
        if self.full {
            return Some(job);
        }
        if let Job::Commit { commit, .. } = &job {
            let conflicts = self.conflicts(commit);
            // Also those that are put off claim their keys, so that nobody behind them overtakes them.
            self.claim(commit);
            if conflicts {
                return Some(job);
            }
        }
        self.bytes += weight;
        self.jobs.push(job);
        None
    }

    fn hash(&self, what: &str, name: &str) -> u64 {
        self.hasher.hash_one((what, name))
    }

    fn claim(&mut self, commit: &Commit) {
        for write in &commit.writes {
            let hash = self.hash("key", write.key());
            self.written.insert(hash);
            if let Some(principal) = write.draft().and_then(|draft| draft.principal) {
                let hash = self.hasher.hash_one(("principal", principal));
                self.written.insert(hash);
            }
        }
        for name in &commit.watermarks {
            let hash = self.hash("watermark", name);
            self.written.insert(hash);
        }
    }

    fn conflicts(&self, commit: &Commit) -> bool {
        let touched = |what, name| self.written.contains(&self.hash(what, name));
        let by_write = commit.writes.iter().any(|write| {
            let principal = write.draft().and_then(|draft| draft.principal);
            touched("key", write.key())
                || principal.is_some_and(|id| self.written.contains(&self.hasher.hash_one(("principal", id))))
        });
        by_write
            || commit.guards.iter().any(|guard| match guard {
                Guard::Unchanged { key, .. } | Guard::Alive { key } | Guard::Absent { key } => {
                    touched("key", key)
                }
                Guard::Watermark { name, .. } => touched("watermark", name),
                Guard::NoDescendants { key } => self.creates_under(key),
                Guard::Lease { .. } => false,
            })
    }

    fn creates_under(&self, key: &str) -> bool {
        let under = |other: &str| other.strip_prefix(key).is_some_and(|rest| rest.starts_with('/'));
        self.jobs.iter().any(|job| match job {
            Job::Commit { commit, .. } => {
                commit.writes.iter().any(|write| matches!(write, Write::Create(draft) if under(&draft.key)))
            }
            _ => false,
        })
    }
}

/// The fate of one job of a batch, with numbers relative to where the counter stood.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// Revisions base + first + 1 … base + first + count.
    Commit { first: u64, count: u64 },
    /// The commit does not hold.
    Refused(Refusal),
    /// Position base + offset.
    Observed { offset: u64 },
    /// The observation is not the next one.
    OutOfOrder { expected: u64 },
}

/// Where the counters stood before a batch, and the head after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Landed {
    pub(crate) revision: u64,
    pub(crate) position: u64,
    pub(crate) head: Head,
}

/// Tells everybody of a batch that was written. Tasks are not part of it.
pub(crate) fn answer<T>(jobs: Vec<Job<T>>, verdicts: &[Verdict], landed: Landed) {
    for (job, verdict) in jobs.into_iter().zip(verdicts) {
        // A caller that went away does not need its answer.
        match (job, verdict) {
            (Job::Commit { reply, .. }, Verdict::Commit { first, count }) => {
                let revisions = (1..=*count).map(|n| Revision(landed.revision + first + n)).collect();
                let _ = reply.send(Ok(Committed { revisions, head: landed.head }));
            }
            (Job::Commit { reply, .. }, Verdict::Refused(refusal)) => {
                let _ = reply.send(Err(CommitError::Refused(refusal.clone())));
            }
            (Job::Observe { reply, .. }, Verdict::Observed { offset }) => {
                let _ = reply.send(Ok(landed.position + offset));
            }
            (Job::Observe { reply, .. }, Verdict::OutOfOrder { expected }) => {
                let _ = reply.send(Err(ObservationError::OutOfOrder { expected: *expected }));
            }
            _ => unreachable!("verdicts are in the order of the jobs"),
        }
    }
}

/// Tells everybody of a batch that it was not written.
pub(crate) fn fail<T>(jobs: Vec<Job<T>>, error: impl Fn() -> CommitError) {
    for job in jobs {
        match job {
            Job::Commit { reply, .. } => drop(reply.send(Err(error()))),
            Job::Observe { reply, .. } => drop(reply.send(Err(error().into()))),
            Job::Task(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{creation, noon, uid, update};
    use std::convert::Infallible;

    /// Hands in without waiting for the answer.
    async fn hand_in(queue: &Arc<Queue<Infallible>>, commit: Commit) {
        let before = queue.sender.capacity();
        let handle = queue.clone();
        tokio::spawn(async move { handle.commit(commit).await });
        while queue.sender.capacity() == before {
            tokio::task::yield_now().await;
        }
    }

    fn keys(jobs: &[Job<Infallible>]) -> Vec<&str> {
        let mut keys = Vec::new();
        for job in jobs {
            if let Job::Commit { commit, .. } = job {
                keys.push(commit.writes[0].key());
            }
        }
        keys
    }

    #[tokio::test]
    async fn what_touches_the_same_key_waits_in_order() {
        let (queue, mut intake) = queue();
        let queue = Arc::new(queue);
        let alive = Guard::Alive { key: "/a".to_owned() };
        hand_in(&queue, creation("/a", 1)).await;
        hand_in(&queue, creation("/b", 2).guarded(alive)).await;
        hand_in(&queue, creation("/b/c", 3)).await;
        hand_in(&queue, update(crate::conformance::draft("/b", 2), None)).await;
        hand_in(&queue, creation("/d", 4).guarded(Guard::NoDescendants { key: "/b".to_owned() })).await;
        intake.drain();
        // The guard on /a waits for /a; the update of /b must not overtake it; /d asks what is below /b.
        assert_eq!(keys(&intake.take_batch()), ["/a", "/b/c"]);
        assert_eq!(keys(&intake.take_batch()), ["/b", "/d"]);
        assert_eq!(keys(&intake.take_batch()), ["/b"]);
        assert!(intake.is_idle());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_before_it_accepts_work() {
        let (queue, mut intake) = queue();
        let queue = Arc::new(queue);
        for number in 0..MAX_WAITING as u128 {
            hand_in(&queue, creation(&format!("/{number}"), number)).await;
        }
        let refused = queue.commit(creation("/more", 1)).await;
        assert!(matches!(refused, Err(CommitError::Overloaded { .. })), "{refused:?}");
        intake.drain();
        assert_eq!(intake.take_batch().len(), MAX_BATCH);
        hand_in(&queue, creation("/more", 1)).await;
    }

    #[tokio::test]
    async fn the_queue_is_bounded_by_bytes_and_so_is_a_batch() {
        let (queue, mut intake) = queue();
        let queue = Arc::new(queue);
        let large = |number: u128| {
            let mut commit = creation(&format!("/{number}"), number);
            if let Write::Create(draft) = &mut commit.writes[0] {
                draft.document = "x".repeat(3 << 20);
            }
            commit
        };
        let fitting = MAX_WAITING_BYTES / large(0).weight();
        for number in 0..fitting as u128 {
            hand_in(&queue, large(number)).await;
        }
        let bytes = vec![0; 3 << 20];
        let observation =
            Observation { source: "s".to_owned(), source_epoch: uid(1), seq: 1, time: noon(), bytes };
        for _ in 0..2 {
            let refused = queue.observe(observation.clone()).await;
            let refused =
                matches!(refused, Err(ObservationError::NotWritten(CommitError::Overloaded { .. })));
            assert!(refused, "and a refusal takes no place");
        }
        intake.drain();
        assert_eq!(intake.take_batch().len(), 2, "two of 3 MiB in a batch of 8");
        hand_in(&queue, large(1000)).await;
    }
}

//! The two ends between a role and the session: reports upwards, bounded in bytes; orders downwards, newest only.

use std::sync::Arc;

use super::budget::Pace;
use bowline_link::{
    item::DesiredDocument,
    observed::{DEFAULT_BATCH_BYTES, Delta, QueueError},
};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

/// How many bytes of deltas may wait between a role and the server's acknowledgement.
pub const QUEUE_BYTES: usize = 4 * DEFAULT_BATCH_BYTES;
/// How many reports may wait, whatever their size.
const QUEUE_REPORTS: usize = 4096;

/// The other end is gone: the process is stopping.
#[derive(Debug, thiserror::Error)]
#[error("the session has ended")]
pub struct Gone;

/// Why a delta was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Gone(#[from] Gone),
    #[error(transparent)]
    TooLarge(#[from] QueueError),
}

/// What the session tells a role.
#[derive(Debug, Clone)]
pub enum Order {
    /// A new desired document; it is in the ledger already.
    Desired(Arc<DesiredDocument>),
    /// Deliver the whole source again.
    SendEverything {
        /// Why, for the log.
        reason: String,
    },
    /// The day's byte budget sets another pace.
    Pace(Pace),
}

/// What a role tells the session.
#[derive(Debug)]
pub enum Report {
    /// The resource's reported properties.
    Status(Value),
    /// An object or a tombstone; the permit gives its bytes back when the server has acknowledged it.
    Delta(Delta, OwnedSemaphorePermit),
    /// A full delivery begins.
    BeginFull,
    /// A full delivery is complete.
    FinishFull,
}

/// The role's end.
#[derive(Debug)]
pub struct RoleEnd {
    pub reporter: Reporter,
    pub orders: Orders,
}

/// The session's end.
#[derive(Debug)]
pub struct SessionEnd {
    pub(super) reports: mpsc::Receiver<Report>,
    pub(super) orders: OrderSender,
}

/// Makes the two ends.
pub fn role_channel() -> (RoleEnd, SessionEnd) {
    let (reports_in, reports) = mpsc::channel(QUEUE_REPORTS);
    let (board_in, board) = watch::channel(Board::default());
    let room = Arc::new(Semaphore::new(QUEUE_BYTES));
    let orders = Orders { board, desired_seen: 0, everything_seen: 0, pace_seen: Pace::Usual };
    let role = RoleEnd { reporter: Reporter { reports: reports_in, room }, orders };
    (role, SessionEnd { reports, orders: OrderSender { board: Arc::new(board_in) } })
}

/// The role's way up. Clones share the same bound.
#[derive(Debug, Clone)]
pub struct Reporter {
    reports: mpsc::Sender<Report>,
    room: Arc<Semaphore>,
}

impl Reporter {
    /// Reports the resource's properties.
    pub async fn status(&self, status: Value) -> Result<(), Gone> {
        self.send(Report::Status(status)).await
    }

    /// Reports an object or a tombstone; waits while the queue is full.
    pub async fn delta(&self, delta: Delta) -> Result<(), ReportError> {
        let size = delta.size();
        if size > DEFAULT_BATCH_BYTES {
            let limit = DEFAULT_BATCH_BYTES;
            return Err(QueueError::ObjectTooLarge { key: delta.key, size, limit }.into());
        }
        let bytes = u32::try_from(size).expect("a batch is far below 4 GiB");
        let permit = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| Gone)?;
        Ok(self.send(Report::Delta(delta, permit)).await?)
    }

    /// Waits until an object of any allowed size would be taken at once.
    pub async fn room(&self) -> Result<(), Gone> {
        let bytes = u32::try_from(DEFAULT_BATCH_BYTES).expect("a batch is far below 4 GiB");
        self.room.acquire_many(bytes).await.map(drop).map_err(|_| Gone)
    }

    /// A full delivery begins; everything not yet sent is void.
    pub async fn begin_full(&self) -> Result<(), Gone> {
        self.send(Report::BeginFull).await
    }

    /// The full delivery is complete.
    pub async fn finish_full(&self) -> Result<(), Gone> {
        self.send(Report::FinishFull).await
    }

    async fn send(&self, report: Report) -> Result<(), Gone> {
        self.reports.send(report).await.map_err(|_| Gone)
    }
}

/// What the role should know, with a counter for each part so that the role can tell news from what it saw.
#[derive(Debug, Default)]
struct Board {
    desired: Option<Arc<DesiredDocument>>,
    desired_count: u64,
    everything_reason: String,
    everything_count: u64,
    pace: Pace,
}

/// The role's way to hear. There is one per role.
#[derive(Debug)]
pub struct Orders {
    board: watch::Receiver<Board>,
    desired_seen: u64,
    everything_seen: u64,
    pace_seen: Pace,
}

impl Orders {
    /// The next order; waits for one. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Order, Gone> {
        loop {
            if let Some(order) = self.unseen() {
                return Ok(order);
            }
            self.board.changed().await.map_err(|_| Gone)?;
        }
    }

    fn unseen(&mut self) -> Option<Order> {
        let board = self.board.borrow_and_update();
        if board.desired_count > self.desired_seen {
            self.desired_seen = board.desired_count;
            return board.desired.clone().map(Order::Desired);
        }
        if board.everything_count > self.everything_seen {
            self.everything_seen = board.everything_count;
            return Some(Order::SendEverything { reason: board.everything_reason.clone() });
        }
        if board.pace != self.pace_seen {
            self.pace_seen = board.pace;
            return Some(Order::Pace(board.pace));
        }
        None
    }
}

/// The session's way to speak. Clones speak to the same role.
#[derive(Debug, Clone)]
pub(super) struct OrderSender {
    board: Arc<watch::Sender<Board>>,
}

impl OrderSender {
    /// A new document is in the ledger.
    pub(super) fn desired(&self, document: Arc<DesiredDocument>) {
        self.board.send_modify(|board| {
            board.desired = Some(document);
            board.desired_count += 1;
        });
    }

    /// The pace changed.
    pub(super) fn pace(&self, pace: Pace) {
        self.board.send_modify(|board| board.pace = pace);
    }

    /// Everything is wanted again.
    pub(super) fn send_everything(&self, reason: &str) {
        self.board.send_modify(|board| {
            board.everything_reason = reason.to_owned();
            board.everything_count += 1;
        });
    }
}

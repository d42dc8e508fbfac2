//! What one request holds of the server until its answer begins: a place in the house, its turn, the memory of its body.
//!
//! # Design notes
//! It travels in the request's extensions, so that whoever proves the caller can take the turn, and a session that was opened can give it back
//! before it settles down. The body is watched where it arrives, for every reader alike.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bowline_arm::Error;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Duration, Instant, Sleep, sleep_until};

use super::admission::{Ticket, busy};
use super::{Gates, INSIDE};

/// So many bytes of a body are worth another second.
const BYTES_A_SECOND: u64 = 64 << 10;

/// Everything that was let in.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

impl Inside {
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// See the module.
pub struct Share {
    gates: Arc<Gates>,
    ticket: Mutex<Option<Ticket>>,
    bytes: AtomicUsize,
    released: AtomicBool,
}

impl Share {
    /// Lets a request in.
    ///
    /// # Errors
    /// `ServerBusy` (503) when the house is full.
    pub fn begin(gates: &Arc<Gates>) -> Result<Arc<Self>, Error> {
        let share = Arc::new(Self {
            gates: Arc::clone(gates),
            ticket: Mutex::default(),
            bytes: AtomicUsize::new(0),
            released: AtomicBool::new(false),
        });
        let before = gates.inside.requests.fetch_add(1, Ordering::Relaxed);
        if before >= gates.limits.requests.saturating_mul(INSIDE) { Err(busy()) } else { Ok(share) }
    }

    /// Waits for the turn of its caller.
    ///
    /// # Errors
    /// See [`super::admission::Admission::enter`].
    pub async fn enter(&self, principal: &str) -> Result<(), Error> {
        if self.ticket().is_some() {
            return Ok(());
        }
        let ticket = self.gates.admission.enter(principal).await?;
        *self.ticket() = Some(ticket);
        Ok(())
    }

    fn ticket(&self) -> std::sync::MutexGuard<'_, Option<Ticket>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives everything back; what follows (a session, a stream) is no request any more.
    pub fn release(&self) {
        if self.released.swap(true, Ordering::Relaxed) {
            return;
        }
        drop(self.ticket().take());
        self.gates.inside.bytes.fetch_sub(self.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        self.gates.inside.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes memory for a part of the body, if there is some.
    fn hold(&self, bytes: usize) -> bool {
        let inside = &self.gates.inside;
        let before = inside.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= self.gates.limits.body_memory
    }

    /// The body, watched.
    pub fn watch(self: &Arc<Self>, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let (begun, patience) = (Instant::now(), self.gates.limits.body_patience);
        Body::new(Watched { body, share: Arc::clone(self), begun, patience, received: 0, late: None })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It comes too slowly.
    #[error("the body came too slowly")]
    Slow,
    /// All bodies together are as large as they may be.
    #[error("there is no memory left for bodies")]
    Memory,
}

impl BodyError {
    /// What the client is told.
    #[must_use]
    pub fn told(self) -> Error {
        match self {
            Self::Memory => busy(),
            Self::Slow => Error::new(
                408,
                "RequestTimeout",
                "The body of the request did not arrive in time. Nothing was done; send it again.",
            ),
        }
    }
}

struct Watched {
    body: Body,
    share: Arc<Share>,
    begun: Instant,
    patience: Duration,
    received: u64,
    late: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    fn deadline(&self) -> Instant {
        self.begun + self.patience + Duration::from_secs(self.received / BYTES_A_SECOND)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            let bytes = match &frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
                _ => 0,
            };
            this.received += bytes as u64;
            if bytes > 0 && !this.share.hold(bytes) {
                return Poll::Ready(Some(Err(BodyError::Memory.into())));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = this.deadline();
        let late = this.late.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if late.deadline() != deadline {
            late.as_mut().reset(deadline);
        }
        ready!(late.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Slow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

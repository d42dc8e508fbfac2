//! How a session is told to look again: one teller, one listener, and only the newest state between them.
//!
//! # Design notes
//! There is one for each of thousands of idle agents. A channel for many listeners would be a third of a kilobyte more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bowline_link::item::DesiredDocument;
use bowline_link::message::End;
use tokio::sync::Notify;

use super::Summons;

/// What a session must know: the document it should have sent, and whether it should end.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The agent's desired document.
    pub document: Arc<DesiredDocument>,
    /// Set once: the session ends with this line.
    pub end: Option<Box<End>>,
    /// Tunnels that the agent is to open; none when it opens none.
    pub summons: Option<Arc<Summons>>,
}

#[derive(Debug)]
struct Shared {
    signal: Mutex<Signal>,
    news: Notify,
    /// One of the two ends is gone.
    closed: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Signal)) {
        change(&mut self.lock());
        self.news.notify_one();
    }
}

/// The end that tells.
#[derive(Debug)]
pub(super) struct Teller(Arc<Shared>);

/// The end that listens.
#[derive(Debug)]
pub struct Listener(Arc<Shared>);

/// Both ends.
pub(super) fn channel(signal: Signal) -> (Teller, Listener) {
    let (signal, news, closed) = (Mutex::new(signal), Notify::new(), AtomicBool::new(false));
    let shared = Arc::new(Shared { signal, news, closed });
    (Teller(Arc::clone(&shared)), Listener(shared))
}

impl Teller {
    /// Changes what the session must know, and has it look.
    pub(super) fn tell(&self, change: impl FnOnce(&mut Signal)) {
        self.0.tell(change);
    }

    /// What the session was told last.
    pub(super) fn look(&self) -> MutexGuard<'_, Signal> {
        self.0.lock()
    }

    /// Whether nobody listens any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// The same end once more, for a moment: it does not close when it goes.
    pub(super) fn borrowed(&self) -> Borrowed {
        Borrowed(Arc::clone(&self.0))
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.news.notify_one();
    }
}

/// See [`Teller::borrowed`].
pub(super) struct Borrowed(Arc<Shared>);

impl Borrowed {
    /// As [`Teller::tell`].
    pub(super) fn tell(&self, change: impl FnOnce(&mut Signal)) {
        self.0.tell(change);
    }
}

impl Listener {
    /// Waits until there is something to look at; false when nobody tells any more, and what was told last is not an end.
    pub async fn changed(&self) -> bool {
        self.0.news.notified().await;
        !self.0.closed.load(Ordering::Acquire) || self.0.lock().end.is_some()
    }

    /// What was told last.
    pub fn look(&self) -> MutexGuard<'_, Signal> {
        self.0.lock()
    }

    /// Looks again with the next turn.
    pub fn look_again(&self) {
        self.0.news.notify_one();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use bowline_link::message::EndReason;
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn quiet() -> Signal {
        let document = DesiredDocument { epoch: Uuid::nil(), generation: 1, items: Vec::new() };
        Signal { document: Arc::new(document), end: None, summons: None }
    }

    #[tokio::test]
    async fn what_was_told_before_somebody_listened_is_heard_once() {
        let (teller, listener) = channel(quiet());
        teller.tell(|_| ());
        teller.borrowed().tell(|_| ());
        assert!(listener.changed().await);
        assert!(listener.changed().now_or_never().is_none(), "there is nothing new");
        assert!(!teller.is_closed());
        drop(listener);
        assert!(teller.is_closed());
    }

    #[tokio::test]
    async fn an_end_is_heard_although_nobody_tells_any_more() {
        let (teller, listener) = channel(quiet());
        let end = End { reason: EndReason::Replaced, message: String::new(), reconnect_after_seconds: None };
        teller.tell(|signal| signal.end = Some(Box::new(end)));
        drop(teller);
        assert!(listener.changed().await);
        let (teller, listener) = channel(quiet());
        drop(teller);
        assert!(!listener.changed().await);
    }
}

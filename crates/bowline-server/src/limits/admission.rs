//! Who may go on: so many requests at once, so many of one principal, and a line for each principal, which take turns.
//!
//! # Design notes
//! - A principal with two hundred connections and one with a single one get the same number of turns. The share of one principal is smaller than
//!   the whole, so that somebody else's request need not even wait for one of his to end.
//! - A place that becomes free goes to the next in turn, in the hands of whoever leaves; nobody races for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bowline_arm::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Limits, WAITING};

/// A request that has not come to its turn in this time is better sent again.
const PATIENCE: Duration = Duration::from_secs(10);

type Principal = Arc<str>;

/// See the module.
pub struct Admission {
    requests: usize,
    per_principal: usize,
    waiting: usize,
    waiting_per_principal: usize,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    under_way: usize,
    waiting: usize,
    callers: HashMap<Principal, Caller>,
    /// Those with somebody in line, the next one first.
    turns: VecDeque<Principal>,
    /// The last number that was given to one that waits.
    last: u64,
}

#[derive(Default)]
struct Caller {
    under_way: usize,
    line: VecDeque<(u64, oneshot::Sender<Ticket>)>,
    in_turns: bool,
}

/// The right to be under way; giving it back is dropping it.
pub struct Ticket {
    admission: Arc<Admission>,
    principal: Principal,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.admission.leave(&self.principal);
    }
}

/// A place in a line; leaving is dropping it.
struct Place<'a> {
    admission: &'a Admission,
    principal: Principal,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.admission.book().step_out(&self.principal, self.number);
    }
}

impl Admission {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            requests: limits.requests,
            per_principal: limits.requests_per_principal,
            waiting: limits.requests * WAITING,
            waiting_per_principal: limits.waiting_per_principal,
            book: Mutex::default(),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that are under way, and those that wait.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let book = self.book();
        (book.under_way, book.waiting)
    }

    /// Waits for the turn of a principal's request.
    ///
    /// # Errors
    /// `TooManyRequests` (429) when its principal has too many in line, `ServerBusy` (503) when all have.
    pub async fn enter(self: &Arc<Self>, principal: &str) -> Result<Ticket, Error> {
        let principal: Principal = principal.into();
        let (number, turn) = {
            let mut book = self.book();
            if self.goes_on(&mut book, &principal) {
                return Ok(Ticket { admission: Arc::clone(self), principal });
            }
            self.line_up(&mut book, &principal)?
        };
        let _place = Place { admission: self, principal, number };
        match timeout(PATIENCE, turn).await {
            Ok(Ok(ticket)) => Ok(ticket),
            _ => Err(busy()),
        }
    }

    /// Whether a request need not wait; it is counted then.
    fn goes_on(&self, book: &mut Book, principal: &Principal) -> bool {
        let caller = book.callers.entry(Arc::clone(principal)).or_default();
        // Whoever could go on has gone on when the last place became free: nobody else is passed over here.
        let free =
            book.under_way < self.requests && caller.under_way < self.per_principal && caller.line.is_empty();
        if free {
            caller.under_way += 1;
            book.under_way += 1;
        }
        free
    }

    fn line_up(
        &self,
        book: &mut Book,
        principal: &Principal,
    ) -> Result<(u64, oneshot::Receiver<Ticket>), Error> {
        let full = book.waiting >= self.waiting;
        let caller = book.callers.entry(Arc::clone(principal)).or_default();
        if caller.line.len() >= self.waiting_per_principal {
            return Err(too_many(caller.under_way, caller.line.len()));
        }
        if full {
            book.forget(principal);
            return Err(busy());
        }
        let (sender, turn) = oneshot::channel();
        book.last += 1;
        book.waiting += 1;
        caller.line.push_back((book.last, sender));
        if !std::mem::replace(&mut caller.in_turns, true) {
            book.turns.push_back(Arc::clone(principal));
        }
        Ok((book.last, turn))
    }

    fn leave(self: &Arc<Self>, principal: &Principal) {
        let mut unclaimed = Vec::new();
        {
            let mut book = self.book();
            book.under_way -= 1;
            if let Some(caller) = book.callers.get_mut(principal) {
                caller.under_way -= 1;
            }
            while book.under_way < self.requests
                && let Some((next, sender)) = book.next(self.per_principal)
            {
                let ticket = Ticket { admission: Arc::clone(self), principal: next };
                unclaimed.extend(sender.send(ticket).err());
            }
            book.forget(principal);
        }
        // Who went away at this very moment gives the place back, which needs the book.
        drop(unclaimed);
    }
}

impl Book {
    /// The next in turn whose share is not used up; it is counted as under way.
    fn next(&mut self, share: usize) -> Option<(Principal, oneshot::Sender<Ticket>)> {
        for _ in 0..self.turns.len() {
            let principal = self.turns.pop_front()?;
            let Some(caller) = self.callers.get_mut(&principal) else { continue };
            caller.in_turns = !caller.line.is_empty();
            let next = if caller.under_way < share { caller.line.pop_front() } else { None };
            if caller.in_turns {
                self.turns.push_back(Arc::clone(&principal));
            }
            if let Some((_, sender)) = next {
                caller.under_way += 1;
                self.under_way += 1;
                self.waiting -= 1;
                return Some((principal, sender));
            }
            self.forget(&principal);
        }
        None
    }

    /// Takes somebody out of a line who does not wait any longer.
    fn step_out(&mut self, principal: &Principal, number: u64) {
        let Some(caller) = self.callers.get_mut(principal) else { return };
        if let Some(at) = caller.line.iter().position(|(other, _)| *other == number) {
            drop(caller.line.remove(at));
            self.waiting -= 1;
        }
        self.forget(principal);
    }

    /// Memory follows who is there.
    fn forget(&mut self, principal: &Principal) {
        if self.callers.get(principal).is_some_and(|c| c.under_way == 0 && c.line.is_empty() && !c.in_turns) {
            self.callers.remove(principal);
        }
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

    fn admission(requests: usize, share: usize, line: usize) -> Arc<Admission> {
        let limits = Limits {
            requests,
            requests_per_principal: share,
            waiting_per_principal: line,
            ..Limits::default()
        };
        Arc::new(Admission::new(&limits))
    }

    /// Lines up, and gives what will be the ticket.
    async fn waits(
        admission: &Arc<Admission>,
        principal: &'static str,
    ) -> tokio::task::JoinHandle<Result<Ticket, Error>> {
        let (before, handle) = (admission.load().1, Arc::clone(admission));
        let waiting = tokio::spawn(async move { handle.enter(principal).await });
        while admission.load().1 == before {
            tokio::task::yield_now().await;
        }
        waiting
    }

    #[tokio::test]
    async fn lines_take_turns_and_a_share_is_smaller_than_the_whole() {
        let admission = admission(3, 2, 10);
        let (first, second) =
            (admission.enter("greedy").await.unwrap(), admission.enter("greedy").await.unwrap());
        let mut line = Vec::new();
        for _ in 0..5 {
            line.push(waits(&admission, "greedy").await);
        }
        // The third place is not his, though he has five in line.
        let modest = admission.enter("modest").await.unwrap();
        let third = waits(&admission, "modest").await;
        let other = waits(&admission, "other").await;
        assert_eq!(admission.load(), (3, 7));
        drop(first);
        let greedy = line.remove(0).await.unwrap().unwrap();
        drop(second);
        let third = third.await.unwrap().unwrap();
        drop(greedy);
        let other = other.await.unwrap().unwrap();
        drop((modest, third, other));
        for place in line {
            drop(place.await.unwrap().unwrap());
        }
        assert_eq!(admission.load(), (0, 0));
        assert!(admission.book().callers.is_empty(), "memory follows who is there");
    }

    #[tokio::test]
    async fn a_full_line_is_told_and_other_lines_are_not() {
        let admission = admission(1, 1, 2);
        let held = admission.enter("greedy").await.unwrap();
        let line = [waits(&admission, "greedy").await, waits(&admission, "greedy").await];
        let refused = admission.enter("greedy").await.err().unwrap();
        assert_eq!((refused.status, refused.code, refused.retry_after), (429, "TooManyRequests", Some(1)));
        let other = [waits(&admission, "b").await, waits(&admission, "c").await];
        let refused = admission.enter("d").await.err().unwrap();
        assert_eq!((refused.status, refused.code, refused.retry_after), (503, "ServerBusy", Some(1)));
        // Those who go away leave nothing behind, and their places go to the next.
        line.iter().for_each(tokio::task::JoinHandle::abort);
        while admission.load().1 > 2 {
            tokio::task::yield_now().await;
        }
        drop(held);
        for place in other {
            drop(place.await.unwrap().unwrap());
        }
        assert_eq!(admission.load(), (0, 0));
        assert!(admission.book().callers.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_forever() {
        let admission = admission(1, 1, 2);
        let held = admission.enter("a").await.unwrap();
        assert_eq!(admission.enter("b").await.err().unwrap().code, "ServerBusy");
        drop(held);
        assert_eq!(admission.load(), (0, 0));
    }
}

//! Who may go on: so much work at once, so much of one principal, and a line for each principal, which take turns.
//!
//! # Design notes
//! - A principal with two hundred pieces of work and one with a single one get the same number of turns. The share of one principal is smaller than
//!   the whole, so that somebody else's work need not even wait for one of his to end.
//! - A place that becomes free goes to the next in turn, in the hands of whoever leaves; nobody races for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

type Principal = Arc<str>;

/// How much at once, and how much may wait.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Under way at once.
    pub at_once: usize,
    /// Of one principal.
    pub per_principal: usize,
    /// Waiting at once.
    pub waiting: usize,
    /// Of one principal.
    pub waiting_per_principal: usize,
    /// What has not come to its turn in this time is better sent again.
    pub patience: Duration,
}

/// Why somebody may not even wait, or not any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its principal has so much under way and so much in line, as much as one may.
    TooMany {
        /// Under way.
        under_way: usize,
        /// In line.
        waiting: usize,
    },
    /// All lines together are full, or its turn did not come in time.
    Full,
}

/// See the module.
pub struct Turns {
    rule: Rule,
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
    turns: Arc<Turns>,
    principal: Principal,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.turns.leave(&self.principal);
    }
}

/// A place in a line; leaving is dropping it.
struct Place<'a> {
    turns: &'a Turns,
    principal: Principal,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turns.book().step_out(&self.principal, self.number);
    }
}

impl Turns {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self { rule, book: Mutex::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is under way, and what waits.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let book = self.book();
        (book.under_way, book.waiting)
    }

    /// Waits for the turn of a principal.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn enter(self: &Arc<Self>, principal: &str) -> Result<Ticket, Refused> {
        let principal: Principal = principal.into();
        let (number, turn) = {
            let mut book = self.book();
            if self.goes_on(&mut book, &principal) {
                return Ok(Ticket { turns: Arc::clone(self), principal });
            }
            self.line_up(&mut book, &principal)?
        };
        let _place = Place { turns: self, principal, number };
        match timeout(self.rule.patience, turn).await {
            Ok(Ok(ticket)) => Ok(ticket),
            _ => Err(Refused::Full),
        }
    }

    /// Whether somebody need not wait; it is counted then.
    fn goes_on(&self, book: &mut Book, principal: &Principal) -> bool {
        let caller = book.callers.entry(Arc::clone(principal)).or_default();
        // Whoever could go on has gone on when the last place became free: nobody else is passed over here.
        let free = book.under_way < self.rule.at_once
            && caller.under_way < self.rule.per_principal
            && caller.line.is_empty();
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
    ) -> Result<(u64, oneshot::Receiver<Ticket>), Refused> {
        let full = book.waiting >= self.rule.waiting;
        let caller = book.callers.entry(Arc::clone(principal)).or_default();
        if caller.line.len() >= self.rule.waiting_per_principal {
            return Err(Refused::TooMany { under_way: caller.under_way, waiting: caller.line.len() });
        }
        if full {
            book.forget(principal);
            return Err(Refused::Full);
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
            while book.under_way < self.rule.at_once
                && let Some((next, sender)) = book.next(self.rule.per_principal)
            {
                let ticket = Ticket { turns: Arc::clone(self), principal: next };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(at_once: usize, per_principal: usize, waiting_per_principal: usize) -> Arc<Turns> {
        let (waiting, patience) = (4 * at_once, Duration::from_secs(10));
        Arc::new(Turns::new(Rule { at_once, per_principal, waiting, waiting_per_principal, patience }))
    }

    /// Lines up, and gives what will be the ticket.
    async fn waits(
        turns: &Arc<Turns>,
        principal: &'static str,
    ) -> tokio::task::JoinHandle<Result<Ticket, Refused>> {
        let (before, handle) = (turns.load().1, Arc::clone(turns));
        let waiting = tokio::spawn(async move { handle.enter(principal).await });
        while turns.load().1 == before {
            tokio::task::yield_now().await;
        }
        waiting
    }

    #[tokio::test]
    async fn lines_take_turns_and_a_share_is_smaller_than_the_whole() {
        let turns = turns(3, 2, 10);
        let (first, second) = (turns.enter("greedy").await.unwrap(), turns.enter("greedy").await.unwrap());
        let mut line = Vec::new();
        for _ in 0..5 {
            line.push(waits(&turns, "greedy").await);
        }
        // The third place is not his, though he has five in line.
        let modest = turns.enter("modest").await.unwrap();
        let third = waits(&turns, "modest").await;
        let other = waits(&turns, "other").await;
        assert_eq!(turns.load(), (3, 7));
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
        assert_eq!(turns.load(), (0, 0));
        assert!(turns.book().callers.is_empty(), "memory follows who is there");
    }

    #[tokio::test]
    async fn a_full_line_is_told_and_other_lines_are_not() {
        let turns = turns(1, 1, 2);
        let held = turns.enter("greedy").await.unwrap();
        let line = [waits(&turns, "greedy").await, waits(&turns, "greedy").await];
        let refused = turns.enter("greedy").await.err().unwrap();
        assert_eq!(refused, Refused::TooMany { under_way: 1, waiting: 2 });
        let other = [waits(&turns, "b").await, waits(&turns, "c").await];
        let refused = turns.enter("d").await.err().unwrap();
        assert_eq!(refused, Refused::Full);
        // Those who go away leave nothing behind, and their places go to the next.
        line.iter().for_each(tokio::task::JoinHandle::abort);
        while turns.load().1 > 2 {
            tokio::task::yield_now().await;
        }
        drop(held);
        for place in other {
            drop(place.await.unwrap().unwrap());
        }
        assert_eq!(turns.load(), (0, 0));
        assert!(turns.book().callers.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_forever() {
        let turns = turns(1, 1, 2);
        let held = turns.enter("a").await.unwrap();
        assert_eq!(turns.enter("b").await.err(), Some(Refused::Full));
        drop(held);
        assert_eq!(turns.load(), (0, 0));
    }
}

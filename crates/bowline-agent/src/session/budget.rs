//! The day's byte budget (`byteBudgetPerDay`): counts what goes up, says how sparing the agent has to be, and spaces its reports.
//!
//! # Design notes
//! What counts is what the session writes: its lines, and the bodies of reports as they are compressed. Below four fifths of the
//! budget nothing changes. Above, reports are gathered for a minute and events wait for the next day; when the budget is
//! spent, for a quarter of an hour. Nothing is ever dropped: what waits goes up later, as its newest state. Keep-alives
//! always go, so that presence stays true, and so do full deliveries, without which the server would know nothing.
//! A day is one of UTC. The count starts with the process: it is not written anywhere.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bowline_link::{
    Moment,
    item::{AgentSettings, DesiredDocument, kind},
    observed::Share,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{channel::OrderSender, status::StatusBoard};
use crate::clock;

/// From this part of the budget on the agent saves.
const SAVE_FROM_PERCENT: u128 = 80;
const DAY_SECONDS: i64 = 86_400;

/// How sparing the agent is with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pace {
    /// There is no budget, or enough of it.
    #[default]
    Usual,
    /// The day's budget nears its end.
    Saving,
    /// The day's budget is spent.
    Spent,
}

impl Pace {
    /// How long changes of one object are gathered before the newest goes up; nothing extra at the usual pace.
    pub fn gathering(self) -> Duration {
        match self {
            Self::Usual => Duration::ZERO,
            Self::Saving => Duration::from_secs(60),
            Self::Spent => Duration::from_secs(15 * 60),
        }
    }

    /// How far apart the resource's own properties go up: they are few, and people look at them.
    fn between_statuses(self) -> Duration {
        match self {
            Self::Usual => Duration::ZERO,
            Self::Saving => Duration::from_secs(10),
            Self::Spent => Duration::from_secs(20),
        }
    }
}

/// One day's count.
#[derive(Debug, Default)]
struct Budget {
    limit: Option<u64>,
    day: i64,
    sent: u64,
}

impl Budget {
    fn add(&mut self, bytes: u64, now: Timestamp) {
        let day = now.as_second().div_euclid(DAY_SECONDS);
        if day != self.day {
            (self.day, self.sent) = (day, 0);
        }
        self.sent = self.sent.saturating_add(bytes);
    }

    fn pace(&self) -> Pace {
        let sent = u128::from(self.sent);
        match self.limit.map(u128::from) {
            Some(limit) if sent >= limit => Pace::Spent,
            Some(limit) if sent * 100 >= limit * SAVE_FROM_PERCENT => Pace::Saving,
            _ => Pace::Usual,
        }
    }
}

/// Counts for one session, and tells its parts and its role when the pace changes.
#[derive(Debug)]
pub(super) struct Meter {
    budget: Mutex<Budget>,
    pace: watch::Sender<Pace>,
    orders: OrderSender,
    status: StatusBoard,
}

impl Meter {
    pub(super) fn new(orders: OrderSender, status: StatusBoard) -> Self {
        Self { budget: Mutex::default(), pace: watch::Sender::new(Pace::Usual), orders, status }
    }

    /// So much went up. Called with nothing too: a new day begins at whatever is counted first.
    pub(super) fn sent(&self, bytes: u64) {
        self.change(|budget| budget.add(bytes, clock::now()), bytes);
    }

    /// Follows the budget that a desired document sets. One that is malformed changes nothing.
    pub(super) fn follow(&self, document: &DesiredDocument) {
        let content =
            document.content(kind::AGENT_SETTINGS).cloned().unwrap_or_else(|| serde_json::json!({}));
        if let Ok(settings) = serde_json::from_value::<AgentSettings>(content) {
            self.change(|budget| budget.limit = settings.byte_budget_per_day, 0);
        }
    }

    /// The pace, to be followed.
    pub(super) fn pace(&self) -> watch::Receiver<Pace> {
        self.pace.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Budget), bytes: u64) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut budget);
        let (pace, limit, sent) = (budget.pace(), budget.limit, budget.sent);
        // Before the lock is given back, so that two changes are told in the order in which they happened.
        let changed = self.pace.send_if_modified(|before| std::mem::replace(before, pace) != pace);
        if changed {
            tracing::info!(?pace, sent, limit, "the day's byte budget sets another pace");
            self.orders.pace(pace);
        }
        self.status.update(|status| {
            status.bytes_out += bytes;
            (status.bytes_today, status.byte_budget, status.pace) = (sent, limit, pace);
        });
    }
}

/// Spaces batches of deltas.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    objects_went: Option<Moment>,
    status_went: Option<Moment>,
}

impl Pacer {
    /// When the next batch goes, and what of it, given what waits.
    pub(super) fn due(&self, pace: Pace, objects: bool, status: bool, now: Moment) -> (Moment, Share) {
        let after = |went: Option<Moment>, apart: Duration| went.map_or(now, |went| (went + apart).max(now));
        let objects_due = after(self.objects_went, pace.gathering());
        let status_due = after(self.status_went, pace.between_statuses());
        if objects && (!status || objects_due <= status_due) {
            (objects_due, Share::Everything)
        } else {
            (status_due, Share::Status)
        }
    }

    /// A batch went that carried objects, the status, or both.
    pub(super) fn went(&mut self, objects: bool, status: bool, now: Moment) {
        if objects {
            self.objects_went = Some(now);
        }
        if status {
            self.status_went = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY_SECONDS + 3600).unwrap()
    }

    #[test]
    fn the_pace_follows_the_budget_and_a_new_day_begins_anew() {
        let mut budget = Budget { limit: Some(1000), ..Budget::default() };
        budget.add(799, at(1));
        assert_eq!(budget.pace(), Pace::Usual);
        budget.add(1, at(1));
        assert_eq!(budget.pace(), Pace::Saving);
        budget.add(200, at(1));
        assert_eq!(budget.pace(), Pace::Spent);
        budget.add(0, at(2));
        assert_eq!((budget.pace(), budget.sent), (Pace::Usual, 0));
        budget.add(u64::MAX, at(2));
        budget.add(1, at(2));
        assert_eq!(budget.pace(), Pace::Spent);
        budget.limit = None;
        assert_eq!(budget.pace(), Pace::Usual, "without a budget there is nothing to save");
        budget.limit = Some(0);
        assert_eq!(budget.pace(), Pace::Spent);
    }

    #[test]
    fn at_the_usual_pace_everything_goes_at_once() {
        let mut pacer = Pacer::default();
        let now = Duration::from_secs(100);
        assert_eq!(pacer.due(Pace::Usual, true, true, now), (now, Share::Everything));
        pacer.went(false, true, now);
        assert_eq!(pacer.due(Pace::Usual, true, true, now), (now, Share::Everything));
        assert_eq!(pacer.due(Pace::Usual, false, true, now), (now, Share::Status));
    }

    #[test]
    fn a_spent_budget_spaces_objects_wide_and_the_status_less() {
        let mut pacer = Pacer::default();
        let seconds = Duration::from_secs;
        assert_eq!(pacer.due(Pace::Spent, true, false, seconds(100)), (seconds(100), Share::Everything));
        pacer.went(true, true, seconds(100));
        assert_eq!(pacer.due(Pace::Spent, true, false, seconds(101)), (seconds(1000), Share::Everything));
        assert_eq!(pacer.due(Pace::Spent, true, true, seconds(101)), (seconds(120), Share::Status));
        pacer.went(false, true, seconds(120));
        assert_eq!(pacer.due(Pace::Spent, true, true, seconds(121)), (seconds(140), Share::Status));
        assert_eq!(pacer.due(Pace::Spent, true, true, seconds(1000)), (seconds(1000), Share::Everything));
        assert_eq!(pacer.due(Pace::Saving, true, false, seconds(161)), (seconds(161), Share::Everything));
    }
}

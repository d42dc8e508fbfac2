//! What a [`Store`] must do, as tests that run on every database.
//!
//! A case gets a fresh, empty store as one or more handles: several handles are several servers on one database, a database for
//! one server gives the same handle twice. [`crate::conformance!`] makes one test of each case.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests, made available to test binaries"
)]

pub mod activity;
pub mod entries;
pub mod feed;
pub mod fleet;
pub mod guards;
pub mod lists;
pub mod observations;
pub mod records;

use crate::{
    Change, Commit, CommitError, Committed, Draft, EntryWrite, Guard, Place, Reason, Refusal, Revision,
    Store, Write,
};
use jiff::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

/// Several servers on one record.
pub type Handles = Vec<Arc<dyn Store>>;

/// Makes one test of each case. The argument is `async fn(case) -> ()` that opens a fresh store and awaits
/// `case(handles)`. `of several servers:` before it makes those of a database for several servers.
#[macro_export]
macro_rules! conformance {
    ($run:path) => {
        $crate::conformance!(@ $run, records: what_is_written_is_read, a_refused_write_says_why_and_writes_nothing,
            a_commit_is_all_or_nothing, a_key_in_flight_twice_gets_its_turns, one_of_many_creations_wins,
            a_refused_commit_spoils_no_other, a_principal_has_one_owner, malformed_commits_are_refused,
            large_and_strange_contents_come_back);
        $crate::conformance!(@ $run, guards: records_are_guarded, watermarks_are_guarded,
            nothing_is_created_below_what_goes, nobody_passes_a_raised_watermark, a_key_guarded_as_absent_stays_absent,
            what_another_server_changed_counts, leases_fence, an_ended_lease_stays_ended, a_lease_has_one_holder);
        $crate::conformance!(@ $run, entries: entries_do_what_they_say, expired_entries_count_as_absent,
            counting_never_exceeds_the_most, one_of_many_insertions_wins, one_of_many_takers_wins, entries_and_records_commit_together,
            settings_are_set_once);
        $crate::conformance!(@ $run, activity: one_chain_over_all_servers, only_what_was_committed_is_told,
            the_log_is_read_backwards, a_checkpoint_stands_for_what_was_pruned);
        $crate::conformance!(@ $run, lists: filters_choose, a_prefix_is_not_its_neighbour,
            what_existed_throughout_appears_once, limits_are_bounded);
        $crate::conformance!(@ $run, feed: revisions_follow_each_other, every_server_is_told, forgotten_changes_are_reported,
            a_new_epoch_keeps_the_revision);
        $crate::conformance!(@ $run, observations: sources_are_in_order, positions_follow_each_other,
            a_segment_replaces_what_it_contains, a_removed_source_starts_over, writers_of_one_source_do_not_fork_it);
    };
    (of several servers: $run:path) => {
        $crate::conformance!(@ $run, fleet: a_server_that_is_silent_is_gone, what_would_last_too_long_is_shortened, a_heartbeat_prolongs_what_is_held, agents_are_held_once,
            ended_sessions_are_awaited_and_then_forgotten, agents_of_a_lost_server_are_freed, a_server_that_comes_back_takes_its_agents,
            many_agents_move_at_once);
    };
    (@ $run:path, $module:ident: $($case:ident),*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                use super::*;
                $run($crate::conformance::$module::$case).await;
            })*
        }
    };
}

/// The time at which everything happens here.
pub fn noon() -> Timestamp {
    "2026-03-01T12:00:00.123456Z".parse().unwrap()
}

/// A uid that goes with a number.
pub fn uid(number: u128) -> Uuid {
    Uuid::from_u128(0xb0_0000_0000 + number)
}

/// A draft with some content.
pub fn draft(key: &str, number: u128) -> Draft {
    Draft {
        uid: uid(number),
        id: key.to_uppercase(),
        key: key.to_owned(),
        resource_type: "microsoft.test/things".to_owned(),
        parent: key.rsplit_once('/').map(|(parent, _)| parent.to_owned()).filter(|parent| !parent.is_empty()),
        principal: None,
        etag: format!("etag-{number}"),
        model: 3,
        deleting: false,
        document: format!("{{\"n\":{number}}}"),
        protected: None,
    }
}

/// A commit of these writes.
pub fn commit(writes: Vec<Write>) -> Commit {
    Commit {
        tenant: uid(1_000_000),
        actor: "somebody".to_owned(),
        correlation_id: uid(2_000_000),
        now: noon(),
        guards: Vec::new(),
        writes,
        entries: Vec::new(),
        watermarks: Vec::new(),
        origin: None,
        activity: Vec::new(),
    }
}

/// A commit that creates one record.
pub fn creation(key: &str, number: u128) -> Commit {
    commit(vec![Write::Create(draft(key, number))])
}

/// A commit that updates one record.
pub fn update(draft: Draft, expected: Option<Revision>) -> Commit {
    commit(vec![Write::Update { draft, expected }])
}

/// A commit that deletes one record.
pub fn deletion(key: &str, number: u128) -> Commit {
    commit(vec![Write::Delete { key: key.to_owned(), uid: uid(number), expected: None }])
}

impl Commit {
    /// The same commit with one guard more.
    pub fn guarded(mut self, guard: Guard) -> Commit {
        self.guards.push(guard);
        self
    }

    /// The same commit with one entry more.
    pub fn with_entry(mut self, entry: EntryWrite) -> Commit {
        self.entries.push(entry);
        self
    }

    /// The same commit, raising a watermark.
    pub fn raising(mut self, name: &str) -> Commit {
        self.watermarks.push(name.to_owned());
        self
    }
}

/// Why a commit was refused.
fn refusal(result: Result<Committed, CommitError>) -> Refusal {
    match result {
        Err(CommitError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn assert_refused(result: Result<Committed, CommitError>, place: Place, reason: Reason) {
    let refusal = refusal(result);
    assert_eq!((refusal.place, refusal.reason), (place, reason));
}

/// The whole feed, page by page, checked for gaps.
pub async fn whole_feed(store: &Arc<dyn Store>) -> Vec<Change> {
    let mut feed: Vec<Change> = Vec::new();
    loop {
        let page = store.changes(Revision(feed.len() as u64), 7).await.unwrap();
        let short = page.len() < 7;
        feed.extend(page);
        if short {
            break;
        }
    }
    let revisions: Vec<u64> = feed.iter().map(|change| change.revision.0).collect();
    assert_eq!(revisions, (1..=feed.len() as u64).collect::<Vec<_>>(), "the feed has a gap");
    assert_eq!(store.head().await.unwrap().revision.0, feed.len() as u64);
    feed
}

/// Runs the same work many times at once, spread over the handles.
async fn at_once<R: Send + 'static, F: Future<Output = R> + Send + 'static>(
    handles: &Handles,
    count: usize,
    work: impl Fn(Arc<dyn Store>, usize) -> F,
) -> Vec<R> {
    let tasks: Vec<_> = (0..count)
        .map(|number| tokio::spawn(work(handles[number % handles.len()].clone(), number)))
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// A sequence of numbers that looks random and is always the same.
pub struct Dice(u64);

impl Dice {
    /// Another seed, another sequence.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

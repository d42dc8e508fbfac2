//! The observation log.

use super::*;
use crate::{Observation, ObservationError, Segment};
use std::time::Duration;

fn batch(source: &str, epoch: u128, seq: u64) -> Observation {
    let bytes = format!("{source} {epoch} {seq}").into_bytes();
    Observation { source: source.to_owned(), source_epoch: uid(epoch), seq, time: noon(), bytes }
}

fn segment(source: &str, epoch: u128, seq: u64) -> Segment {
    Segment {
        source: source.to_owned(),
        source_epoch: uid(epoch),
        seq,
        time: noon(),
        bytes: vec![seq as u8; 3],
    }
}

async fn expected(store: &Arc<dyn Store>, batch: Observation) -> u64 {
    match store.append_observation(batch).await {
        Err(ObservationError::OutOfOrder { expected }) => expected,
        other => panic!("expected to be out of order, got {other:?}"),
    }
}

async fn kept(store: &Arc<dyn Store>, source: &str) -> Vec<u64> {
    let batches = store.observations_of(source, 0, 100).await.unwrap();
    batches.into_iter().map(|batch| batch.seq).collect()
}

/// The next number of the epoch, or the first of a new one.
pub async fn sources_are_in_order(handles: Handles) {
    let store = &handles[0];
    assert_eq!(expected(store, batch("a/x", 1, 2)).await, 1);
    assert_eq!(store.append_observation(batch("a/x", 1, 1)).await.unwrap(), 1);
    assert_eq!(store.append_observation(batch("a/x", 1, 2)).await.unwrap(), 2);
    assert_eq!(expected(store, batch("a/x", 1, 2)).await, 3, "greater than the number: it was taken before");
    assert_eq!(expected(store, batch("a/x", 1, 4)).await, 3);
    assert_eq!(expected(store, batch("a/x", 2, 3)).await, 1);
    store.append_observation(batch("a/y", 1, 1)).await.unwrap();
    store.append_observation(batch("a/x", 2, 1)).await.unwrap();
    assert_eq!(expected(store, batch("a/x", 1, 3)).await, 1, "the old epoch is over");
    assert_eq!(kept(store, "a/x").await, [1], "those of the current epoch");
    assert_eq!(store.head().await.unwrap().revision, Revision(0), "observations take no revision");
    let all = store.observations(0, 100).await.unwrap();
    assert_eq!(all[3], (4, batch("a/x", 2, 1)));
    assert_eq!(store.observations(3, 100).await.unwrap(), all[3..]);
}

/// Sources write at once: positions are 1..n, each once, and everybody is told.
pub async fn positions_follow_each_other(handles: Handles) {
    let mut watches: Vec<_> = handles.iter().map(|store| store.watch_observations()).collect();
    let told = at_once(&handles, 20, |store, number| async move {
        let mut told = Vec::new();
        for seq in 1..=5 {
            let batch = batch(&format!("s{number}/x"), 1, seq);
            told.push((store.append_observation(batch.clone()).await.unwrap(), batch));
        }
        told
    })
    .await;
    let mut told: Vec<_> = told.into_iter().flatten().collect();
    told.sort_by_key(|(position, _)| *position);
    assert_eq!(told.iter().map(|(position, _)| *position).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
    assert_eq!(handles[0].observations(0, 1000).await.unwrap(), told);
    for watch in &mut watches {
        let waited =
            tokio::time::timeout(Duration::from_secs(20), watch.wait_for(|position| *position == 100)).await;
        waited.expect("the watch is told").unwrap();
    }
}

/// A segment takes the place of what it contains, unless it is old.
pub async fn a_segment_replaces_what_it_contains(handles: Handles) {
    let store = &handles[0];
    for seq in 1..=6 {
        store.append_observation(batch("a/x", 1, seq)).await.unwrap();
        store.append_observation(batch("b/x", 1, seq)).await.unwrap();
    }
    assert_eq!(store.segment("a/x").await.unwrap(), None);
    store.put_segment(segment("a/x", 1, 4)).await.unwrap();
    assert_eq!((kept(store, "a/x").await, kept(store, "b/x").await.len()), (vec![5, 6], 6));
    store.put_segment(segment("a/x", 1, 2)).await.unwrap();
    store.put_segment(segment("a/x", 9, 7)).await.unwrap();
    store.put_segment(segment("never seen", 1, 1)).await.unwrap();
    assert_eq!(
        store.segment("a/x").await.unwrap(),
        Some(segment("a/x", 1, 4)),
        "older and foreign ones change nothing"
    );
    assert_eq!(kept(store, "a/x").await, [5, 6]);
    // A new epoch of the source: the old segment stands until there is one of the new epoch.
    store.append_observation(batch("a/x", 2, 1)).await.unwrap();
    assert_eq!(store.segment("a/x").await.unwrap().unwrap().seq, 4);
    store.put_segment(segment("a/x", 2, 1)).await.unwrap();
    assert_eq!(store.segment("a/x").await.unwrap(), Some(segment("a/x", 2, 1)));
    let left = store.observations(0, 100).await.unwrap();
    assert!(left.iter().all(|(_, batch)| batch.source == "b/x"), "also the rows of the old epoch are gone");
    store.put_segment(segment("b/x", 1, 6)).await.unwrap();
    assert_eq!(store.segments(None, 1).await.unwrap(), [segment("a/x", 2, 1)]);
    assert_eq!(store.segments(Some("a/x"), 9).await.unwrap(), [segment("b/x", 1, 6)]);
    // The source goes on where it was, and positions are not used again.
    assert_eq!(store.append_observation(batch("b/x", 1, 7)).await.unwrap(), 14);
}

/// Removed means forgotten.
pub async fn a_removed_source_starts_over(handles: Handles) {
    let store = &handles[0];
    for source in ["a/x", "b/x"] {
        store.append_observation(batch(source, 1, 1)).await.unwrap();
        store.put_segment(segment(source, 1, 1)).await.unwrap();
        store.append_observation(batch(source, 1, 2)).await.unwrap();
    }
    store.remove_source("a/x").await.unwrap();
    assert_eq!((store.segment("a/x").await.unwrap(), kept(store, "a/x").await.len()), (None, 0));
    assert_eq!(kept(store, "b/x").await, [2]);
    assert_eq!(expected(store, batch("a/x", 1, 3)).await, 1);
    assert_eq!(store.append_observation(batch("a/x", 1, 1)).await.unwrap(), 5);
}

/// An agent that is attached to two servers for a moment: each number is taken once.
pub async fn writers_of_one_source_do_not_fork_it(handles: Handles) {
    for seq in 1..=10 {
        let taken = at_once(&handles, 4, |store, _| async move {
            store.append_observation(batch("fork/x", 1, seq)).await.is_ok()
        })
        .await;
        assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1, "seq {seq}");
    }
    assert_eq!(kept(&handles[0], "fork/x").await, (1..=10).collect::<Vec<_>>());
}

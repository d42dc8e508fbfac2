//! The feed, the watch and the epoch.

use super::*;
use crate::StoreError;
use std::time::Duration;

/// Far longer than any of these takes: only a hang gets there.
const PATIENCE: Duration = Duration::from_secs(20);

/// Many commits at once: the feed is 1..n and each answer is true.
pub async fn revisions_follow_each_other(handles: Handles) {
    let done = at_once(&handles, 300, |store, number| async move {
        let writes = (0..=number % 3)
            .map(|part| Write::Create(draft(&format!("/f/{number}/{part}"), (number * 10 + part) as u128)));
        (number, store.commit(commit(writes.collect())).await.unwrap())
    })
    .await;
    let feed = whole_feed(&handles[0]).await;
    assert_eq!(feed.len(), 600);
    for (number, done) in done {
        for (part, revision) in done.revisions.iter().enumerate() {
            assert_eq!(feed[revision.0 as usize - 1].key, format!("/f/{number}/{part}"));
            assert!(done.head.revision >= *revision);
        }
    }
}

/// Whoever watches learns of a commit, also of another server's.
pub async fn every_server_is_told(handles: Handles) {
    let mut watches: Vec<_> = handles.iter().map(|store| store.watch()).collect();
    let done = handles[0].commit(creation("/told", 1)).await.unwrap();
    for watch in &mut watches {
        let told = tokio::time::timeout(PATIENCE, watch.wait_for(|head| *head == done.head)).await;
        told.expect("the watch is told").unwrap();
    }
    // Whoever has the answer of a commit finds it in the watch of the same server at once.
    let done = handles[0].commit(creation("/told/again", 2)).await.unwrap();
    assert_eq!(*handles[0].watch().borrow(), done.head);
}

/// What is not kept any more is an error, never a gap.
pub async fn forgotten_changes_are_reported(handles: Handles) {
    let store = &handles[0];
    for number in 0..10 {
        store.commit(creation(&format!("/k/{number}"), number)).await.unwrap();
    }
    assert_eq!(store.compact_changes(Revision(6), 4).await.unwrap(), 4);
    assert_eq!(store.compact_changes(Revision(6), 4).await.unwrap(), 2);
    assert_eq!(store.compact_changes(Revision(6), 4).await.unwrap(), 0);
    for after in [0, 5] {
        let refused = store.changes(Revision(after), 100).await;
        assert!(matches!(refused, Err(StoreError::Compacted { oldest: Revision(6), .. })), "{refused:?}");
        let refused = store.changed_types(Revision(after), 100).await;
        assert!(matches!(refused, Err(StoreError::Compacted { oldest: Revision(6), .. })), "{refused:?}");
    }
    let changes = store.changes(Revision(6), 100).await.unwrap();
    assert_eq!(changes.len(), 4);
    let types: Vec<_> = changes.into_iter().map(|change| (change.revision, change.resource_type)).collect();
    assert_eq!(store.changed_types(Revision(6), 100).await.unwrap(), types);
    assert_eq!(store.changed_types(Revision(6), 2).await.unwrap(), types[..2]);
    assert_eq!(store.changes(Revision(10), 100).await.unwrap().len(), 0);
    // Never more than there is.
    assert_eq!(store.compact_changes(Revision(1000), 100).await.unwrap(), 4);
    assert_eq!(store.changes(Revision(10), 100).await.unwrap().len(), 0);
    store.commit(creation("/k/after", 11)).await.unwrap();
    assert_eq!(store.changes(Revision(10), 100).await.unwrap()[0].revision, Revision(11));
}

/// A new epoch voids cursors, not data.
pub async fn a_new_epoch_keeps_the_revision(handles: Handles) {
    let mut watches: Vec<_> = handles.iter().map(|store| store.watch()).collect();
    let before = handles[0].commit(creation("/epoch", 1)).await.unwrap().head;
    let after = handles[0].new_epoch().await.unwrap();
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.revision, before.revision);
    for (store, watch) in handles.iter().zip(&mut watches) {
        let told = tokio::time::timeout(PATIENCE, watch.wait_for(|head| *head == after)).await;
        told.expect("the watch is told").unwrap();
        assert_eq!(store.head().await.unwrap(), after);
    }
    let done = handles[handles.len() - 1].commit(creation("/epoch/2", 2)).await.unwrap();
    assert_eq!((done.head.epoch, done.revisions[0]), (after.epoch, Revision(2)));
}

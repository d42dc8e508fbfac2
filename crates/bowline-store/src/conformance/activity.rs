//! The activity log: in the commit of what it tells of, numbered and chained over all servers.

use super::*;
use crate::chain::{Chain, LoggedEntry};
use crate::{Activity, ActivityQuery, Statement};

impl Commit {
    /// The same commit, telling of itself.
    pub fn telling(mut self, key: &str, text: &str) -> Commit {
        self.activity.push(Activity { key: key.to_owned(), text: text.to_owned() });
        self
    }
}

fn telling(number: usize) -> Commit {
    let key = format!("/a/{number}");
    creation(&key, number as u128).telling(&key, &format!("{{\"created\":{number}}}"))
}

/// The whole log after an entry, page by page, walked along its chain.
pub async fn whole_log(store: &Arc<dyn Store>, mut chain: Chain) -> (Vec<LoggedEntry>, Chain) {
    let mut log = Vec::new();
    loop {
        let page = store.activity_chain(chain.seq(), 50).await.unwrap();
        page.iter().for_each(|entry| chain.take(entry).unwrap());
        let short = page.len() < 50;
        log.extend(page);
        if short {
            break;
        }
    }
    chain.finish().unwrap();
    assert_eq!(store.activity_head().await.unwrap(), chain.end());
    (log, chain)
}

/// Many commits at once on several servers make one chain in the order of their revisions, each entry beside its change.
pub async fn one_chain_over_all_servers(handles: Handles) {
    assert_eq!(handles[0].activity_head().await.unwrap(), (0, crate::chain::START));
    at_once(&handles, 300, |store, number| async move { store.commit(telling(number)).await.unwrap() }).await;
    let (log, _) = whole_log(&handles[0], Chain::default()).await;
    let feed = whole_feed(&handles[0]).await;
    assert_eq!(log.len(), 300);
    for (entry, change) in log.iter().zip(&feed) {
        assert_eq!((entry.revision, &entry.key), (change.revision.0, &change.key));
        assert_eq!(entry.time, noon().as_microsecond());
    }
}

/// What was refused leaves nothing; what has no record of its own leaves what it says.
pub async fn only_what_was_committed_is_told(handles: Handles) {
    let store = &handles[0];
    store.commit(telling(1)).await.unwrap();
    assert_refused(store.commit(telling(1)).await, Place::Write(0), Reason::Exists);
    store.commit(commit(vec![]).telling("/a/1", "denied").telling("/a/2", "denied, too")).await.unwrap();
    let two = commit(vec![Write::Create(draft("/b/1", 11)), Write::Create(draft("/b/2", 12))]);
    store.commit(two.telling("/b/1", "two at once")).await.unwrap();
    let (log, _) = whole_log(store, Chain::default()).await;
    let told: Vec<_> = log.iter().map(|entry| (entry.seq, entry.revision, entry.text.as_str())).collect();
    let first = (1, 1, "{\"created\":1}");
    assert_eq!(told, [first, (2, 1, "denied"), (3, 1, "denied, too"), (4, 3, "two at once")]);
    assert!(log[1].link.is_none() && log[2].link.is_some(), "one link for a transaction");
    let large = commit(vec![]).telling("/a", &"x".repeat(crate::MAX_ACTIVITY_BYTES + 1));
    assert!(matches!(store.commit(large).await, Err(CommitError::Invalid(_))));
}

/// Newest first, a page after the other, none twice, also where times are equal.
pub async fn the_log_is_read_backwards(handles: Handles) {
    let store = &handles[0];
    for number in 0..12 {
        let now = noon() + std::time::Duration::from_secs(number as u64 / 5);
        store.commit(Commit { now, ..telling(number) }).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), (Timestamp::MAX, u64::MAX));
    loop {
        let query = ActivityQuery { from: noon() + std::time::Duration::from_secs(1), before, limit: 3 };
        let page = store.activity(&query).await.unwrap();
        let Some(last) = page.last() else { break };
        before = (Timestamp::from_microsecond(last.time).unwrap(), last.seq);
        seen.extend(page.iter().map(|entry| entry.seq));
    }
    assert_eq!(seen, [12, 11, 10, 9, 8, 7, 6]);
}

/// The newest statement of each key is kept; a checkpoint takes the entries before it along.
pub async fn a_checkpoint_stands_for_what_was_pruned(handles: Handles) {
    let store = &handles[0];
    for number in 0..9 {
        store.commit(telling(number)).await.unwrap();
    }
    let statement = |kind: &str, signer: &str, seq: u64| Statement {
        kind: kind.to_owned(),
        signer: signer.to_owned(),
        seq,
        signed: format!("signed {kind} {seq}"),
    };
    for (signer, seq) in [("one", 3), ("one", 7), ("two", 5), ("one", 4)] {
        store.put_statement(statement("head", signer, seq)).await.unwrap();
    }
    assert_eq!(store.prune_activity(statement("checkpoint", "one", 6)).await.unwrap(), 6);
    assert_eq!(store.prune_activity(statement("checkpoint", "one", 6)).await.unwrap(), 0);
    let kept = [statement("head", "two", 5), statement("checkpoint", "one", 6), statement("head", "one", 7)];
    assert_eq!(handles[handles.len() - 1].statements().await.unwrap(), kept);
    let rest = store.activity_chain(0, 100).await.unwrap();
    assert_eq!(rest.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!(store.activity_chain(7, 100).await.unwrap(), rest[1..]);
    // The chain goes on as if nothing were gone.
    store.commit(telling(9)).await.unwrap();
    let (log, _) = whole_log(store, Chain::after(7, rest[0].link.unwrap())).await;
    assert_eq!(log.len(), 3);
}

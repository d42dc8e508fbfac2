//! Lists: filters, and pages that are stable while the record changes.

use super::*;
use crate::{List, Record, StoreError};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

fn under(prefix: &str) -> List {
    List { prefix: Some(prefix.to_owned()), ..List::default() }
}

async fn keys(store: &Arc<dyn Store>, list: &List) -> Vec<String> {
    let records = store.list(list).await.unwrap();
    let stamps: Vec<_> = records.iter().map(Record::stamp).collect();
    assert_eq!(store.stamps(list).await.unwrap(), stamps, "stamps are those of the records");
    records.into_iter().map(|record| record.key).collect()
}

/// Type, parent, revision, and all of them together.
pub async fn filters_choose(handles: Handles) {
    let store = &handles[0];
    for (number, key) in
        ["/s", "/s/g", "/s/g/a", "/s/g/b", "/s/h", "/s/h/a", "/t/g/a"].into_iter().enumerate()
    {
        let mut draft = draft(key, number as u128);
        if key.ends_with("/a") {
            draft.resource_type = "microsoft.test/others".to_owned();
        }
        store.commit(commit(vec![Write::Create(draft)])).await.unwrap();
    }
    let kind = Some("microsoft.test/others".to_owned());
    let parent = Some("/s/g".to_owned());
    let all = List::default();
    assert_eq!(keys(store, &all).await, ["/s", "/s/g", "/s/g/a", "/s/g/b", "/s/h", "/s/h/a", "/t/g/a"]);
    let typed = List { resource_type: kind.clone(), ..all.clone() };
    assert_eq!(keys(store, &typed).await, ["/s/g/a", "/s/h/a", "/t/g/a"]);
    assert_eq!(
        keys(store, &List { prefix: Some("/s".to_owned()), ..typed.clone() }).await,
        ["/s/g/a", "/s/h/a"]
    );
    let children = List { parent: parent.clone(), ..all.clone() };
    assert_eq!(keys(store, &children).await, ["/s/g/a", "/s/g/b"]);
    assert_eq!(keys(store, &List { resource_type: kind, ..children }).await, ["/s/g/a"]);
    let early = List { created_until: Some(Revision(3)), ..all.clone() };
    assert_eq!(keys(store, &early).await, ["/s", "/s/g", "/s/g/a"]);
    assert_eq!(
        keys(store, &List { after: Some("/s/g/b".to_owned()), ..all }).await,
        ["/s/h", "/s/h/a", "/t/g/a"]
    );
}

/// `-` comes before `/`, so that neighbours lie between a key and what is below it.
pub async fn a_prefix_is_not_its_neighbour(handles: Handles) {
    let store = &handles[0];
    for (number, key) in
        ["/a", "/a-b", "/a-b/c", "/a/b", "/a/b/c", "/a/ü", "/a0", "/ab"].into_iter().enumerate()
    {
        store.commit(creation(key, number as u128)).await.unwrap();
    }
    assert_eq!(keys(store, &under("/a")).await, ["/a", "/a/b", "/a/b/c", "/a/ü"]);
    assert_eq!(keys(store, &under("/a-b")).await, ["/a-b", "/a-b/c"]);
    assert_eq!(keys(store, &under("/none")).await, [""; 0]);
    for (after, rest) in [("/", 4), ("/a", 3), ("/a-b/c", 3), ("/a/b", 2), ("/a/ü", 0), ("/b", 0)] {
        let list = List { after: Some(after.to_owned()), ..under("/a") };
        assert_eq!(keys(store, &list).await.len(), rest, "after {after}");
    }
    let one = List { limit: 1, ..under("/a") };
    assert_eq!(keys(store, &one).await, ["/a"]);
    assert_eq!(keys(store, &List { after: Some("/a".to_owned()), ..one }).await, ["/a/b"]);
}

/// Pages are read while others create and delete: what was there all the time appears exactly once, in order, and with
/// `created_until` nothing appears that came later.
pub async fn what_existed_throughout_appears_once(handles: Handles) {
    let mut live: BTreeMap<String, u128> = BTreeMap::new();
    let mut next = 0_u128;
    for seed in 0..4 {
        let mut dice = Dice::new(seed);
        for _ in 0..25 {
            let key = format!("/page/{:03}", dice.roll(400));
            if let Entry::Vacant(free) = live.entry(key.clone()) {
                next += 1;
                handles[0].commit(creation(&key, next)).await.unwrap();
                free.insert(next);
            }
        }
        let begin = handles[0].head().await.unwrap().revision;
        let mut lasting: BTreeSet<String> = live.keys().cloned().collect();
        let mut list = List { limit: 1 + dice.roll(9) as u32, created_until: Some(begin), ..under("/page") };
        let mut seen: Vec<String> = Vec::new();
        loop {
            let page = keys(&handles[dice.roll(handles.len() as u64) as usize], &list).await;
            let short = page.len() < list.limit as usize;
            list.after = page.last().cloned().or(list.after);
            seen.extend(page);
            if short {
                break;
            }
            for _ in 0..3 {
                let key = format!("/page/{:03}", dice.roll(400));
                if let Some(number) = live.remove(&key) {
                    handles[0].commit(deletion(&key, number)).await.unwrap();
                    lasting.remove(&key);
                } else {
                    next += 1;
                    handles[0].commit(creation(&key, next)).await.unwrap();
                    live.insert(key, next);
                }
            }
        }
        assert!(seen.is_sorted_by(|a, b| a < b), "in order, each once: {seen:?}");
        let seen: BTreeSet<String> = seen.into_iter().collect();
        assert!(lasting.is_subset(&seen), "missing: {:?}", lasting.difference(&seen));
    }
}

/// A page has a limit, and the limit has one.
pub async fn limits_are_bounded(handles: Handles) {
    for limit in [0, crate::MAX_ROWS + 1] {
        let refused = handles[0].list(&List { limit, ..List::default() }).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
        let refused = handles[0].stamps(&List { limit, ..List::default() }).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
        let refused = handles[0].changes(Revision(0), limit).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
        let refused = handles[0].changed_types(Revision(0), limit).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    }
    let keys = vec!["/a".to_owned(); crate::MAX_ROWS as usize + 1];
    let refused = handles[0].get_many(&keys).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
}

//! Entries and settings: the small durable rows.

use super::*;
use crate::Entry;
use std::time::Duration;

fn entry(key: &str, data: &str) -> Entry {
    let (kind, key) = ("code".to_owned(), key.to_owned());
    Entry { kind, key, data: data.as_bytes().to_vec(), uses: 0, version: 0, expires_at: None }
}

fn until(seconds: u64, entry: Entry) -> Entry {
    Entry { expires_at: Some(noon() + Duration::from_secs(seconds)), ..entry }
}

fn name(key: &str) -> (String, String) {
    ("code".to_owned(), key.to_owned())
}

fn count(key: &str, max: u64) -> EntryWrite {
    let (kind, key) = name(key);
    EntryWrite::Count { kind, key, max }
}

fn take(key: &str) -> EntryWrite {
    let (kind, key) = name(key);
    EntryWrite::Take { kind, key }
}

async fn write(store: &Arc<dyn Store>, entry: EntryWrite) -> Result<Committed, CommitError> {
    store.commit(commit(vec![]).with_entry(entry)).await
}

async fn read(store: &Arc<dyn Store>, key: &str) -> Option<(String, u64, u64)> {
    let entry = store.entry("code", key).await.unwrap();
    entry.map(|entry| (String::from_utf8(entry.data).unwrap(), entry.uses, entry.version))
}

/// Each kind of write, done and refused.
pub async fn entries_do_what_they_say(handles: Handles) {
    let store = &handles[0];
    let here = Place::Entry(0);
    let seen = |data: &str, uses, version| Some((data.to_owned(), uses, version));
    let done = write(store, EntryWrite::Insert { entry: entry("a", "one") }).await.unwrap();
    assert!(done.revisions.is_empty(), "entries take no revision");
    assert_eq!(read(store, "a").await, seen("one", 0, 1));
    let again = EntryWrite::Insert { entry: entry("a", "two") };
    assert_refused(write(store, again).await, here, Reason::EntryExists);
    write(store, EntryWrite::Put { entry: entry("a", "three") }).await.unwrap();
    assert_eq!(read(store, "a").await, seen("three", 0, 2));
    let replace = |version| EntryWrite::Replace { entry: entry("a", "four"), expected_version: version };
    assert_refused(write(store, replace(1)).await, here, Reason::EntryChanged);
    write(store, replace(2)).await.unwrap();
    assert_refused(write(store, replace(2)).await, here, Reason::EntryChanged);
    write(store, count("a", 1)).await.unwrap();
    assert_eq!(read(store, "a").await, seen("four", 1, 4));
    assert_refused(write(store, count("a", 1)).await, here, Reason::EntryUsedUp);
    write(store, take("a")).await.unwrap();
    assert_eq!(read(store, "a").await, None);
    for missing in [take("a"), count("a", 1), replace(4)] {
        assert_refused(write(store, missing).await, here, Reason::EntryMissing);
    }
    let (kind, key) = name("a");
    write(store, EntryWrite::Remove { kind, key }).await.unwrap();
    // One commit may write one entry several times; the parts see each other.
    let several = commit(vec![])
        .with_entry(EntryWrite::Insert { entry: entry("b", "new") })
        .with_entry(count("b", 2))
        .with_entry(count("b", 2))
        .with_entry(EntryWrite::Insert { entry: entry("c", "brief") })
        .with_entry(take("c"));
    store.commit(several).await.unwrap();
    assert_eq!((read(store, "b").await, read(store, "c").await), (seen("new", 2, 3), None));
    assert_eq!(store.entry("other", "b").await.unwrap(), None);
    assert_eq!(store.head().await.unwrap().revision, Revision(0));
}

/// Expiry is judged by the commit's clock; the sweep removes what is over.
pub async fn expired_entries_count_as_absent(handles: Handles) {
    let store = &handles[0];
    write(store, EntryWrite::Insert { entry: until(10, entry("a", "one")) }).await.unwrap();
    let at = |seconds, entry| {
        let now = noon() + Duration::from_secs(seconds);
        store.commit(Commit { now, ..commit(vec![]).with_entry(entry) })
    };
    assert_refused(
        at(9, EntryWrite::Insert { entry: entry("a", "x") }).await,
        Place::Entry(0),
        Reason::EntryExists,
    );
    assert_refused(at(10, count("a", 9)).await, Place::Entry(0), Reason::EntryExpired);
    assert_refused(at(10, take("a")).await, Place::Entry(0), Reason::EntryExpired);
    at(10, EntryWrite::Insert { entry: until(30, entry("a", "two")) }).await.unwrap();
    assert_eq!(read(store, "a").await.unwrap().0, "two");
    for number in 0..25 {
        let entry = until(number, entry(&format!("n{number:02}"), "x"));
        write(store, EntryWrite::Put { entry }).await.unwrap();
    }
    write(store, EntryWrite::Put { entry: entry("forever", "x") }).await.unwrap();
    let mut keys: Vec<String> = Vec::new();
    loop {
        let page = store.entries("code", keys.last().map(String::as_str), 10).await.unwrap();
        keys.extend(page.iter().map(|entry| entry.key.clone()));
        if page.len() < 10 {
            break;
        }
    }
    let mut expected: Vec<String> = (0..25).map(|number| format!("n{number:02}")).collect();
    expected.extend(["a".to_owned(), "forever".to_owned()]);
    expected.sort();
    assert_eq!(keys, expected);
    let now = noon() + Duration::from_secs(15);
    assert_eq!(store.expire_entries(now, 10).await.unwrap(), 10);
    assert_eq!(store.expire_entries(now, 10).await.unwrap(), 6);
    assert_eq!(store.expire_entries(now, 10).await.unwrap(), 0);
    assert_eq!(store.entries("code", None, 100).await.unwrap().len(), 11);
}

/// Uses are counted once each, over all servers.
pub async fn counting_never_exceeds_the_most(handles: Handles) {
    let store = &handles[0];
    write(store, EntryWrite::Insert { entry: entry("token", "x") }).await.unwrap();
    let done = at_once(&handles, 80, |store, number| async move {
        let enrol = creation(&format!("/machine/{number}"), number as u128).with_entry(count("token", 33));
        store.commit(enrol).await
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 33);
    assert!(lost.into_iter().all(|lost| refusal(lost).reason == Reason::EntryUsedUp));
    assert_eq!(read(store, "token").await, Some(("x".to_owned(), 33, 34)));
    assert_eq!(whole_feed(store).await.len(), 33);
}

/// A `jti` is accepted once.
pub async fn one_of_many_insertions_wins(handles: Handles) {
    for round in 0..6 {
        let key = format!("jti {round}");
        let done = at_once(&handles, 12, |store, number| {
            let entry = entry(&key, &number.to_string());
            async move { write(&store, EntryWrite::Insert { entry }).await }
        })
        .await;
        let winner = done.iter().position(Result::is_ok).unwrap();
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
        assert_eq!(read(&handles[0], &key).await.unwrap().0, winner.to_string());
    }
}

/// A device code is redeemed once.
pub async fn one_of_many_takers_wins(handles: Handles) {
    for _ in 0..6 {
        write(&handles[0], EntryWrite::Insert { entry: entry("code", "x") }).await.unwrap();
        let done = at_once(&handles, 12, |store, _| async move { write(&store, take("code")).await }).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
        assert_eq!(read(&handles[0], "code").await, None);
    }
}

/// An operation and its resource: both or none.
pub async fn entries_and_records_commit_together(handles: Handles) {
    let store = &handles[0];
    let operation = EntryWrite::Insert { entry: entry("operation", "running") };
    store.commit(creation("/e", 1).with_entry(operation.clone())).await.unwrap();
    assert_refused(
        store.commit(creation("/f", 2).with_entry(operation)).await,
        Place::Entry(0),
        Reason::EntryExists,
    );
    assert_eq!(store.get("/f").await.unwrap(), None);
    let finish = EntryWrite::Put { entry: entry("operation", "done") };
    assert_refused(store.commit(creation("/e", 3).with_entry(finish)).await, Place::Write(0), Reason::Exists);
    assert_eq!(read(store, "operation").await.unwrap().0, "running");
}

/// The first value holds, for everybody.
pub async fn settings_are_set_once(handles: Handles) {
    assert_eq!(handles[0].setting("tenant").await.unwrap(), None);
    let values = at_once(&handles, 10, |store, number| async move {
        store.set_setting_once("tenant", &number.to_string()).await.unwrap()
    })
    .await;
    assert!(values.iter().all(|value| *value == values[0]));
    assert_eq!(handles[0].setting("tenant").await.unwrap().as_ref(), Some(&values[0]));
}

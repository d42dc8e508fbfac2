//! Guards: each in both directions, and the races that they exist for.

use super::*;
use std::time::Duration;

/// Guards about records.
pub async fn records_are_guarded(handles: Handles) {
    let store = &handles[0];
    store.commit(creation("/g", 1)).await.unwrap();
    let mut going = draft("/going", 2);
    going.deleting = true;
    store.commit(commit(vec![Write::Create(going)])).await.unwrap();
    let key = |key: &str| key.to_owned();
    let unchanged =
        |at, number| Guard::Unchanged { key: key("/g"), uid: uid(number), revision: Revision(at) };
    let holding = [
        unchanged(1, 1),
        Guard::Alive { key: key("/g") },
        Guard::Absent { key: key("/h") },
        Guard::NoDescendants { key: key("/g") },
    ];
    for (number, guard) in holding.into_iter().enumerate() {
        let key = format!("/held/{number}");
        store.commit(creation(&key, 10 + number as u128).guarded(guard)).await.unwrap();
    }
    store.commit(creation("/g/child", 3)).await.unwrap();
    store.commit(creation("/going-on", 4)).await.unwrap();
    let refused = [
        (unchanged(2, 1), Reason::Changed),
        (unchanged(1, 9), Reason::OtherUid),
        (Guard::Unchanged { key: key("/h"), uid: uid(1), revision: Revision(1) }, Reason::Missing),
        (Guard::Alive { key: key("/h") }, Reason::Missing),
        (Guard::Alive { key: key("/going") }, Reason::Deleting),
        (Guard::Absent { key: key("/g") }, Reason::Exists),
        (Guard::NoDescendants { key: key("/g") }, Reason::HasDescendants),
    ];
    for (guard, reason) in refused {
        let holds = Guard::Alive { key: key("/g") };
        let result = store.commit(creation("/never", 5).guarded(holds).guarded(guard)).await;
        assert_refused(result, Place::Guard(1), reason);
    }
    // `/going-on` is a neighbour of `/going`, not below it.
    store.commit(deletion("/going", 2).guarded(Guard::NoDescendants { key: key("/going") })).await.unwrap();
    // A guard without writes takes no revision.
    let before = store.head().await.unwrap();
    let only = store.commit(commit(vec![]).guarded(Guard::Alive { key: key("/g") })).await.unwrap();
    assert!(only.revisions.is_empty());
    assert_eq!(store.head().await.unwrap(), before);
}

/// Watermarks rise to the commit's last revision.
pub async fn watermarks_are_guarded(handles: Handles) {
    let store = &handles[0];
    assert_eq!(store.watermark("locks").await.unwrap(), Revision(0));
    let guard = |at| Guard::Watermark { name: "locks".to_owned(), at: Revision(at) };
    store.commit(creation("/w/1", 1).guarded(guard(0))).await.unwrap();
    let two = vec![Write::Create(draft("/w/2", 2)), Write::Create(draft("/w/3", 3))];
    store.commit(commit(two).raising("locks").guarded(guard(0))).await.unwrap();
    assert_eq!(store.watermark("locks").await.unwrap(), Revision(3));
    let refused = refusal(store.commit(creation("/w/4", 4).guarded(guard(2))).await);
    assert_eq!((refused.reason, refused.revision), (Reason::WatermarkMoved, Some(Revision(3))));
    store.commit(creation("/w/4", 4).guarded(guard(3))).await.unwrap();
    let other = Guard::Watermark { name: "assignments".to_owned(), at: Revision(0) };
    store.commit(creation("/w/5", 5).guarded(other)).await.unwrap();
}

/// A parent goes only when nothing is below it; a child comes only when its parent is alive: never both.
pub async fn nothing_is_created_below_what_goes(handles: Handles) {
    for round in 0..12_u128 {
        let parent = format!("/group/{round}");
        handles[0].commit(creation(&parent, round)).await.unwrap();
        let done = at_once(&handles, 6, |store, number| {
            let commit = if number == 3 {
                deletion(&parent, round).guarded(Guard::NoDescendants { key: parent.clone() })
            } else {
                let child = creation(&format!("{parent}/{number}"), 1000 + round * 10 + number as u128);
                child.guarded(Guard::Alive { key: parent.clone() })
            };
            async move { store.commit(commit).await }
        })
        .await;
        let deleted = done[3].is_ok();
        let children = done.iter().filter(|done| done.is_ok()).count() - usize::from(deleted);
        assert!(deleted != (children > 0), "round {round}: deleted {deleted}, {children} children");
        let rows =
            handles[0].list(&crate::List { prefix: Some(parent), ..crate::List::default() }).await.unwrap();
        assert_eq!(rows.len(), children + usize::from(!deleted));
    }
    whole_feed(&handles[0]).await;
}

/// Writers that decide by a watermark, beside one that raises it: nobody is admitted by an old decision.
pub async fn nobody_passes_a_raised_watermark(handles: Handles) {
    for round in 0..8_u128 {
        let at = handles[0].head().await.unwrap().revision;
        let done = at_once(&handles, 12, |store, number| {
            let commit = creation(&format!("/m/{round}/{number}"), round * 100 + number as u128);
            let commit = if number == 5 {
                commit.raising("rules")
            } else {
                commit.guarded(Guard::Watermark { name: "rules".to_owned(), at })
            };
            async move { store.commit(commit).await }
        })
        .await;
        let raised = done[5].as_ref().unwrap().revisions[0];
        for (number, done) in done.into_iter().enumerate().filter(|(number, _)| *number != 5) {
            match done {
                Ok(done) => {
                    assert!(done.revisions[0] < raised, "round {round}: {number} passed after the rules");
                }
                Err(error) => assert_eq!(refusal(Err(error)).reason, Reason::WatermarkMoved),
            }
        }
    }
}

/// Two keys that exclude each other: each is created only while the other is absent.
pub async fn a_key_guarded_as_absent_stays_absent(handles: Handles) {
    for round in 0..12_u128 {
        let done = at_once(&handles, 2, |store, number| {
            let mine = format!("/x/{round}/{number}");
            let other = format!("/x/{round}/{}", 1 - number);
            let commit = creation(&mine, round * 10 + number as u128).guarded(Guard::Absent { key: other });
            async move { store.commit(commit).await }
        })
        .await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "round {round}");
    }
}

/// Who lost a lease cannot write under it any more.
pub async fn leases_fence(handles: Handles) {
    let (store, long, short) = (&handles[0], Duration::from_secs(600), Duration::from_millis(200));
    let take =
        |holder: &'static str, ttl| async move { store.acquire_lease("sweep", holder, ttl).await.unwrap() };
    let guard = |epoch| Guard::Lease { name: "sweep".to_owned(), epoch };
    assert_refused(
        store.commit(creation("/l/0", 1).guarded(guard(1))).await,
        Place::Guard(0),
        Reason::LeaseLost,
    );
    let first = take("one", short).await.unwrap();
    assert_eq!(first.holder, "one");
    store.commit(creation("/l/1", 1).guarded(guard(first.epoch))).await.unwrap();
    assert!(store.renew_lease(&first, long).await.unwrap());
    assert_eq!(take("two", long).await, None, "it is held");
    assert!(store.renew_lease(&first, short).await.unwrap());
    let second = loop {
        if let Some(second) = take("two", long).await {
            break second;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(second.epoch > first.epoch);
    let late = store.commit(creation("/l/2", 2).guarded(guard(first.epoch))).await;
    assert_refused(late, Place::Guard(0), Reason::LeaseLost);
    assert!(!store.renew_lease(&first, long).await.unwrap());
    store.release_lease(&first).await.unwrap();
    store.commit(creation("/l/2", 2).guarded(guard(second.epoch))).await.unwrap();
    // A holder that asks again (a restarted server of the same name) fences its former self.
    let again = take("two", long).await.unwrap();
    assert!(again.epoch > second.epoch);
    store.release_lease(&again).await.unwrap();
    let released = store.commit(creation("/l/3", 3).guarded(guard(again.epoch))).await;
    assert_refused(released, Place::Guard(0), Reason::LeaseLost);
    assert!(take("one", long).await.unwrap().epoch > again.epoch);
}

/// A lease that has ended is not prolonged, although nobody took it.
pub async fn an_ended_lease_stays_ended(handles: Handles) {
    let store = &handles[0];
    let lease = store.acquire_lease("brief", "one", Duration::ZERO).await.unwrap().unwrap();
    assert!(!store.renew_lease(&lease, Duration::from_secs(600)).await.unwrap());
}

/// Many want it, one gets it.
pub async fn a_lease_has_one_holder(handles: Handles) {
    let taken = at_once(&handles, 12, |store, number| async move {
        let holder = format!("server {number}");
        store.acquire_lease("one", &holder, Duration::from_secs(600)).await.unwrap()
    })
    .await;
    assert_eq!(taken.into_iter().flatten().count(), 1);
}

/// Enough commits in a row that a server which is alone judges by what it remembers.
async fn write_alone(store: &Arc<dyn Store>, mut last: Revision) -> Revision {
    for _ in 0..20 {
        let mut commit = update(draft("/p/a", 2), Some(last)).guarded(Guard::Alive { key: "/p".to_owned() });
        commit.guards.push(Guard::Watermark { name: "w".to_owned(), at: last });
        last = store.commit(commit).await.unwrap().revisions[0];
    }
    last
}

/// A server that was alone knows its records by heart; what another one changed meanwhile counts all the same.
pub async fn what_another_server_changed_counts(handles: Handles) {
    let (one, other) = (&handles[0], &handles[handles.len() - 1]);
    one.commit(creation("/p", 1)).await.unwrap();
    let made = one.commit(creation("/p/a", 2)).await.unwrap().revisions[0];
    let change = |expected| update(draft("/p/a", 2), Some(expected));
    // The revision that it remembers is refused, with the one that there is.
    let known = write_alone(one, made).await;
    let moved = other.commit(change(known)).await.unwrap().revisions[0];
    let refused = refusal(one.commit(change(known)).await);
    assert_eq!((refused.reason, refused.revision), (Reason::Changed, Some(moved)));
    // The revision that it has not seen is taken.
    let known = write_alone(one, moved).await;
    let moved = other.commit(change(known)).await.unwrap().revisions[0];
    let known = one.commit(change(moved)).await.unwrap().revisions[0];
    // A raised watermark.
    let known = write_alone(one, known).await;
    other.commit(creation("/raises", 3).raising("w")).await.unwrap();
    let guarded = change(known).guarded(Guard::Watermark { name: "w".to_owned(), at: known });
    assert_refused(one.commit(guarded).await, Place::Guard(0), Reason::WatermarkMoved);
    // Another epoch, at the same revision.
    let known = one.commit(change(known)).await.unwrap().revisions[0];
    let known = write_alone(one, known).await;
    let turned = other.new_epoch().await.unwrap();
    let committed = one.commit(change(known)).await.unwrap();
    assert_eq!(committed.head.epoch, turned.epoch);
    // A parent that went.
    let known = write_alone(one, committed.revisions[0]).await;
    other.commit(deletion("/p", 1)).await.unwrap();
    let guarded = change(known).guarded(Guard::Alive { key: "/p".to_owned() });
    assert_refused(one.commit(guarded).await, Place::Guard(0), Reason::Missing);
    whole_feed(one).await;
}

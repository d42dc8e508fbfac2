//! Records: what is written is read, and what is refused leaves no trace.

use super::*;
use crate::{ChangeKind, MAX_DOCUMENT_BYTES, MAX_KEY_BYTES, Record};

/// Every field survives; revisions, times and the feed are as promised.
pub async fn what_is_written_is_read(handles: Handles) {
    let store = &handles[0];
    assert_eq!(store.head().await.unwrap().revision, Revision(0));
    let mut first = draft("/a/b", 1);
    first.principal = Some(uid(77));
    first.protected = Some(vec![0, 1, 255]);
    let mut written = commit(vec![Write::Create(first.clone()), Write::Create(draft("/a/c", 2))]);
    written.origin = Some("session 5".to_owned());
    let done = store.commit(written).await.unwrap();
    assert_eq!(done.revisions, [Revision(1), Revision(2)]);
    assert_eq!(done.head, store.head().await.unwrap());
    let expected = Record {
        tenant: uid(1_000_000),
        uid: uid(1),
        id: "/A/B".to_owned(),
        key: "/a/b".to_owned(),
        resource_type: "microsoft.test/things".to_owned(),
        parent: Some("/a".to_owned()),
        principal: Some(uid(77)),
        revision: Revision(1),
        created_revision: Revision(1),
        etag: "etag-1".to_owned(),
        model: 3,
        deleting: false,
        document: "{\"n\":1}".to_owned(),
        protected: Some(vec![0, 1, 255]),
        created_at: noon(),
        updated_at: noon(),
    };
    assert_eq!(store.get("/a/b").await.unwrap(), Some(expected.clone()));
    assert_eq!(store.get("/A/b").await.unwrap(), None, "keys are compared as they are");
    assert_eq!(store.stamp("/a/b").await.unwrap(), Some(expected.stamp()));
    assert_eq!(store.stamp("/A/b").await.unwrap(), None);
    let asked = ["/a/b", "/none", "/a/c"].map(str::to_owned);
    let mut many = store.get_many(&asked).await.unwrap();
    many.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(many, [expected.clone(), store.get("/a/c").await.unwrap().unwrap()]);
    assert!(store.get_many(&[]).await.unwrap().is_empty());

    let later = noon() + std::time::Duration::from_secs(60);
    let mut next = first.clone();
    next.deleting = true;
    next.principal = None;
    next.protected = None;
    next.document = "{\"n\":\"ü\"}".to_owned();
    let mut written = update(next.clone(), Some(Revision(1)));
    written.now = later;
    assert_eq!(store.commit(written).await.unwrap().revisions, [Revision(3)]);
    let read = store.get("/a/b").await.unwrap().unwrap();
    assert_eq!((read.revision, read.created_revision), (Revision(3), Revision(1)));
    assert_eq!((read.created_at, read.updated_at), (noon(), later));
    assert_eq!(read.to_draft(), next);

    store.commit(deletion("/a/b", 1)).await.unwrap();
    assert_eq!(store.get("/a/b").await.unwrap(), None);
    store.commit(creation("/a/b", 3)).await.unwrap();
    assert_eq!(store.get("/a/b").await.unwrap().unwrap().uid, uid(3));

    let feed = whole_feed(store).await;
    let kinds: Vec<_> = feed.iter().map(|change| (change.kind, change.uid)).collect();
    use ChangeKind::{Created, Deleted, Updated};
    assert_eq!(
        kinds,
        [(Created, uid(1)), (Created, uid(2)), (Updated, uid(1)), (Deleted, uid(1)), (Created, uid(3))]
    );
    assert_eq!(feed[0].origin.as_deref(), Some("session 5"));
    assert_eq!((feed[2].document.as_deref(), feed[2].time), (Some("{\"n\":\"ü\"}"), later));
    assert_eq!(
        (feed[3].document.as_deref(), feed[3].etag.as_str(), feed[3].id.as_str()),
        (None, "etag-1", "/A/B")
    );
    assert_eq!((feed[3].tenant, feed[3].model, feed[3].actor.as_str()), (uid(1_000_000), 3, "somebody"));
}

/// Each precondition of a write, with what is there now.
pub async fn a_refused_write_says_why_and_writes_nothing(handles: Handles) {
    let store = &handles[0];
    store.commit(creation("/a", 1)).await.unwrap();
    let here =
        |reason| Refusal { place: Place::Write(0), reason, uid: Some(uid(1)), revision: Some(Revision(1)) };
    assert_eq!(refusal(store.commit(creation("/a", 2)).await), here(Reason::Exists));
    assert_eq!(refusal(store.commit(update(draft("/a", 9), None)).await), here(Reason::OtherUid));
    assert_eq!(refusal(store.commit(update(draft("/a", 1), Some(Revision(7)))).await), here(Reason::Changed));
    assert_eq!(refusal(store.commit(deletion("/a", 9)).await), here(Reason::OtherUid));
    let old = Write::Delete { key: "/a".to_owned(), uid: uid(1), expected: Some(Revision(7)) };
    assert_eq!(refusal(store.commit(commit(vec![old])).await), here(Reason::Changed));
    assert_refused(store.commit(update(draft("/b", 1), None)).await, Place::Write(0), Reason::Missing);
    assert_refused(store.commit(deletion("/b", 1)).await, Place::Write(0), Reason::Missing);
    assert_eq!(whole_feed(store).await.len(), 1);
    assert_eq!(store.get("/a").await.unwrap().unwrap().revision, Revision(1));
}

/// A later part that is refused takes the earlier ones with it.
pub async fn a_commit_is_all_or_nothing(handles: Handles) {
    let store = &handles[0];
    store.commit(creation("/taken", 1)).await.unwrap();
    let writes =
        vec![Write::Create(draft("/x", 2)), Write::Create(draft("/y", 3)), Write::Create(draft("/taken", 4))];
    assert_refused(store.commit(commit(writes)).await, Place::Write(2), Reason::Exists);
    let take = EntryWrite::Take { kind: "k".to_owned(), key: "none".to_owned() };
    let refused = store.commit(creation("/x", 2).raising("w").with_entry(take)).await;
    assert_refused(refused, Place::Entry(0), Reason::EntryMissing);
    assert_eq!(store.get("/x").await.unwrap(), None);
    assert_eq!(store.watermark("w").await.unwrap(), Revision(0));
    assert_eq!(whole_feed(store).await.len(), 1);
}

/// Many writers of one key: unconditional updates all happen, conditional ones happen once.
pub async fn a_key_in_flight_twice_gets_its_turns(handles: Handles) {
    let store = &handles[0];
    store.commit(creation("/hot", 1)).await.unwrap();
    let done = at_once(&handles, 60, |store, number| async move {
        let mut draft = draft("/hot", 1);
        draft.document = format!("{number}");
        store.commit(update(draft, None)).await.map(|done| (done.revisions[0], number))
    })
    .await;
    let mut done: Vec<_> = done.into_iter().map(Result::unwrap).collect();
    done.sort();
    let revisions: Vec<u64> = done.iter().map(|(revision, _)| revision.0).collect();
    assert_eq!(revisions, (2..=61).collect::<Vec<_>>());
    let (last, number) = done[59];
    let read = store.get("/hot").await.unwrap().unwrap();
    assert_eq!(
        (read.revision, read.document),
        (last, number.to_string()),
        "the last revision is what is stored"
    );

    let conditional = at_once(&handles, 30, move |store, _| async move {
        store.commit(update(draft("/hot", 1), Some(last))).await
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = conditional.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|lost| refusal(lost).reason == Reason::Changed));
    let feed = whole_feed(store).await;
    assert_eq!(feed.len(), 62);
    for (revision, number) in &done {
        assert_eq!(feed[revision.0 as usize - 1].document, Some(number.to_string()));
    }
}

/// The same key created by many at once.
pub async fn one_of_many_creations_wins(handles: Handles) {
    for round in 0..5_u128 {
        let key = format!("/race/{round}");
        let done = at_once(&handles, 20, |store, number| {
            let commit = creation(&key, round * 100 + number as u128);
            async move { store.commit(commit).await }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 19));
        assert!(lost.into_iter().all(|lost| refusal(lost).reason == Reason::Exists));
    }
    assert_eq!(whole_feed(&handles[0]).await.len(), 5);
}

/// Good and refused commits side by side: each gets its own answer, and the feed has only the good ones.
pub async fn a_refused_commit_spoils_no_other(handles: Handles) {
    let done = at_once(&handles, 120, |store, number| async move {
        let number = number as u128;
        let good = vec![
            Write::Create(draft(&format!("/r/{number}"), number)),
            Write::Create(draft(&format!("/r/{number}/x"), number + 1000)),
        ];
        let bad = vec![
            Write::Create(draft(&format!("/bad/{number}"), number)),
            Write::Update { draft: draft("/nobody", number), expected: None },
        ];
        (number, store.commit(commit(if number.is_multiple_of(3) { bad } else { good })).await)
    })
    .await;
    let mut told = Vec::new();
    for (number, done) in done {
        if number.is_multiple_of(3) {
            assert_refused(done, Place::Write(1), Reason::Missing);
        } else {
            let revisions = done.unwrap().revisions;
            assert_eq!(revisions[1].0, revisions[0].0 + 1, "revisions of one commit follow each other");
            told.push((revisions[0], format!("/r/{number}")));
        }
    }
    let feed = whole_feed(&handles[0]).await;
    assert_eq!(feed.len(), 160);
    for (revision, key) in told {
        assert_eq!(feed[revision.0 as usize - 1].key, key, "the answer names the revision that was stored");
    }
}

/// Unique where present; free again when its owner goes.
pub async fn a_principal_has_one_owner(handles: Handles) {
    let store = &handles[0];
    let owning = |key: &str, number, principal| {
        let mut draft = draft(key, number);
        draft.principal = Some(uid(principal));
        draft
    };
    store.commit(commit(vec![Write::Create(owning("/p/1", 1, 50))])).await.unwrap();
    store.commit(creation("/p/2", 2)).await.unwrap();
    let taken = Write::Create(owning("/p/3", 3, 50));
    assert_refused(store.commit(commit(vec![taken])).await, Place::Write(0), Reason::PrincipalTaken);
    let taken = update(owning("/p/2", 2, 50), None);
    assert_refused(store.commit(taken).await, Place::Write(0), Reason::PrincipalTaken);
    store.commit(update(owning("/p/1", 1, 50), None)).await.unwrap();
    assert_eq!(store.get_by_principal(uid(50)).await.unwrap().unwrap().key, "/p/1");
    assert_eq!(store.get_by_principal(uid(51)).await.unwrap(), None);
    let twins = vec![Write::Create(owning("/p/4", 4, 60)), Write::Create(owning("/p/5", 5, 60))];
    assert_refused(store.commit(commit(twins)).await, Place::Write(1), Reason::PrincipalTaken);
    store.commit(deletion("/p/1", 1)).await.unwrap();
    store.commit(update(owning("/p/2", 2, 50), None)).await.unwrap();

    let done = at_once(&handles, 16, |store, number| async move {
        let number = number as u128;
        let mut draft = draft(&format!("/p/race/{number}"), 100 + number);
        draft.principal = Some(uid(70));
        store.commit(commit(vec![Write::Create(draft)])).await
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|lost| refusal(lost).reason == Reason::PrincipalTaken));
}

/// What no state of the database could make right.
pub async fn malformed_commits_are_refused(handles: Handles) {
    let store = &handles[0];
    let mut huge = draft("/huge", 1);
    huge.document = "x".repeat(MAX_DOCUMENT_BYTES + 1);
    let mut nul = draft("/nul", 1);
    nul.document = "\0".to_owned();
    let long = format!("/{}", "k".repeat(MAX_KEY_BYTES));
    let malformed = [
        commit(vec![Write::Create(huge)]),
        commit(vec![Write::Create(nul)]),
        creation(&long, 1),
        creation("", 1),
        commit(vec![Write::Create(draft("/twice", 1)), Write::Create(draft("/twice", 2))]),
        commit(vec![]).raising("w"),
    ];
    for commit in malformed {
        let refused = store.commit(commit).await;
        assert!(matches!(refused, Err(CommitError::Invalid(_))), "{refused:?}");
    }
    assert_eq!(store.head().await.unwrap().revision, Revision(0));
}

/// The limits themselves, and text of all kinds.
pub async fn large_and_strange_contents_come_back(handles: Handles) {
    let store = &handles[0];
    let parent = format!("/{}", "p".repeat(MAX_KEY_BYTES - 1));
    let mut dice = Dice::new(5);
    let mut large = draft(&"/".repeat(MAX_KEY_BYTES), 1);
    large.parent = Some((0..MAX_KEY_BYTES).map(|_| char::from(b'a' + dice.roll(26) as u8)).collect());
    large.document = (0..MAX_DOCUMENT_BYTES / 2).map(|_| if dice.roll(2) == 0 { "é" } else { "☃" }).fold(
        String::new(),
        |text, next| {
            if text.len() + next.len() <= MAX_DOCUMENT_BYTES { text + next } else { text }
        },
    );
    large.protected = Some((0..MAX_DOCUMENT_BYTES).map(|_| dice.roll(256) as u8).collect());
    let mut empty = draft(&parent, 2);
    empty.document = String::new();
    empty.protected = Some(Vec::new());
    empty.etag = "W/\"'); DROP TABLE resource;--\"\u{1}\u{7f}😀".to_owned();
    store.commit(commit(vec![Write::Create(large.clone())])).await.unwrap();
    store.commit(commit(vec![Write::Create(empty.clone())])).await.unwrap();
    assert_eq!(store.get(&large.key).await.unwrap().unwrap().to_draft(), large);
    assert_eq!(store.get(&empty.key).await.unwrap().unwrap().to_draft(), empty);
}

//! Pages are kept until their type changes, whoever changed it, and never beyond the ceiling.

use super::*;
use bowline_store::{Commit, Draft, SqliteOptions, Write, open_sqlite};
use uuid::Uuid;

fn draft(resource_type: &str, number: u128) -> Draft {
    Draft {
        uid: Uuid::from_u128(number),
        id: format!("/r/{number}"),
        key: format!("/r/{number}"),
        resource_type: resource_type.to_owned(),
        parent: None,
        principal: None,
        etag: "e".to_owned(),
        model: 1,
        deleting: false,
        document: "{}".to_owned(),
        protected: None,
    }
}

async fn create(store: &dyn Store, drafts: Vec<Draft>) {
    let commit = Commit {
        tenant: Uuid::nil(),
        actor: "test".to_owned(),
        correlation_id: Uuid::nil(),
        now: jiff::Timestamp::UNIX_EPOCH,
        guards: Vec::new(),
        writes: drafts.into_iter().map(Write::Create).collect(),
        entries: Vec::new(),
        watermarks: Vec::new(),
        origin: None,
        activity: Vec::new(),
    };
    store.commit(commit).await.unwrap();
}

async fn moment(pages: &Pages, store: &dyn Store, resource_type: &str) -> Moment {
    let head = store.head().await.unwrap();
    let changed = pages.last_change(store, head, resource_type).await.unwrap();
    Moment { head, until: head.revision, changed }
}

#[tokio::test]
async fn a_page_is_kept_until_its_type_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(SqliteOptions::new(folder.path())).await.unwrap();
    let (store, pages) = (&*store, Pages::default());
    create(store, vec![draft("a", 1), draft("b", 2)]).await;
    let first = moment(&pages, store, "a").await;
    pages.keep("q".to_owned(), first, Bytes::from_static(b"1"), None);
    assert_eq!(pages.find("q", moment(&pages, store, "a").await).unwrap().row, "1");
    assert!(pages.find("other", first).is_none());

    create(store, vec![draft("b", 3)]).await;
    let later = moment(&pages, store, "a").await;
    assert!(pages.find("q", later).is_some(), "another type changed");
    assert_eq!(moment(&pages, store, "b").await.changed, Revision(3));

    create(store, vec![draft("a", 4)]).await;
    let changed = moment(&pages, store, "a").await;
    assert_eq!(changed.changed, Revision(4));
    assert!(pages.find("q", changed).is_none(), "its own type changed");

    // A list that began before the newest record leaves that out: it must not be kept for those that begin now.
    let begun = Moment { until: later.head.revision, ..changed };
    pages.keep("q".to_owned(), begun, Bytes::from_static(b"1"), None);
    assert!(pages.find("q", changed).is_none());
    pages.keep("q".to_owned(), changed, Bytes::from_static(b"1,4"), None);
    assert!(pages.find("q", begun).is_none(), "nor is the new page one of the older list");
    assert_eq!(pages.find("q", changed).unwrap().row, "1,4");

    let head = store.new_epoch().await.unwrap();
    let turned = moment(&pages, store, "a").await;
    assert_eq!(turned.changed, head.revision, "in a new epoch everything may have changed");
    assert!(pages.find("q", turned).is_none());
    pages.forget();
    assert!(pages.find("q", changed).is_none());
}

#[tokio::test]
async fn a_long_gap_counts_as_a_change_of_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(SqliteOptions::new(folder.path())).await.unwrap();
    let (store, pages) = (&*store, Pages::default());
    create(store, vec![draft("a", 1)]).await;
    assert_eq!(moment(&pages, store, "a").await.changed, Revision(1));
    for half in 0..2_u128 {
        create(store, (0..600).map(|n| draft("b", 10 + half * 600 + n)).collect()).await;
    }
    assert_eq!(moment(&pages, store, "a").await.changed, Revision(1201));
    create(store, vec![draft("b", 5000)]).await;
    assert_eq!(moment(&pages, store, "a").await.changed, Revision(1201), "from there on it is exact again");
    assert_eq!(moment(&pages, store, "b").await.changed, Revision(1202));
}

#[test]
fn the_ceiling_holds() {
    let head = Head { epoch: Uuid::nil(), revision: Revision(1) };
    let (pages, now) = (Pages::default(), Moment { head, until: Revision(1), changed: Revision(1) });
    for n in 0..40 {
        pages.keep(format!("q{n}"), now, Bytes::from(vec![b' '; 1 << 20]), None);
    }
    assert!(pages.kept().weight() <= CEILING_BYTES);
    assert!(pages.kept().len() >= 10, "and it is used: {}", pages.kept().len());
}

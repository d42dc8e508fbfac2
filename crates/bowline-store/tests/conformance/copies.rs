//! The whole record as rows: from each database into each, while it is written, and what is refused.

use bowline_store::conformance::{commit, creation, deletion, draft, noon, uid, update};
use bowline_store::copy::{
    About, Comparison, CopyError, Database, LEFT_BEHIND, PostgresDatabase, Present, Rows, SqliteDatabase,
    TABLES, Table, Use, Value, channel, compare,
};
use bowline_store::fleet::Member;
use bowline_store::{
    Entry, EntryWrite, Head, Observation, PostgresOptions, Revision, Segment, SqliteOptions, Statement,
    Store, Write, open_postgres, open_sqlite,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A place for a record, of either kind.
enum Place {
    Sqlite(TempDir),
    Postgres(crate::server::Database),
}

impl Place {
    fn sqlite() -> Place {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    async fn postgres() -> Option<Place> {
        Some(Place::Postgres(crate::server::server("copies")?.create_database().await))
    }

    /// One of each kind that there is here.
    async fn each() -> Vec<Place> {
        let mut places = vec![Place::sqlite()];
        places.extend(Place::postgres().await);
        places
    }

    fn database(&self) -> Box<dyn Database> {
        match self {
            Place::Sqlite(directory) => Box::new(SqliteDatabase {
                directory: directory.path().to_owned(),
                disk_reserve_bytes: 1 << 20,
            }),
            Place::Postgres(database) => Box::new(PostgresDatabase { url: database.url.clone() }),
        }
    }

    async fn open(&self) -> Arc<dyn Store> {
        match self {
            Place::Sqlite(directory) => open_sqlite(SqliteOptions::new(directory.path())).await.unwrap(),
            Place::Postgres(database) => {
                open_postgres(PostgresOptions::new(&database.url, "copies")).await.unwrap()
            }
        }
    }

    /// What somebody with full access to the database types.
    async fn execute(&self, text: &str) {
        match self {
            Place::Sqlite(directory) => {
                let connection = rusqlite::Connection::open(directory.path().join("bowline.db")).unwrap();
                connection.execute_batch(text).unwrap();
            }
            Place::Postgres(database) => database.execute(text).await,
        }
    }

    async fn dump(&self) -> Rows {
        self.database().dump(Use::Shared).await.unwrap()
    }
}

/// Something in every table, and in every column that may be empty both something and nothing.
async fn fill(store: &Arc<dyn Store>) {
    store.commit(creation("/a", 1).telling("/a", "{\"who\":\"łódź\"}").raising("roles")).await.unwrap();
    let mut child = draft("/a/b", 2);
    child.principal = Some(uid(77));
    child.protected = Some(vec![0, 255, 1]);
    child.document = "{\"text\":\"line\\nbreak, \u{1F980}\"}".to_owned();
    store.commit(commit(vec![Write::Create(child.clone())])).await.unwrap();
    child.deleting = true;
    store.commit(update(child, None).telling("/a/b", "{}")).await.unwrap();
    store.commit(creation("/gone", 3)).await.unwrap();
    store.commit(deletion("/gone", 3)).await.unwrap();
    for number in 100..2300 {
        // More than one page of them.
        store.commit(creation(&format!("/many/{number}"), number)).await.unwrap();
    }
    for (key, expires_at) in [("a secret", None), ("another", Some(noon() + Duration::from_secs(9)))] {
        let (kind, key) = ("token".to_owned(), key.to_owned());
        let entry = Entry { kind, key, data: vec![0, 1, 254], uses: 0, version: 0, expires_at };
        store.commit(commit(vec![]).with_entry(EntryWrite::Put { entry })).await.unwrap();
    }
    for seq in 1..4 {
        let (source, bytes) = ("s/x".to_owned(), vec![seq as u8; 9]);
        let batch = Observation { source, source_epoch: uid(5), seq, time: noon(), bytes };
        store.append_observation(batch).await.unwrap();
    }
    let (source, bytes) = ("s/x".to_owned(), vec![7; 99]);
    store.put_segment(Segment { source, source_epoch: uid(5), seq: 2, time: noon(), bytes }).await.unwrap();
    let (kind, signer, signed) = ("head".to_owned(), "key".to_owned(), "a.b.c".to_owned());
    store.put_statement(Statement { kind, signer, seq: 1, signed }).await.unwrap();
    store.set_setting_once("tenant", "t").await.unwrap();
    let lease = store.acquire_lease("duty", "me", Duration::from_secs(60)).await.unwrap().unwrap();
    store.release_lease(&lease).await.unwrap();
    store.acquire_lease("duty", "me", Duration::from_secs(60)).await.unwrap().unwrap();
}

async fn compared(left: &Place, right: &Place) -> Comparison {
    compare(left.dump().await, right.dump().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_goes_from_each_database_to_each_and_back() {
    for from in Place::each().await {
        let store = from.open().await;
        fill(&store).await;
        let before = store.head().await.unwrap();
        for to in Place::each().await {
            // The server still works on the one that is read.
            let head = to.database().load(from.dump().await, Present::Kept).await.unwrap();
            assert_eq!(head.revision, before.revision);
            assert_ne!(head.epoch, before.epoch, "what is loaded begins a new epoch");
            let found = compared(&from, &to).await;
            assert_eq!((found.differences, found.count), (vec![], 0));
            let empty: Vec<_> = found.same.iter().filter(|(_, rows)| *rows == 0).collect();
            assert!(
                empty.is_empty() && found.same.len() == TABLES.len(),
                "nothing was compared in {empty:?}"
            );

            let loaded = to.open().await;
            assert_eq!(loaded.head().await.unwrap(), head);
            let next = loaded.commit(creation("/next", 4).telling("/next", "goes on")).await.unwrap();
            assert_eq!(next.revisions, [Revision(before.revision.0 + 1)]);
            let (seq, _) = loaded.activity_head().await.unwrap();
            assert_eq!(seq, 3, "the chain goes on, too");
            let lease = loaded.acquire_lease("duty", "another", Duration::from_secs(60)).await.unwrap();
            assert_eq!(lease.unwrap().epoch, 3, "nobody holds a copied lease, and its fence goes up");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_meanwhile_is_wholly_in_or_wholly_out() {
    for from in Place::each().await {
        let store = from.open().await;
        fill(&store).await;
        let stop = Arc::new(AtomicBool::new(false));
        let (writer, stopped) = (store.clone(), stop.clone());
        let writing = tokio::spawn(async move {
            let mut number = 10_000;
            while !stopped.load(Ordering::Relaxed) {
                let key = format!("/later/{number}");
                writer.commit(creation(&key, number).telling(&key, "{}")).await.unwrap();
                number += 1;
            }
            number
        });
        for _ in 0..3 {
            let mut rows = from.dump().await;
            let head = rows.about.head;
            let (mut newest, mut changes, mut told, mut logged) = (0, 0, 0, 0);
            while let Some(page) = rows.next().await.unwrap() {
                // A slow taker: the writer is far ahead when the later tables are read.
                tokio::task::yield_now().await;
                for row in &page.rows {
                    match (page.table.name, row.as_slice()) {
                        ("resource", row) => newest = newest.max(number(&row[7])),
                        ("change", row) => changes = number(&row[0]),
                        ("activity", row) => told = number(&row[0]),
                        ("counter", row) => logged = number(&row[5]),
                        _ => {}
                    }
                }
            }
            let revision = head.revision.0;
            assert_eq!((newest, changes), (revision, revision));
            assert_eq!(told, logged);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writing.await.unwrap() > 10_010, "there was something to be left out");
    }
}

fn number(value: &Value) -> u64 {
    match value {
        Value::Integer(number) => number.unsigned_abs(),
        other => panic!("{other:?} is no number"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_is_lost_only_when_that_is_asked_for() {
    let from = Place::sqlite();
    fill(&from.open().await).await;
    for to in Place::each().await {
        let other = to.open().await;
        other.commit(creation("/precious", 1)).await.unwrap();
        let fleet = other.fleet();
        if let Some(fleet) = fleet {
            let member = Member { id: uid(1), name: "alive".to_owned(), version: "1".to_owned() };
            fleet.join(&member, Duration::from_secs(60)).await.unwrap();
        }
        let refused = to.database().load(from.dump().await, Present::Replaced).await.unwrap_err();
        assert!(
            matches!(refused, CopyError::Serving { count: 1 } | CopyError::Open(_)),
            "a server works on it: {refused}"
        );
        if let Some(fleet) = fleet {
            fleet.leave(uid(1), Duration::ZERO).await.unwrap();
        }
        drop(other);
        let refused = to.database().load(from.dump().await, Present::Kept).await.unwrap_err();
        assert!(matches!(refused, CopyError::NotEmpty { what: "resource", .. }), "{refused}");
        let (sender, broken) = channel(about(&from).await);
        tokio::spawn(async move { sender.send(Err(CopyError::Outside("the disk broke".to_owned()))).await });
        let failed = to.database().load(broken, Present::Replaced).await.unwrap_err();
        assert!(failed.to_string().contains("the disk broke"), "{failed}");
        let (sender, cut) = channel(about(&from).await);
        drop(sender);
        let failed = to.database().load(cut, Present::Replaced).await.unwrap_err();
        assert!(matches!(failed, CopyError::Incomplete), "{failed}");
        assert!(to.open().await.get("/precious").await.unwrap().is_some(), "what failed took nothing");

        to.database().load(from.dump().await, Present::Replaced).await.unwrap();
        assert_eq!(compared(&from, &to).await.count, 0);
        assert!(to.open().await.get("/precious").await.unwrap().is_none());
    }
}

async fn about(place: &Place) -> About {
    place.dump().await.about
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differences_are_named_without_what_is_secret() {
    let from = Place::sqlite();
    fill(&from.open().await).await;
    for to in Place::each().await {
        to.database().load(from.dump().await, Present::Kept).await.unwrap();
        for (change, named) in [
            ("UPDATE resource SET etag = 'forged' WHERE key = '/a'", "resource /a differs in etag"),
            ("DELETE FROM change WHERE revision = 2", "change 2 is missing in the copy"),
            ("INSERT INTO setting (name, value) VALUES ('zzz', '')", "setting zzz is only in the copy"),
            ("UPDATE counter SET position = 9", "the counter differs in position"),
            ("UPDATE entry SET uses = 9 WHERE key = 'a secret'", "entry token 984ca516…"),
        ] {
            to.execute(change).await;
            let found = compared(&from, &to).await;
            let text = found.differences.join("\n");
            assert!(text.contains(named) && !text.contains("a secret"), "expected '{named}' in:\n{text}");
        }
        assert_eq!(compared(&from, &to).await.count, 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_another_version_is_neither_read_nor_filled() {
    for place in Place::each().await {
        drop(place.open().await);
        let found = about(&place).await;
        place.execute("UPDATE migration SET number = 900 WHERE number = 1").await;
        let refused = place.database().dump(Use::Shared).await.err().unwrap();
        assert!(matches!(refused, CopyError::Schema { found: 900, .. }), "{refused}");
        let newer = About { schema: 900, ..found };
        let refused = place.database().load(channel(newer).1, Present::Replaced).await.unwrap_err();
        assert!(matches!(refused, CopyError::Schema { found: 900, .. }), "{refused}");
    }
    let nothing = Place::sqlite().database().dump(Use::Shared).await.err().unwrap();
    assert!(matches!(nothing, CopyError::Missing { .. }), "{nothing}");
    if let Some(empty) = Place::postgres().await {
        let nothing = empty.database().dump(Use::Shared).await.err().unwrap();
        assert!(matches!(nothing, CopyError::Missing { .. }), "{nothing}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_may_be_left_behind_while_a_server_writes() {
    for place in Place::each().await {
        let store = place.open().await;
        if let Some(fleet) = store.fleet() {
            let member = Member { id: uid(1), name: "alive".to_owned(), version: "1".to_owned() };
            fleet.join(&member, Duration::from_secs(60)).await.unwrap();
        }
        let refused = place.database().dump(Use::Alone).await.err().unwrap();
        assert!(matches!(refused, CopyError::Serving { count: 1 } | CopyError::Open(_)), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_starts_a_new_epoch() {
    for place in Place::each().await {
        let before: Head = place.open().await.head().await.unwrap();
        let turned = place.database().begin_epoch().await.unwrap();
        assert_ne!(turned.epoch, before.epoch);
        assert_eq!(place.open().await.head().await.unwrap(), turned);
    }
}

/// Every column of the schemas is carried, or is left behind for a reason; and what may be empty is known to be.
#[tokio::test]
async fn no_table_and_no_column_is_forgotten() {
    for place in Place::each().await {
        drop(place.open().await);
        let real = columns(&place).await;
        let carried: BTreeSet<(String, String, bool)> = TABLES
            .iter()
            .flat_map(|table| table.columns.iter().map(move |column| (table, column)))
            .map(|(table, column)| (table.name.to_owned(), column.name.to_owned(), column.optional))
            .collect();
        let missing: Vec<_> = carried.difference(&real).collect();
        assert!(missing.is_empty(), "not in the schema: {missing:?}");
        let left = |table: &str, column: &str| {
            LEFT_BEHIND.iter().any(|(t, c, _)| *t == table && (*c == "*" || *c == column))
        };
        let forgotten: Vec<_> = real.difference(&carried).filter(|(t, c, _)| !left(t, c)).collect();
        assert!(forgotten.is_empty(), "a backup would not have {forgotten:?}: see copy/tables.rs");
    }
    assert!(Table::of_name("counter").unwrap().is_counter());
}

/// Table, column, whether it may be empty.
async fn columns(place: &Place) -> BTreeSet<(String, String, bool)> {
    match place {
        Place::Sqlite(directory) => {
            let connection = rusqlite::Connection::open(directory.path().join("bowline.db")).unwrap();
            let text = "SELECT t.name, c.name, c.\"notnull\" = 0 AND c.pk = 0 FROM sqlite_schema t \
                JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
            let mut statement = connection.prepare(text).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
            rows.map(Result::unwrap).collect()
        }
        Place::Postgres(database) => {
            use sqlx::{Connection as _, Row as _};
            let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
            let text = "SELECT table_name::text, column_name::text, is_nullable = 'YES' FROM information_schema.columns \
                WHERE table_schema = 'public'";
            let rows = sqlx::query(text).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
        }
    }
}

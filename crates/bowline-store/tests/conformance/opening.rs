//! Opening, being refused, and databases that are not what they were.

use bowline_store::conformance::{creation, whole_feed};
use bowline_store::{
    CommitError, Head, OpenError, PostgresOptions, Revision, SqliteOptions, Store, open_postgres, open_sqlite,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

async fn fill(store: &Arc<dyn Store>, from: u128, to: u128) -> Head {
    for number in from..to {
        store.commit(creation(&format!("/fill/{number}"), number)).await.unwrap();
    }
    store.head().await.unwrap()
}

async fn open(directory: &Path) -> Arc<dyn Store> {
    open_sqlite(SqliteOptions::new(directory)).await.unwrap()
}

#[tokio::test]
async fn a_second_server_on_one_directory_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await;
    let refused = open_sqlite(SqliteOptions::new(directory.path())).await.err().unwrap();
    assert!(matches!(&refused, OpenError::Locked { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    fill(&first, 0, 3).await;
    drop(first);
    let again = open(directory.path()).await;
    assert_eq!(whole_feed(&again).await.len(), 3);
    let mode = std::fs::metadata(directory.path().join("bowline.db")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600, "nobody else reads the record");
}

#[tokio::test]
async fn an_older_copy_of_the_file_begins_a_new_epoch() {
    let directory = tempfile::tempdir().unwrap();
    let (file, copy) = (directory.path().join("bowline.db"), directory.path().join("backup"));
    let store = open(directory.path()).await;
    let early = fill(&store, 0, 3).await;
    drop(store);
    std::fs::copy(&file, &copy).unwrap();
    let store = open(directory.path()).await;
    assert_eq!(store.head().await.unwrap(), early, "a restart begins no epoch");
    let late = fill(&store, 3, 8).await;
    assert_eq!((late.epoch, late.revision), (early.epoch, Revision(8)));
    drop(store);
    std::fs::copy(&copy, &file).unwrap();
    let store = open(directory.path()).await;
    let restored = store.head().await.unwrap();
    assert_ne!(restored.epoch, early.epoch);
    assert_eq!((restored.revision, *store.watch().borrow()), (Revision(3), restored));
    let after = fill(&store, 3, 5).await;
    assert_eq!((after.epoch, whole_feed(&store).await.len()), (restored.epoch, 5));
    drop(store);
    assert_eq!(open(directory.path()).await.head().await.unwrap(), after, "and it stays");
}

#[tokio::test]
async fn an_older_copy_under_running_servers_begins_one_new_epoch() {
    let Some(server) = crate::server::server("an_older_copy_under_running_servers") else { return };
    for commit_first in [false, true] {
        let database = server.create_database().await;
        let mut options = PostgresOptions::new(&database.url, "one");
        if commit_first {
            // Nobody looks but the writer.
            options.poll = Duration::from_secs(3600);
        }
        let one = open_postgres(options.clone()).await.unwrap();
        let two = open_postgres(PostgresOptions { name: "two".to_owned(), ..options }).await.unwrap();
        let before = fill(&one, 0, 8).await;
        let mut watches = [one.watch(), two.watch()];
        for watch in &mut watches {
            watch.wait_for(|head| *head == before).await.unwrap();
        }
        let restore = "BEGIN; DELETE FROM change WHERE revision > 3; DELETE FROM resource WHERE revision > 3; \
            UPDATE counter SET revision = 3; COMMIT";
        database.execute(restore).await;
        if commit_first {
            let done = one.commit(creation("/after", 100)).await.unwrap();
            assert_eq!(done.revisions, [Revision(4)]);
            assert_ne!(done.head.epoch, before.epoch, "nothing is written into the old epoch");
        }
        let mut epochs = Vec::new();
        for watch in &mut watches {
            let turned = watch.wait_for(|head| head.epoch != before.epoch);
            epochs.push(tokio::time::timeout(Duration::from_secs(20), turned).await.unwrap().unwrap().epoch);
        }
        assert_eq!(epochs[0], epochs[1], "both servers are in the same epoch");
        fill(&two, 3, 6).await;
        assert_eq!(whole_feed(&one).await.len(), if commit_first { 7 } else { 6 });
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_recovers_by_itself() {
    static FREE: AtomicU64 = AtomicU64::new(1000);
    let directory = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::new(directory.path());
    options.disk_reserve_bytes = 500;
    options.free_space = |_| Ok(FREE.load(Ordering::SeqCst));
    let store = open_sqlite(options).await.unwrap();
    fill(&store, 0, 2).await;
    FREE.store(499, Ordering::SeqCst);
    let refused = store.commit(creation("/full", 9)).await;
    let told = matches!(refused, Err(CommitError::DiskFull { available: 499, reserve: 500 }));
    assert!(told, "{refused:?}");
    assert!(store.get("/fill/1").await.unwrap().is_some(), "reads go on");
    FREE.store(500, Ordering::SeqCst);
    fill(&store, 2, 3).await;
    assert_eq!(whole_feed(&store).await.len(), 3);
}

#[test]
fn free_space_is_read_from_the_system() {
    assert!(bowline_store::free_space(&std::env::temp_dir()).unwrap() > 0);
    assert!(bowline_store::free_space(Path::new("/does/not/exist")).is_err());
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).await);
    let newer = "INSERT INTO migration (number, name, checksum, applied_at) VALUES (9, 'future', 'x', 'now')";
    rusqlite::Connection::open(directory.path().join("bowline.db")).unwrap().execute(newer, []).unwrap();
    let refused = open_sqlite(SqliteOptions::new(directory.path())).await.err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 9, .. }), "{refused}");

    let Some(server) = crate::server::server("a_newer_database_is_refused") else { return };
    let database = server.create_database().await;
    drop(open_postgres(PostgresOptions::new(&database.url, "one")).await.unwrap());
    database.execute("INSERT INTO migration (number, name, checksum) VALUES (9, 'future', 'x')").await;
    let refused = open_postgres(PostgresOptions::new(&database.url, "one")).await.err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 9, .. }), "{refused}");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_says_so_without_its_password() {
    for url in ["postgres://u:geheim@127.0.0.1:1/x", "geheim", "postgres://u:geheim@[::::/x"] {
        let options = PostgresOptions::new(url, "one");
        assert!(!format!("{options:?}").contains("geheim"));
        let refused = open_postgres(options).await.err().unwrap();
        assert!(
            !refused.to_string().contains("geheim") && !format!("{refused:?}").contains("geheim"),
            "{refused}"
        );
    }
}

/// A migration of a version that does not exist yet, as that version would record it.
fn of_the_next_version(number: u32, oldest: u32, text: &str) -> String {
    format!(
        "{text}; INSERT INTO migration (number, name, checksum, applied_at, oldest) \
         VALUES ({number}, 'next', 'x', '2026-01-01', {oldest})"
    )
}

/// What a new version adds while this one serves; and what it later takes away.
fn expand_and_contract() -> (String, String) {
    let expand = "ALTER TABLE resource ADD COLUMN flavour TEXT; ALTER TABLE counter ADD COLUMN tasted BIGINT NOT NULL DEFAULT 0; \
        CREATE TABLE flavour (name TEXT NOT NULL PRIMARY KEY)";
    (of_the_next_version(900, 4, expand), of_the_next_version(901, 901, "DROP TABLE flavour"))
}

#[tokio::test]
async fn a_version_works_with_what_the_next_one_added_until_it_takes_something_away() {
    let (expand, contract) = expand_and_contract();
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let other = rusqlite::Connection::open(directory.path().join("bowline.db")).unwrap();
    other.execute_batch(&expand).unwrap();
    fill(&store, 0, 5).await;
    drop(store);
    let store = open(directory.path()).await;
    assert_eq!(fill(&store, 5, 8).await.revision, Revision(8));
    drop(store);
    other.execute_batch(&contract).unwrap();
    let refused = open_sqlite(SqliteOptions::new(directory.path())).await.err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 901, .. }), "{refused}");

    let Some(server) = crate::server::server("a_version_works_with_what_the_next_one_added") else { return };
    let database = server.create_database().await;
    let serving = open_postgres(PostgresOptions::new(&database.url, "serving")).await.unwrap();
    fill(&serving, 0, 3).await;
    database.execute(&expand).await;
    fill(&serving, 3, 5).await;
    let downgraded = open_postgres(PostgresOptions::new(&database.url, "downgraded")).await.unwrap();
    assert_eq!(fill(&downgraded, 5, 8).await.revision, Revision(8));
    fill(&serving, 8, 9).await;
    database.execute(&contract).await;
    let refused = open_postgres(PostgresOptions::new(&database.url, "late")).await.err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 901, .. }), "{refused}");
}

#[tokio::test]
async fn a_database_that_is_elsewhere_begins_one_new_epoch() {
    let Some(server) = crate::server::server("a_database_that_is_elsewhere") else { return };
    let database = server.create_database().await;
    let before =
        open_postgres(PostgresOptions::new(&database.url, "one")).await.unwrap().head().await.unwrap();
    let again = open_postgres(PostgresOptions::new(&database.url, "one")).await.unwrap();
    assert_eq!(again.head().await.unwrap(), before, "a restart begins no epoch");
    // As a copy of the files is found on its next timeline.
    database.execute("UPDATE place SET identity = replace(identity, '00000001', '00000007')").await;
    let options = |name: &str| PostgresOptions::new(&database.url, name);
    let (one, two) = tokio::join!(open_postgres(options("one")), open_postgres(options("two")));
    let (one, two) = (one.unwrap(), two.unwrap());
    let turned = one.head().await.unwrap();
    assert_ne!(turned.epoch, before.epoch);
    assert_eq!(two.head().await.unwrap(), turned, "both agree");
    let third = open_postgres(options("three")).await.unwrap();
    assert_eq!(third.head().await.unwrap(), turned, "and it stays");
}

#[tokio::test]
async fn a_migration_does_not_wait_behind_a_long_reader() {
    use sqlx::Connection as _;
    let Some(server) = crate::server::server("a_migration_does_not_wait") else { return };
    let database = server.create_database().await;
    drop(open_postgres(PostgresOptions::new(&database.url, "one")).await.unwrap());
    // As it was before the newest migration.
    database.execute("DELETE FROM migration WHERE number = 4; DROP TABLE place; ALTER TABLE migration DROP COLUMN oldest").await;
    let mut reader = sqlx::PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT * FROM migration").execute(&mut reader).await.unwrap();
    let refused = open_postgres(PostgresOptions::new(&database.url, "two")).await.err().unwrap();
    assert!(refused.to_string().contains("start again when it has ended"), "{refused}");
    reader.close().await.unwrap();
    open_postgres(PostgresOptions::new(&database.url, "two")).await.unwrap();
}

//! The conformance suite on SQLite and on PostgreSQL, writers that are killed, and databases that are replaced.

mod sqlite_suite {
    use bowline_store::conformance::Handles;
    use bowline_store::{SqliteOptions, open_sqlite};

    async fn run<F: Future<Output = ()>>(case: impl FnOnce(Handles) -> F) {
        let directory = tempfile::tempdir().unwrap();
        let store = open_sqlite(SqliteOptions::new(directory.path())).await.unwrap();
        case(vec![store.clone(), store]).await;
    }

    bowline_store::conformance!(run);
}

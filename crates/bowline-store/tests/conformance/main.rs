//! The conformance suite on SQLite and on PostgreSQL, writers that are killed, and databases that are replaced.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests start processes and replace files")]

mod copies;
mod crash;
mod opening;
mod proxy;
mod server;

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

mod postgres_suite {
    use bowline_store::conformance::Handles;
    use bowline_store::{PostgresOptions, open_postgres};

    /// Three servers on one database.
    async fn run<F: Future<Output = ()>>(case: impl FnOnce(Handles) -> F) {
        let Some(server) = crate::server::server(std::thread::current().name().unwrap_or("a test")) else {
            return;
        };
        let database = server.create_database().await;
        let mut handles = Handles::new();
        for name in ["one", "two", "three"] {
            handles.push(open_postgres(PostgresOptions::new(&database.url, name)).await.unwrap());
        }
        case(handles).await;
    }

    bowline_store::conformance!(run);
    bowline_store::conformance!(of several servers: run);
}

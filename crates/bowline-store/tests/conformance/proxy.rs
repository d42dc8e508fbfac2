//! A proxy in front of PostgreSQL that cuts a connection at the worst moment: around a COMMIT.

use bowline_store::conformance::{creation, whole_feed};
use bowline_store::{PostgresOptions, Revision, open_postgres};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const PASS: u8 = 0;
/// The next COMMIT does not arrive.
const CUT_BEFORE: u8 = 1;
/// The next COMMIT arrives; its answer does not.
const CUT_AFTER: u8 = 2;

struct Proxy {
    port: u16,
    mode: Arc<AtomicU8>,
}

impl Proxy {
    async fn start(target: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU8::new(PASS));
        let shared = mode.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, mode) = (TcpStream::connect(&target).await.unwrap(), shared.clone());
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(async move {
                    // Whichever side ends first: both are closed.
                    tokio::select! {
                        () = forward(from_client, to_server, &mode) => {}
                        () = answer(from_server, to_client, &mode) => {}
                    }
                });
            }
        });
        Proxy { port, mode }
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mode: &AtomicU8) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let commits = buffer[..read].windows(17).any(|window| window == b"COMMIT AND CHAIN\0");
        match mode.load(Ordering::SeqCst) {
            CUT_BEFORE if commits => return mode.store(PASS, Ordering::SeqCst),
            // From here on `answer` swallows.
            CUT_AFTER if commits => mode.store(CUT_AFTER + 1, Ordering::SeqCst),
            _ => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mode: &AtomicU8) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let committed = buffer[..read].windows(7).any(|window| window == b"COMMIT\0");
        if committed && mode.load(Ordering::SeqCst) > CUT_AFTER {
            return mode.store(PASS, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Both times the caller gets the true answer, and the commit is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_unknown_outcome_is_resolved() {
    let Some(server) = crate::server::server("a_commit_of_unknown_outcome_is_resolved") else { return };
    let database = server.create_database().await;
    let (address, name) = database.url.trim_start_matches("postgres://bowline@").split_once('/').unwrap();
    let proxy = Proxy::start(address.to_owned()).await;
    let url = format!("postgres://bowline@127.0.0.1:{}/{name}?sslmode=disable", proxy.port);
    let store = open_postgres(PostgresOptions::new(url, "behind a proxy")).await.unwrap();
    let mut count = 0;
    for mode in [PASS, CUT_BEFORE, CUT_AFTER, CUT_AFTER, CUT_BEFORE, PASS] {
        proxy.mode.store(mode, Ordering::SeqCst);
        count += 1;
        let done = store.commit(creation(&format!("/proxy/{count}"), count)).await.unwrap();
        assert_eq!(done.revisions, [Revision(count as u64)]);
        assert_eq!(proxy.mode.load(Ordering::SeqCst), PASS, "the proxy did what it was told");
    }
    assert_eq!(whole_feed(&store).await.len(), 6);
}

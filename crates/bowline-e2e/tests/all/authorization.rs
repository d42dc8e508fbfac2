//! Roles over several servers on one database, and with a database that hangs.

use std::time::{Duration, Instant};

use bowline_e2e::events::Events;
use bowline_e2e::postgres::postgres;
use bowline_e2e::proxy::freezable;
use bowline_e2e::server::{Options, Server, group, subscription};
use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::json;
use tokio::time::timeout;

use crate::roles::{READER, assign, user};

#[tokio::test]
async fn a_server_that_is_cut_off_from_its_database_decides_nothing() {
    let Some(postgres) = postgres("a_server_that_is_cut_off_from_its_database_decides_nothing") else {
        return;
    };
    let database = postgres.database();
    let port: u16 =
        database.rsplit(':').next().and_then(|rest| rest.split('/').next()?.parse().ok()).expect("a port");
    let (relay, frozen) = freezable(port).await;
    let database = database.replace(&format!(":{port}/"), &format!(":{}/", relay.port));
    let server = Server::start(Options { database: Some(database), ..Options::default() }).await;
    let admin = server.admin().await;
    let id = subscription(&admin).await;
    frozen.send_replace(true);
    let refused = until("503 instead of a decision from an old cache", seconds(15), async || {
        let answer = timeout(seconds(2), admin.get(&id)).await.ok()?;
        (answer.status == 503).then_some(answer)
    })
    .await;
    let message = refused.refused(503, "AuthorizationNotCurrent");
    assert!(message.contains("database"), "{message}");
    assert!(refused.header("retry-after").is_some(), "clients are told when to come again");
    // It goes on refusing, at once.
    let started = Instant::now();
    admin.get(&id).await.refused(503, "AuthorizationNotCurrent");
    assert!(started.elapsed() < seconds(2), "{:?}", started.elapsed());
    assert_eq!(server.api().get("/readyz?").await.status, 503);
    frozen.send_replace(false);
    until_true("the server decides again", seconds(30), async || {
        timeout(seconds(2), admin.get(&id)).await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
}

#[tokio::test]
async fn a_change_of_a_role_takes_effect_on_the_other_server() {
    let Some(postgres) = postgres("a_change_of_a_role_takes_effect_on_the_other_server") else { return };
    let database = Some(postgres.database());
    let first = Server::start(Options { database: database.clone(), ..Options::default() }).await;
    let options = Options {
        database,
        root_key: Some(first.data().join("root.key")),
        public_url: Some(first.url()),
        ..Options::default()
    };
    let second = Server::start(options).await;
    let admin = first.admin().await;
    let scope = group(&admin, "shared").await;
    let (eve, object) = user(&admin, "eve").await;
    let there = second.api().with(eve.bearer.as_deref().expect("eve is signed in"));
    for _ in 0..3 {
        let id = assign(&admin, &scope, READER, &object).await;
        let given = Instant::now();
        until_true("the role holds on the other server", seconds(5), async || {
            there.get(&scope).await.status == 200
        })
        .await;
        assert!(given.elapsed() < Duration::from_millis(1500), "given: {:?}", given.elapsed());
        let mut events = Events::open(&there, &scope, None).await.expect("eve may watch");
        let _ = admin.delete(&id).await.expect(200);
        let taken = Instant::now();
        until_true("the role is gone on the other server", seconds(5), async || {
            there.get(&scope).await.status == 403
        })
        .await;
        assert!(taken.elapsed() < Duration::from_millis(1500), "taken: {:?}", taken.elapsed());
        let last = timeout(seconds(5), async {
            let mut last = None;
            while let Some(event) = events.next().await {
                last = Some(event);
            }
            last
        });
        let last = last.await.expect("the stream ends within 5 s").expect("it says why");
        assert_eq!((last.name.as_str(), &last.data["reason"]), ("end", &json!("rightsWithdrawn")));
    }
}

//! What is acknowledged stays, and a watcher sees each revision once: over a killed server, on both databases, with three servers.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use bowline_e2e::api::Api;
use bowline_e2e::events::Events;
use bowline_e2e::postgres::postgres;
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until_true};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::json;

use crate::activity::log;
use crate::resources::machine;
use crate::roles::{READER, assign, user};

const WRITES: usize = 1000;
const AT_ONCE: usize = 48;

/// What the watcher has seen: the revisions in their order, and how often each machine changed.
#[derive(Debug, Default)]
struct Seen {
    revisions: Vec<u64>,
    machines: BTreeMap<String, usize>,
    reconnects: usize,
}

/// Follows a scope and resumes by its cursor whenever the stream ends.
async fn watch(api: Api, scope: String, seen: Rc<RefCell<Seen>>) {
    let mut cursor: Option<String> = None;
    loop {
        if let Ok(mut events) = Events::open(&api, &scope, cursor.as_deref()).await {
            while let Some(event) = events.next().await {
                let mut seen = seen.borrow_mut();
                if event.name == "changed" {
                    let name = event.data["name"].as_str().unwrap_or_default().to_owned();
                    *seen.machines.entry(name).or_default() += 1;
                    let id = event.id.clone().unwrap_or_default();
                    seen.revisions.push(id.rsplit('.').next().unwrap().parse().unwrap());
                }
                assert!(cursor.is_none() || event.name != "snapshot", "a cursor resumes without a snapshot");
                cursor = event.id.or(cursor);
            }
        }
        seen.borrow_mut().reconnects += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Puts a machine until it is acknowledged.
async fn put_until_acknowledged(admin: &Api, id: &str) {
    loop {
        let request = admin.request(Method::PUT, id).json(&json!({"location": "local"})).timeout(seconds(20));
        match Api::exchange(request).await {
            Ok(answer) if answer.status == 200 => return,
            Ok(answer) => assert!(matches!(answer.status, 429 | 503), "{}", answer.text),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn names(admin: &Api, group: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next =
        Some(format!("{group}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$top=500"));
    while let Some(link) = next {
        let page = admin.get(&link).await.expect(200);
        found
            .extend(page["value"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap().to_owned()));
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    found
}

/// Each machine has the one entry of its creation in the activity log, with the tag that it has, and no entry is without its machine.
async fn entries_and_resources_agree(admin: &Api, scope: &str) {
    let subscription = scope.split("/resourceGroups").next().unwrap();
    let events = log(admin, subscription, " and resourceProvider eq 'Microsoft.HybridCompute'").await;
    assert_eq!(events.len(), WRITES);
    let told: BTreeSet<&str> = events.iter().map(|event| event["resourceId"].as_str().unwrap()).collect();
    assert_eq!(told.len(), WRITES, "a machine is told twice");
    for event in events.iter().step_by(97) {
        let found = admin.get(event["resourceId"].as_str().unwrap()).await.expect(200);
        assert_eq!(found["etag"], event["properties"]["etagAfter"]);
    }
}

async fn kill_in_the_middle(options: Options) {
    let mut server = Server::start(options).await;
    let admin = server.admin().await;
    let scope = group(&admin, "load").await;
    let (seen, acknowledged) =
        (Rc::new(RefCell::new(Seen::default())), Rc::new(RefCell::new(BTreeSet::new())));
    let local = tokio::task::LocalSet::new();
    local.spawn_local(watch(admin.clone(), String::new(), Rc::clone(&seen)));
    let (writer, done, group_id) = (admin.clone(), Rc::clone(&acknowledged), scope.clone());
    let writing = local.spawn_local(async move {
        futures::stream::iter(0..WRITES)
            .for_each_concurrent(AT_ONCE, |n| {
                let (writer, done, name) = (writer.clone(), Rc::clone(&done), format!("m{n:04}"));
                let id = machine(&group_id, &name);
                async move {
                    put_until_acknowledged(&writer, &id).await;
                    done.borrow_mut().insert(name);
                }
            })
            .await;
    });
    local
        .run_until(async {
            until_true("four hundred writes", seconds(60), async || acknowledged.borrow().len() >= 400).await;
            let before: BTreeSet<String> = acknowledged.borrow().clone();
            server.kill();
            eprintln!("killed after {} of {WRITES} acknowledged writes", before.len());
            server.restart().await;
            let there = names(&admin, &scope).await;
            let lost: Vec<_> = before.difference(&there).collect();
            assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
            tokio::time::timeout(seconds(120), writing).await.expect("the rest is written").unwrap();
            let there = names(&admin, &scope).await;
            assert_eq!(there.len(), WRITES);
            until_true("the watcher has seen every machine", seconds(30), async || {
                seen.borrow().machines.len() >= WRITES
            })
            .await;
        })
        .await;
    entries_and_resources_agree(&admin, &scope).await;
    let seen = seen.borrow();
    assert!(seen.reconnects >= 1, "the stream was cut");
    // The watcher of everything sees every revision, one after the other.
    let gap = seen.revisions.windows(2).find(|pair| pair[1] != pair[0] + 1);
    assert_eq!(gap, None, "a revision came twice, out of order, or was skipped");
    let repeated: Vec<_> = seen.machines.iter().filter(|(_, times)| **times != 1).collect();
    assert!(repeated.is_empty(), "each machine changed once: {repeated:?}");
}

#[tokio::test]
async fn a_killed_server_on_sqlite_loses_nothing_and_repeats_nothing() {
    kill_in_the_middle(Options::default()).await;
}

#[tokio::test]
async fn a_killed_server_on_postgresql_loses_nothing_and_repeats_nothing() {
    let Some(postgres) = postgres("durability::a_killed_server_on_postgresql") else { return };
    kill_in_the_middle(Options { database: Some(postgres.database()), ..Options::default() }).await;
}

#[tokio::test]
async fn three_servers_share_one_database() {
    let Some(postgres) = postgres("durability::three_servers_share_one_database") else { return };
    let database = Some(postgres.database());
    let mut first = Server::start(Options { database: database.clone(), ..Options::default() }).await;
    let others = Options {
        database,
        root_key: Some(first.data().join("root.key")),
        public_url: Some(first.url()),
        ..Options::default()
    };
    let second = Server::start(others.clone()).await;
    let third = Server::start(others).await;
    let admin = first.admin().await;
    let bearer = admin.bearer.clone().unwrap();
    let (at_second, at_third) = (second.api().with(&bearer), third.api().with(&bearer));
    let scope = group(&admin, "shared").await;
    for (n, writer) in [&admin, &at_second, &at_third].into_iter().enumerate() {
        let id = machine(&scope, &format!("m{n}"));
        until_true("the group is known everywhere", seconds(5), async || {
            writer.get(&scope).await.status == 200
        })
        .await;
        let _ = writer.put(&id, &json!({"location": "local"})).await.expect(200);
        for reader in [&admin, &at_second, &at_third] {
            until_true("the machine is known everywhere", seconds(5), async || {
                reader.get(&id).await.status == 200
            })
            .await;
        }
    }
    let mut events = Events::open(&at_third, &scope, None).await.unwrap();
    while events.next().await.expect("a snapshot").name != "ready" {}
    let _ = at_second.put(&machine(&scope, "news"), &json!({"location": "local"})).await.expect(200);
    let changed = tokio::time::timeout(seconds(5), events.next()).await.expect("in time").expect("an event");
    assert_eq!(changed.data["name"], "news");

    let (eve, object) = user(&admin, "eve").await;
    let eve = [second.api(), third.api()].map(|api| api.with(eve.bearer.as_deref().unwrap()));
    for api in &eve {
        until_true("the user is known", seconds(5), async || api.get(&scope).await.status == 403).await;
    }
    let assignment = assign(&admin, &scope, READER, &object).await;
    for (change, status) in [("given", 200), ("taken", 403)] {
        for api in &eve {
            let what = format!("the role is {change}");
            until_true(&what, seconds(1), async || api.get(&scope).await.status == status).await;
        }
        if change == "given" {
            assert_eq!(admin.delete(&assignment).await.status, 200);
        }
    }
    first.kill();
    let _ = at_second.put(&machine(&scope, "after"), &json!({"location": "local"})).await.expect(200);
    until_true("two go on without the third", seconds(5), async || {
        at_third.get(&machine(&scope, "after")).await.status == 200
    })
    .await;
}

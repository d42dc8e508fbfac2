//! PostgreSQL fails over to a replica that lost its tail: what was acknowledged in the tail is gone, and everybody who had seen it, servers, agents, watchers
//! and clients, goes on from what the replica has, without a restart.

use bowline_e2e::events::Events;
use bowline_e2e::postgres::Mortal;
use bowline_e2e::proxy::Switch;
use bowline_e2e::server::group;
use bowline_e2e::three::Three;
use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::{Value, json};

use crate::resources::machine;

const AGENTS: u64 = 40;
/// Longer than this test: no agent may show as gone.
const GRACE: u64 = 120;
/// The setting that the replica has; the tail raises it once per generation.
const BYTES: u64 = 100_000_000;
const GENERATIONS: u64 = 5;

#[tokio::test]
async fn a_replica_that_lost_its_tail_takes_over() {
    let Some(mut primary) = Mortal::start("failover::a_replica_that_lost_its_tail").await else { return };
    let (front, replication) = (Switch::new(primary.port()).await, Switch::new(primary.port()).await);
    let replica = primary.replica(replication.port).await;
    let three = Three::start(Mortal::url_at(front.port), GRACE).await;
    let scope = group(&three.at[0], "plant").await;
    let agents = three.agents(&scope, AGENTS, seconds(600), None).await;
    let settings = format!("{scope}/providers/Microsoft.Bowline/agentSettings/default");
    let body = |bytes: u64| json!({"properties": {"byteBudgetPerDay": bytes}});
    let arrived =
        |bytes: u64| agents.settled(|settings: &Value| settings.to_string().contains(&bytes.to_string()));
    assert!(three.at[0].put(&settings, &body(BYTES)).await.status < 300);
    let kept = machine(&scope, "kept");
    let _ = three.at[1].put(&kept, &json!({"location": "local", "tags": {"n": "1"}})).await.expect(200);
    until_true("every agent has the setting", seconds(20), async || arrived(BYTES) >= AGENTS).await;
    until_true("the replica has it too", seconds(20), async || {
        let question = "SELECT count(*) FROM resource WHERE key LIKE '%/machines/kept'";
        replica.ask(question).await == "1"
    })
    .await;

    // From here on the replica gets nothing.
    replication.turn(None);
    let before: u64 = three.servers[0].revision().await;
    for generation in 1..=GENERATIONS {
        assert!(three.at[0].put(&settings, &body(BYTES + generation)).await.status < 300);
    }
    let tail = machine(&scope, "tail");
    let _ = three.at[2].put(&tail, &json!({"location": "local"})).await.expect(200);
    let _ = three.at[2].patch(&kept, &json!({"tags": {"n": "2"}})).await.expect(200);
    until_true("every agent is ahead", seconds(20), async || arrived(BYTES + GENERATIONS) >= AGENTS).await;
    let mut events = Events::open(&three.at[1], &scope, None).await.unwrap();
    while events.next().await.expect("a snapshot").name != "ready" {}

    primary.kill();
    replica.promote().await;
    front.turn(Some(replica.port()));
    // Nobody is restarted: each server notices that the database went back, and begins a new epoch with the others.
    for (server, api) in three.at.iter().enumerate() {
        let seen = until("the server works on the replica", seconds(40), async || {
            let request = api.request(reqwest::Method::GET, &kept);
            bowline_e2e::api::Api::exchange(request).await.ok().filter(|answer| answer.status == 200)
        })
        .await;
        assert_eq!(seen.body["tags"]["n"], "1", "server {server} shows what the replica has");
        assert_eq!(api.get(&tail).await.status, 404, "server {server} forgot the tail");
        let found = api.get(&settings).await.expect(200);
        assert_eq!(found["properties"]["byteBudgetPerDay"], BYTES, "{found}");
    }
    until_true("a watcher learns that its picture is void", seconds(30), async || {
        let event = tokio::time::timeout(seconds(5), events.next()).await;
        match event {
            Ok(Some(event)) => event.name == "snapshot",
            // The stream may end instead; whoever comes back with the cursor gets the picture anew.
            Ok(None) => {
                events = Events::open(&three.at[1], &scope, None).await.unwrap();
                false
            }
            Err(_) => false,
        }
    })
    .await;
    // Agents that are ahead take what is true now, and what comes after it.
    until_true("every agent went back", seconds(60), async || arrived(BYTES) >= 2 * AGENTS).await;
    assert!(three.at[2].put(&settings, &body(BYTES + 50)).await.status < 300);
    until_true("every agent goes on", seconds(20), async || arrived(BYTES + 50) >= AGENTS).await;
    let said = agents.said();
    assert_eq!(
        (&said["ended"], &said["connected"], &said["older"]),
        (&json!(0), &json!(AGENTS), &json!(0)),
        "{said}"
    );
    for (writer, reader) in [(0, 1), (1, 2), (2, 0)] {
        let id = machine(&scope, &format!("after{writer}"));
        let _ = three.at[writer].put(&id, &json!({"location": "local"})).await.expect(200);
        assert_eq!(three.at[reader].get(&id).await.status, 200, "a client reads its writes as before");
    }
    let after = three.servers[0].revision().await;
    eprintln!("revision {before} before the tail, {after} after the fail-over and some writes");
}

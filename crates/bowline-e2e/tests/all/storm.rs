//! The restart storm: a server dies with hundreds of agents attached, and all of them come back at once.

use std::collections::BTreeMap;
use std::time::Instant;

use bowline_e2e::api::Api;
use bowline_e2e::server::{Options, Server, enrolment_token, group};
use bowline_e2e::simulation::{Agents, Wanted};
use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::Value;

use crate::agents::sessions;

/// Enough that a server which took them one after the other would be seen, few enough for a test.
const AGENTS: u64 = 300;

/// Each machine with its status and its etag, which moves with every write.
pub(crate) async fn machines(admin: &Api, group: &str) -> BTreeMap<String, (String, String)> {
    let list = format!("{group}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$top=1000");
    let page = admin.get(&list).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = page["value"].as_array().unwrap().iter();
    each.map(|one| (text(&one["name"]), (text(&one["properties"]["status"]), text(&one["etag"])))).collect()
}

#[tokio::test]
async fn every_agent_comes_back_after_its_server_was_killed() {
    let mut server = Server::start(Options { restart_grace: 60, ..Options::default() }).await;
    let mut admin = server.admin().await;
    let here = group(&admin, "storm").await;
    let token = enrolment_token(&admin, &here, "t", AGENTS).await;
    let (url, ca) = (server.url(), server.ca());
    let wanted = Wanted {
        url: &url,
        ca,
        group: &here,
        token: &token,
        prefix: "sim",
        count: AGENTS,
        duration: seconds(600),
        place: None,
    };
    let agents = Agents::start(&wanted);
    agents.wait_until_connected(seconds(180)).await;
    let before = until("all shown as connected", seconds(30), async || {
        let all = machines(&admin, &here).await;
        let connected = all.values().filter(|(status, _)| status == "Connected").count() as u64;
        (connected == AGENTS).then_some(all)
    })
    .await;

    server.kill();
    until_true("all have noticed", seconds(60), async || agents.said()["connected"] == 0).await;
    let started = Instant::now();
    server.restart().await;
    admin.http = server.api().http;
    until_true("all sessions are back", seconds(120), async || {
        let now = machines(&admin, &here).await;
        assert_eq!(now, before, "inside the grace nothing about presence is written");
        sessions(&server).await as u64 == AGENTS
    })
    .await;
    eprintln!("{AGENTS} agents were back {:?} after the restart began", started.elapsed());
    until_true("all agents know it", seconds(30), async || agents.said()["connected"] == AGENTS).await;
    assert_eq!(machines(&admin, &here).await, before);
    let said = agents.said();
    assert_eq!((&said["ended"], &said["enrolmentFailures"]), (&0.into(), &0.into()), "{said}");
}

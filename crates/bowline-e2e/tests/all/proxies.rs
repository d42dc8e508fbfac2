//! An agent behind what networks put in its way: a proxy that tunnels, one that buffers, a balancer that cuts.

use std::time::Duration;

use bowline_e2e::agent::{Host, Target};
use bowline_e2e::api::Api;
use bowline_e2e::program::free_port;
use bowline_e2e::proxy::{Tls, buffering_proxy, connect_proxy, cutting_balancer};
use bowline_e2e::server::{Options, Server, enrolment_token, group};
use bowline_e2e::wait::{seconds, until_true};
use serde_json::json;

use crate::agents::{status, wait_for_status};
use crate::resources::machine;

/// How long the balancer lets a connection live: as real ones do. The test waits most of its time, beside others.
const CUT: Duration = Duration::from_secs(30);

/// Connects `press` through `host`'s environment and gives its id.
async fn connect(server: &Server, host: &Host) -> (Api, String) {
    let admin = server.admin().await;
    let here = group(&admin, "g").await;
    let token = enrolment_token(&admin, &here, "t", 1).await;
    let (url, ca, group) = (server.url(), server.ca(), here.clone());
    // The agent's command waits for proxies that run in this runtime: it must not block it.
    let (done, said) = tokio::task::block_in_place(|| {
        host.connect(&Target { url: &url, ca: &ca, group: &group, name: "press", token: &token }, &[])
    });
    assert!(done, "{said}");
    (admin, machine(&here, "press"))
}

/// Waits until the agent has reported.
async fn wait_for_facts(admin: &Api, id: &str) {
    until_true("the first report", seconds(40), async || {
        admin.get(id).await.expect(200)["properties"]["osName"].is_string()
    })
    .await;
}

async fn settings_arrive(admin: &Api, id: &str, host: &Host, level: &str) {
    let settings = format!("{id}/providers/Microsoft.Bowline/agentSettings/default");
    let answer = admin.put(&settings, &json!({"properties": {"logLevel": level}})).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    until_true("the settings in the ledger", seconds(30), async || {
        let Ok(entries) = std::fs::read_dir(host.state().join("ledger")) else { return false };
        entries.flatten().any(|entry| {
            std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(&format!("\"{level}\"")))
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_connect_proxy() {
    let server = Server::usual().await;
    let proxy = connect_proxy().await;
    let mut host = Host::default();
    host.environment = vec![("HTTPS_PROXY".to_owned(), format!("http://127.0.0.1:{}", proxy.port))];
    let (admin, id) = connect(&server, &host).await;
    let before = proxy.served();
    assert!(before > 0, "connect went through the proxy");
    host.run();
    wait_for_status(&admin, &id, "Connected", 20).await;
    wait_for_facts(&admin, &id).await;
    assert!(proxy.served() > before, "the session goes through the proxy");
    settings_arrive(&admin, &id, &host, "debug").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_reverse_proxy_that_buffers() {
    let port = free_port();
    let server = Server::start(Options {
        public_url: Some(format!("https://localhost:{port}")),
        ..Options::default()
    })
    .await;
    let _proxy = buffering_proxy(port, server.port, Tls::of(&server.data())).await;
    let mut host = Host::default();
    let (admin, id) = connect(&server, &host).await;
    host.run();
    until_true("the fall-back to long polls", seconds(40), async || {
        host.agent().said().contains("falling back to long polls")
    })
    .await;
    wait_for_status(&admin, &id, "Connected", 20).await;
    wait_for_facts(&admin, &id).await;
    settings_arrive(&admin, &id, &host, "debug").await;
    settings_arrive(&admin, &id, &host, "warn").await;
    assert_eq!(status(&admin, &id).await, "Connected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_balancer_that_ends_tls_and_cuts() {
    let port = free_port();
    let server = Server::start(Options {
        public_url: Some(format!("https://localhost:{port}")),
        ..Options::default()
    })
    .await;
    let proxy = cutting_balancer(port, server.port, Tls::of(&server.data()), CUT).await;
    let mut host = Host::default();
    let (admin, id) = connect(&server, &host).await;
    host.run();
    wait_for_status(&admin, &id, "Connected", 20).await;
    wait_for_facts(&admin, &id).await;
    let before = proxy.served();
    until_true("two cuts", seconds(120), async || {
        assert_eq!(status(&admin, &id).await, "Connected", "a cut is too short to be seen");
        host.agent().said().matches("connected session=").count() > 2
    })
    .await;
    assert!(proxy.served() >= before + 2, "each session came through the balancer");
    settings_arrive(&admin, &id, &host, "debug").await;
}

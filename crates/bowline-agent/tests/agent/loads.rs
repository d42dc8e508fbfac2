//! The simulated agents are real sessions.

use std::time::Duration;

use bowline_agent::{
    session::token::Bearer,
    simulate::{SimulateOptions, simulate},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    server::{Server, until},
    session::{install_crypto, settings},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_agents_enrol_connect_and_measure_what_reaches_them() {
    install_crypto();
    let server = Server::start().await;
    let options = SimulateOptions {
        count: 40,
        server: server.url(),
        ca_pem: None,
        subscription: "00000000-0000-0000-0000-000000000001".into(),
        resource_group: "load".into(),
        location: "local".into(),
        prefix: "sim-".into(),
        token: Bearer::new("bwe_test"),
        concurrency: 8,
        duration: Duration::from_secs(60),
        measure: true,
    };
    let stop = CancellationToken::new();
    let told = stop.clone();
    let running = tokio::spawn(async move {
        let mut out = Vec::new();
        simulate(options, told, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    });
    until("all are connected", || server.sessions() == 40).await;
    server.desire(2, vec![settings("debug")]);
    until("all have it", || {
        server.state().applied.iter().filter(|generation| **generation == 2).count() == 40
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stop.cancel();
    let lines: Vec<Value> =
        running.await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!((&last["done"], &last["enrolled"]), (&true.into(), &40.into()), "{last}");
    assert!(lines.iter().any(|line| line["connected"] == 40), "{lines:?}");
    let arrival = lines.iter().rfind(|line| line["settings"]["logLevel"] == "debug").unwrap();
    assert_eq!(arrival["agents"], 40);
    assert!(arrival["afterFirstMs"]["last"].as_f64().unwrap() < 5000.0, "{arrival}");
    assert_eq!(server.state().machines.len(), 40);
}

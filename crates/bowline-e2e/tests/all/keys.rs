//! The life of agents' keys, with a short one: they are replaced in time, one lapses while its agent is away, and connecting again heals that.

use bowline_e2e::agent::{Host, Target};
use bowline_e2e::api::Api;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::server::{Options, Server, enrolment_token, group};
use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::{Value, json};

use crate::agents::wait_for_status;
use crate::kubernetes::wait_for_connectivity;
use crate::resources::machine;

const TEST: &str = "keys::keys_are_replaced_in_time_and_a_lapsed_one_is_healed";
/// Seconds that a key lives.
const LIFE: u64 = 16;

async fn key(admin: &Api, id: &str, property: &str) -> Value {
    admin.get(id).await.expect(200)["properties"][property].clone()
}

/// Another key than this one is registered.
async fn replaced(admin: &Api, id: &str, property: &str, old: &Value) -> Value {
    until(&format!("another key of {id}"), seconds(LIFE + 10), async || {
        Some(key(admin, id, property).await).filter(|new| new != old && new.is_string())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_replaced_in_time_and_a_lapsed_one_is_healed() {
    let Some(cluster) = Cluster::start(TEST) else { return };
    let options = Options {
        agent_token_seconds: 10,
        extra: vec!["--agent-key-seconds".to_owned(), LIFE.to_string()],
        ..Options::default()
    };
    let server = Server::start(options).await;
    let admin = server.admin().await;
    let plant = group(&admin, "plant").await;
    let (oven, press) =
        (format!("{plant}/providers/Microsoft.Kubernetes/connectedClusters/oven"), machine(&plant, "press"));
    let cli = Cli::default();
    cli.sign_in(&server);
    let _ = cli.connect(&cluster);
    let mut agent = cluster.agent();
    let token = enrolment_token(&admin, &plant, "t", 1).await;
    let (url, ca) = (server.url(), server.ca());
    let target = Target { url: &url, ca: &ca, group: &plant, name: "press", token: &token };
    let mut host = Host::default();
    let (done, said) = host.connect(&target, &["--tags", "line=3"]);
    assert!(done, "{said}");
    host.run();
    wait_for_connectivity(&admin, &oven, "Connected", 30).await;
    wait_for_status(&admin, &press, "Connected", 20).await;
    let tagged = admin.patch(&oven, &json!({"tags": {"line": "3"}})).await;
    assert_eq!(tagged.status, 200, "{}", tagged.text);

    let known = [(&oven, "agentPublicKeyCertificate"), (&press, "clientPublicKey")];
    for (id, property) in known {
        let first = key(&admin, id, property).await;
        let second = replaced(&admin, id, property, &first).await;
        assert_ne!(replaced(&admin, id, property, &second).await, first, "a key is never used again");
    }
    assert_eq!(
        (&key(&admin, &oven, "connectivityStatus").await, &key(&admin, &press, "status").await),
        (&json!("Connected"), &json!("Connected"))
    );

    agent.kill();
    host.agent().kill();
    // Lapsed keys are looked for every minute.
    wait_for_connectivity(&admin, &oven, "Expired", LIFE + 75).await;
    wait_for_status(&admin, &press, "Expired", 15).await;
    let mut agent = cluster.agent();
    host.run();
    until_true("both are told", seconds(20), async || {
        agent.said().contains("run connect again") && host.agent().said().contains("run connect again")
    })
    .await;
    host.agent().kill();
    let (done, said) =
        host.connect(&Target { token: admin.bearer.as_deref().unwrap_or_default(), ..target }, &[]);
    assert!(done, "{said}");
    host.run();
    let _ = cli.connect(&cluster);
    wait_for_connectivity(&admin, &oven, "Connected", 30).await;
    wait_for_status(&admin, &press, "Connected", 20).await;
    for id in [&oven, &press] {
        let tags = &admin.get(id).await.expect(200)["tags"];
        assert_eq!(tags["line"], "3", "what was configured is still there");
    }
    agent.kill();
}

//! The cluster agent as a pod: its service account's files, the rights of the manifest that is shipped, and no more.

use std::io::Write as _;
use std::path::Path;

use bowline_e2e::api::client;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::program::free_port;
use bowline_e2e::server::{Server, group};
use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::json;

use crate::kubernetes::{wait_for_connectivity, wait_for_object};

const TEST: &str = "pod::an_agent_in_a_pod_needs_its_service_account_and_nothing_else";

#[tokio::test]
async fn an_agent_in_a_pod_needs_its_service_account_and_nothing_else() {
    if !nix::unistd::geteuid().is_root() {
        let why = "a mount namespace needs root";
        // Not through the captured output: a test that did not run must be seen.
        let _ = writeln!(std::io::stderr(), "skipped: {TEST}: {why}");
        return;
    }
    let Some(cluster) = Cluster::start(TEST) else { return };
    let server = Server::usual().await;
    let admin = server.admin().await;
    let plant = group(&admin, "plant").await;
    let id = format!("{plant}/providers/Microsoft.Kubernetes/connectedClusters/oven");
    let manifest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kubernetes/bowline-agent-rbac.yaml");
    let _ = cluster.kubectl(&["apply", "--server-side", "-f", &manifest.to_string_lossy()], &[]);
    // Not the usual loopback address: nothing but the pod's own may be served.
    let [high, low] = free_port().to_be_bytes();
    let pod_ip = format!("127.81.{high}.{low}");
    let mut agent = cluster.pod_agent("bowline-agent", &pod_ip);
    let health = async |path: &str| {
        let answer = client(&cluster.ca()).get(format!("http://{pod_ip}:8080{path}")).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    };
    until_true("the pod's probe", seconds(30), async || {
        health("/healthz").await.is_some_and(|(status, _)| status == 200)
    })
    .await;
    assert_eq!(health("/readyz").await.map(|(status, _)| status), Some(503), "it waits for its enrolment");

    let cli = Cli::default();
    cli.sign_in(&server);
    let _ = cli.connect(&cluster);
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    until_true("the whole inventory is handed over", seconds(60), async || {
        agent.said().contains("the whole inventory has been handed over")
    })
    .await;
    let _ = wait_for_object(&admin, &id, "&kind=Namespace&name=bowline-system").await;
    let got = until("the facts of the cluster", seconds(60), async || {
        let got = admin.get(&id).await.expect(200);
        got["properties"]["kubernetesVersion"].is_string().then_some(got)
    })
    .await;
    assert_eq!(got["properties"]["arcAgentProfile"]["agentErrors"], json!([]), "every kind can be watched");
    assert_eq!(health("/readyz").await.map(|(status, _)| status), Some(200));
    let (_, metrics) = health("/metrics").await.unwrap();
    assert!(metrics.contains("bowline_agent_connected 1"), "{metrics}");

    let settings = format!("{id}/providers/Microsoft.Bowline/agentSettings/default");
    let _ = admin.put(&settings, &json!({"properties": {"agentVersion": "99.1.0"}})).await.expect(201);
    until_true("the condition of the version", seconds(20), async || {
        let got = admin.get(&id).await.expect(200);
        got["properties"]["arcAgentProfile"]["agentErrors"][0]["message"]
            .as_str()
            .is_some_and(|message| message.contains("99.1.0"))
    })
    .await;
    let maps = cluster.kubectl(&["get", "configmaps", "-n", "bowline-system", "-o", "name"], &[]);
    assert!(maps.contains("bowline-ledger-head") && maps.contains("configmap/bowline-agent"), "{maps}");
    rights_are_just_enough(&cluster).await;

    agent.kill();
    wait_for_connectivity(&admin, &id, "Offline", 20).await;
    let agent = cluster.pod_agent("bowline-agent", &pod_ip);
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    let said = agent.said().to_lowercase();
    assert!(!said.contains("a check failed") && !said.contains("forbidden"), "no right is missing: {said}");
}

/// What the service account may and may not do, asked with its own token.
async fn rights_are_just_enough(cluster: &Cluster) {
    let (api, token, server) = (client(&cluster.ca()), cluster.token("bowline-agent"), cluster.server());
    let own = "/api/v1/namespaces/bowline-system";
    for (path, status) in [
        (format!("{own}/secrets/bowline-agent"), 200),
        (format!("{own}/configmaps"), 200),
        ("/api/v1/pods".to_owned(), 200),
        (format!("{own}/secrets"), 403),
        ("/api/v1/secrets".to_owned(), 403),
        ("/api/v1/namespaces/kube-system/secrets".to_owned(), 403),
        // What the inventory has by default; their data stays in the cluster.
        ("/api/v1/configmaps".to_owned(), 200),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles".to_owned(), 200),
        ("/api/v1/replicationcontrollers".to_owned(), 403),
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(), 403),
        ("/apis/certificates.k8s.io/v1/certificatesigningrequests".to_owned(), 403),
    ] {
        let answer = api.get(format!("{server}{path}")).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "GET {path}");
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}});
    let made = api.post(format!("{server}/api/v1/namespaces")).bearer_auth(&token).json(&namespace);
    assert_eq!(made.send().await.unwrap().status().as_u16(), 403);
    let pods = api.delete(format!("{server}/api/v1/namespaces/default/pods")).bearer_auth(&token);
    assert_eq!(pods.send().await.unwrap().status().as_u16(), 403);
}

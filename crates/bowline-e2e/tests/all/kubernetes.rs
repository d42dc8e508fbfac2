//! A real control plane: connected as a user does it, seen without touching it, silent about its secrets, cut and back.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_e2e::api::Api;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::server::{Server, group};
use bowline_e2e::wait::{seconds, until, until_true};
use rusqlite::types::ValueRef;
use serde_json::{Value, json};

pub(crate) async fn wait_for_connectivity(admin: &Api, id: &str, wanted: &str, within: u64) {
    until_true(&format!("{wanted} of {id}"), seconds(within), async || {
        admin.get(id).await.expect(200)["properties"]["connectivityStatus"] == wanted
    })
    .await;
}

/// What the server knows of the cluster's objects, without asking the cluster.
async fn objects(admin: &Api, id: &str, query: &str) -> Value {
    admin
        .get(&format!(
            "{id}/providers/Microsoft.Bowline/kubernetesObjects?api-version=2026-11-01&$top=1000{query}"
        ))
        .await
        .expect(200)
}

pub(crate) async fn wait_for_object(admin: &Api, id: &str, query: &str) -> Value {
    until(&format!("the object {query}"), seconds(30), async || {
        let found = objects(admin, id, query).await;
        found["value"].as_array().filter(|value| !value.is_empty()).map(|value| value[0].clone())
    })
    .await
}

/// Hands out values that must not leave the cluster.
#[derive(Default)]
struct Canaries(Vec<String>);

impl Canaries {
    fn next(&mut self) -> String {
        let canary = format!("canary{:02}{}", self.0.len(), uuid::Uuid::new_v4().simple());
        self.0.push(canary.clone());
        canary
    }
}

/// Fifty canaries in every place where a secret may hide.
fn plant(canaries: &mut Canaries) -> Vec<Value> {
    let mut planted = Vec::new();
    for n in 0..5 {
        let (a, b) = (canaries.next(), canaries.next());
        planted.push(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("opaque-{n}")}, "stringData": {"password": a}, "data": {"key": STANDARD.encode(b)}}));
        let release = canaries.next();
        planted.push(json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "metadata": {"name": format!("sh.helm.release.v1.app.v{n}"), "labels": {"owner": "helm", "name": "app"}}, "data": {"release": STANDARD.encode(STANDARD.encode(release))}}));
        let (value, binary) = (canaries.next(), canaries.next());
        planted.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("settings-{n}")}, "data": {"app.conf": format!("password={value}")}, "binaryData": {"blob": STANDARD.encode(binary)}}));
        let (copy, credential, env, init, header) =
            (canaries.next(), canaries.next(), canaries.next(), canaries.next(), canaries.next());
        let annotations = json!({
            "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":\"{copy}\"}}"),
            "example.com/api-token": credential,
        });
        let container = json!({"name": "main", "image": "registry.invalid/app:1", "env": [{"name": "DB_PASSWORD", "value": env}],
            "livenessProbe": {"httpGet": {"path": "/", "port": 80, "httpHeaders": [{"name": "Authorization", "value": header}]}}});
        let template = json!({"metadata": {"labels": {"app": format!("app-{n}")}}, "spec": {"containers": [container],
            "initContainers": [{"name": "init", "image": "registry.invalid/init:1", "env": [{"name": "TOKEN", "value": init}]}]}});
        planted.push(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("app-{n}"), "annotations": annotations},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": format!("app-{n}")}}, "template": template}}));
    }
    planted
}

/// More than the 64 batches after which the server writes a segment: objects that come one by one may still share a batch.
const SEGMENT_OBJECTS: usize = 150;
/// How a zstd frame begins.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Every value of every table with the table's name; what is compressed is unpacked as the server does it.
fn unpacked(database: &Path) -> Vec<(String, Vec<u8>)> {
    let database = rusqlite::Connection::open(database).unwrap();
    let mut names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut values = Vec::new();
    for name in names {
        let mut all = database.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(column).unwrap() else {
                    continue;
                };
                let text =
                    if bytes.starts_with(&ZSTD) { zstd::decode_all(bytes).unwrap() } else { bytes.to_vec() };
                values.push((name.clone(), text));
            }
        }
    }
    values
}

/// Files below a folder that hold one of the needles.
fn search(folder: &Path, needles: &[Vec<u8>], found: &mut Vec<String>) {
    if folder.is_file() {
        let bytes = std::fs::read(folder).unwrap_or_default();
        if needles.iter().any(|needle| holds(&bytes, needle)) {
            found.push(folder.display().to_string());
        }
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    entries.flatten().for_each(|entry| search(&entry.path(), needles, found));
}

#[tokio::test]
async fn a_cluster_is_connected_shown_kept_secret_and_cut() {
    let Some(cluster) = Cluster::start("kubernetes::a_cluster_is_connected_shown_kept_secret_and_cut") else {
        return;
    };
    let mut server = Server::usual().await;
    let mut admin = server.admin().await;
    let plant_group = group(&admin, "plant").await;
    let id = format!("{plant_group}/providers/Microsoft.Kubernetes/connectedClusters/oven");
    // An operator may watch what holds secrets; their contents stay in the cluster even then.
    let kinds =
        ["v1/Node", "v1/Namespace", "v1/Pod", "apps/v1/Deployment", "v1/Event", "v1/Secret", "v1/ConfigMap"];
    let settings = format!("{plant_group}/providers/Microsoft.Bowline/agentSettings/default");
    let _ = admin
        .put(&settings, &json!({"properties": {"watchedKinds": kinds, "keepAliveSeconds": 5}}))
        .await
        .expect(201);
    let mut canaries = Canaries::default();
    let planted = plant(&mut canaries);
    let _ = cluster.kubectl(&["apply", "--server-side", "-f", "-"], &planted);

    let cli = Cli::default();
    cli.sign_in(&server);
    let said = cli.connect(&cluster);
    assert!(said.to_lowercase().contains("enrol"), "each step is shown: {said}");
    let agent = cluster.agent();
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    let facts = until("the first report", seconds(60), async || {
        let got = admin.get(&id).await.expect(200);
        got["properties"]["kubernetesVersion"].is_string().then_some(got)
    })
    .await;
    assert_eq!(facts["properties"]["totalNodeCount"], 0, "{facts}");
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "status": {"capacity": {"cpu": "8", "memory": "16Gi", "pods": "110"}}});
    let _ = cluster.kubectl(&["create", "-f", "-"], &[node]);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lone"}, "spec": {"containers": [{"name": "c", "image": "registry.invalid/c:1"}]}});
    let _ = cluster.kubectl(&["create", "-f", "-"], &[pod]);
    let lone = wait_for_object(&admin, &id, "&kind=Pod&name=lone").await;
    assert_eq!(
        lone["properties"]["object"]["spec"]["containers"][0]["image"], "registry.invalid/c:1",
        "{lone}"
    );
    let deployment = wait_for_object(&admin, &id, "&kind=Deployment&namespace=default&name=app-0").await;
    assert_eq!(deployment["properties"]["object"]["spec"]["replicas"], 1);
    let _ = wait_for_object(&admin, &id, "&kind=Node&name=node-1").await;
    let secret = wait_for_object(&admin, &id, "&kind=Secret&name=opaque-0").await;
    assert_eq!(secret["properties"]["object"]["type"], "Opaque", "{secret}");
    let _ = wait_for_object(&admin, &id, "&kind=Secret&name=sh.helm.release.v1.app.v0").await;
    let _ = wait_for_object(&admin, &id, "&kind=ConfigMap&name=settings-0").await;
    let _ = cluster.kubectl(&["delete", "pod", "lone", "--force", "--grace-period=0"], &[]);
    until_true("the deleted pod is gone", seconds(30), async || {
        objects(&admin, &id, "&kind=Pod&name=lone").await["value"] == json!([])
    })
    .await;
    until_true("the node is counted", seconds(90), async || {
        admin.get(&id).await.expect(200)["properties"]["totalNodeCount"] == 1
    })
    .await;

    nothing_secret(&server, &cluster, &admin, &id, &canaries).await;
    server.stop().await;
    nothing_secret_at_rest(&server, &cluster, &canaries, "observation");
    server.restart().await;
    admin.http = server.api().http;
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    // Enough batches for a segment of the log, so that one is on the disk too.
    for n in 0..SEGMENT_OBJECTS {
        let name = format!("tick-{n}");
        let _ = cluster.kubectl(&["create", "configmap", &name, "--validate=false"], &[]);
    }
    let _ = wait_for_object(&admin, &id, &format!("&kind=ConfigMap&name=tick-{}", SEGMENT_OBJECTS - 1)).await;
    server.stop().await;
    nothing_secret_at_rest(&server, &cluster, &canaries, "segment");
    server.restart().await;
    admin.http = server.api().http;
    wait_for_connectivity(&admin, &id, "Connected", 60).await;

    agent.freeze();
    wait_for_connectivity(&admin, &id, "Offline", 90).await;
    agent.thaw();
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    let late = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "after-the-cut"}});
    let _ = cluster.kubectl(&["create", "-f", "-"], &[late]);
    let _ = wait_for_object(&admin, &id, "&kind=Namespace&name=after-the-cut").await;
}

impl Canaries {
    /// What is searched for: each plainly, in base64, and in base64 twice.
    fn needles(&self) -> Vec<Vec<u8>> {
        assert!(self.0.len() >= 50, "{} planted", self.0.len());
        let each = self.0.iter().flat_map(|canary| {
            let once = STANDARD.encode(canary);
            [canary.clone(), once.clone(), STANDARD.encode(once)].map(String::into_bytes)
        });
        each.collect()
    }
}

/// None of the canaries is in an answer, on the server's disk or in a log.
async fn nothing_secret(server: &Server, cluster: &Cluster, admin: &Api, id: &str, canaries: &Canaries) {
    let listed = objects(admin, id, "").await;
    assert!(listed.get("nextLink").is_none(), "one page holds everything");
    let all = listed.to_string() + &admin.get(id).await.text;
    assert!(all.contains("DB_PASSWORD") && all.contains("registry.invalid/init:1"), "names are shown: {all}");
    let needles = canaries.needles();
    let told: Vec<_> = needles.iter().filter(|needle| holds(all.as_bytes(), needle)).collect();
    assert!(told.is_empty(), "answers hold {told:?}");
    nothing_secret_in_files(server, cluster, &needles);
}

fn nothing_secret_in_files(server: &Server, cluster: &Cluster, needles: &[Vec<u8>]) {
    let mut found = Vec::new();
    for place in [server.data(), server.log(), cluster.agent_log()] {
        assert!(place.exists());
        search(&place, needles, &mut found);
    }
    assert!(found.is_empty(), "secrets are in {found:?}");
}

/// None of the canaries is in what the stopped server has kept, unpacked; what is not secret is found in `table`, so that what
/// is secret would be.
fn nothing_secret_at_rest(server: &Server, cluster: &Cluster, canaries: &Canaries, table: &str) {
    let needles = canaries.needles();
    nothing_secret_in_files(server, cluster, &needles);
    let values = unpacked(&server.data().join("bowline.db"));
    let seen = values.iter().any(|(from, text)| from == table && holds(text, b"registry.invalid/init:1"));
    assert!(seen, "the table {table} holds the inventory");
    let holding = |(from, text): &(String, Vec<u8>)| {
        needles.iter().any(|needle| holds(text, needle)).then(|| from.clone())
    };
    let found: Vec<_> = values.iter().filter_map(holding).collect();
    assert!(found.is_empty(), "secrets are in the tables {found:?}");
}

//! A true node: the agent as a pod of its own image, installed and connected by one command, taken over by helm, killed in every way a
//! pod can be, and gone without a trace.

#[path = "node/kubectl.rs"]
mod kubectl;
#[path = "node/up.rs"]
mod up;

use std::path::Path;
use std::process::{Command, Output};

use bowline_e2e::api::Api;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::program::{clean, part};
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::{Value, json};

use crate::kubernetes::wait_for_connectivity;
use crate::tunnels::bind;
use kubectl::{containers, remote};

const TEST: &str = "node::an_agent_in_a_pod_is_installed_connected_used_killed_and_removed";
const NAMESPACE: &str = "bowline-system";
const NODE: &str = "node-1";

/// A cluster of one node with a server beside it.
struct Scene {
    cluster: Cluster,
    admin: Api,
    cli: Cli,
    id: String,
    helm: std::path::PathBuf,
    home: tempfile::TempDir,
    // Last, so that what it said is there when the others end.
    _server: Server,
}

impl Scene {
    async fn start() -> Option<Self> {
        let helm = part(TEST, "helm", "BOWLINE_HELM", &["helm"])?.join("helm");
        let cluster = Cluster::start_node(TEST)?;
        let server = Server::start(Options { address: Some(cluster.host()), ..Options::default() }).await;
        let admin = server.admin().await;
        let plant = group(&admin, "plant").await;
        let id = format!("{plant}/providers/Microsoft.Kubernetes/connectedClusters/oven");
        let cli = Cli::default();
        cli.sign_in(&server);
        let home = tempfile::tempdir().unwrap();
        Some(Self { cluster, admin, cli, id, helm, home, _server: server })
    }

    /// `bowline cluster connect` with the image that was brought to the node, and without helm.
    fn connect(&self, more: &[&str]) -> Output {
        let kubeconfig = self.cluster.kubeconfig().to_string_lossy().into_owned();
        let fixed = "cluster connect --name oven --group plant --installer manifest --image-repository localhost/bowline-agent";
        let mut arguments: Vec<&str> = fixed.split(' ').collect();
        arguments.extend(["--kubeconfig", &kubeconfig]);
        self.cli.run(&[&arguments, more].concat())
    }

    fn helm(&self, arguments: &[&str]) {
        let mut command = Command::new(&self.helm);
        clean(command.args(arguments)).env("HOME", self.home.path());
        command.env("KUBECONFIG", self.cluster.kubeconfig());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "helm {arguments:?}: {said}");
    }

    /// The agent's pod, if there is exactly one and it is ready.
    fn ready_pod(&self) -> Option<Value> {
        let pods = self.cluster.get(&["-n", NAMESPACE, "get", "pods"]);
        let [pod] = pods["items"].as_array()?.as_slice() else { return None };
        let conditions = pod["status"]["conditions"].as_array()?;
        let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        (ready && pod["metadata"]["deletionTimestamp"].is_null()).then(|| pod.clone())
    }

    async fn wait_ready(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = until(what, seconds(120), async || self.ready_pod().filter(|pod| wanted(pod))).await;
        wait_for_connectivity(&self.admin, &self.id, "Connected", 60).await;
        found
    }

    /// The next `bowline kubectl` works, and does so on a pod's containers.
    async fn carries(&self) {
        until_true("remote kubectl works again", seconds(60), async || {
            let got = self.kubectl(&["get", "nodes", "-o", "name"]).output().unwrap();
            String::from_utf8_lossy(&got.stdout).contains(NODE)
        })
        .await;
    }

    /// `bowline kubectl oven -- …`.
    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(&["kubectl", "oven", "--group", "plant", "--"]);
        let others = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{others}", self.cluster.programs().display());
        command.args(arguments).env("PATH", path);
        command
    }
}

/// Everything in the cluster, without what changes by itself: who it is, and what it says.
fn everything(cluster: &Cluster) -> Vec<(String, Value)> {
    let kinds = cluster.kubectl(&["api-resources", "--verbs=list", "-o", "name"], &[]);
    let passing = |kind: &&str| !kind.starts_with("events") && !kind.starts_with("leases");
    let kinds: Vec<&str> = kinds.lines().filter(passing).collect();
    let list = cluster.get(&["get", &kinds.join(","), "--all-namespaces"]);
    let mut found: Vec<_> = list["items"].as_array().unwrap().iter().map(steady).collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// [`everything`] once the controllers have made what every cluster has: nothing is new between two looks.
pub(crate) async fn settled(cluster: &Cluster) -> Vec<(String, Value)> {
    let usual = ["ConfigMap kube-system/kube-root-ca.crt", "ServiceAccount kube-system/default"];
    let mut last = Vec::new();
    until("the cluster has what every cluster has", seconds(60), async || {
        let now = everything(cluster);
        let whole = usual.iter().all(|name| now.iter().any(|(found, _)| found == name));
        let still = whole && now == last;
        last.clone_from(&now);
        still.then_some(now)
    })
    .await
}

fn steady(object: &Value) -> (String, Value) {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    for name in ["resourceVersion", "managedFields"] {
        let _ = metadata.remove(name);
    }
    if object["kind"] == "Node" {
        // Heartbeats, and the images that are on its disk.
        let _ = object.as_object_mut().unwrap().remove("status");
    }
    let of = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    let name = format!("{} {}/{}", object["kind"].as_str().unwrap_or_default(), of("namespace"), of("name"));
    (name, object)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_in_a_pod_is_installed_connected_used_killed_and_removed() {
    let Some(scene) = Scene::start().await else { return };
    let before = settled(&scene.cluster).await;
    // What came last tells where a failure was, also when its own words are lost.
    let begun = std::time::Instant::now();
    let done = |what: &str| println!("{what} after {:.1} s", begun.elapsed().as_secs_f64());
    install(&scene).await;
    done("installed");
    bind(&scene.cluster, "admin");
    containers(&scene).await;
    asked(&scene).await;
    done("asked");
    remote(&scene).await;
    done("used");
    killed(&scene).await;
    done("killed");
    evicted(&scene).await;
    done("evicted");
    power_cut(&scene).await;
    done("switched off twice");
    removed(&scene, &before).await;
    done("removed");
}

/// What a kubelet would set for the whole machine.
const KERNEL: [&str; 4] = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"];

#[tokio::test]
async fn a_node_leaves_nothing_on_the_machine_also_when_it_is_killed() {
    const TEST: &str = "node::a_node_leaves_nothing_on_the_machine_also_when_it_is_killed";
    let settings =
        || KERNEL.map(|name| std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default());
    let made = || {
        ["/var/lib/kubelet", "/run/containerd", "/var/log/containers"].map(|path| Path::new(path).exists())
    };
    let before = (settings(), made());
    let Some(mut cluster) = Cluster::start_node(TEST) else { return };
    let host = cluster.host();
    assert!(!cluster.remains(&host).is_empty() && !Cluster::groups(&host).is_empty());
    assert_eq!((settings(), made()), before, "while it runs");
    cluster.kill();
    until_true("the kernel has ended everything of it", seconds(20), async || {
        cluster.remains(&host).is_empty()
    })
    .await;
    assert_eq!((settings(), made()), before, "after it was killed");
    drop(cluster);
    let Some(mut cluster) = Cluster::start_node(TEST) else { return };
    let host = cluster.host();
    cluster.stop();
    let gone = || cluster.remains(&host).is_empty() && Cluster::groups(&host).is_empty();
    until_true("nothing is left of it", seconds(20), async || gone()).await;
    assert_eq!((settings(), made()), before, "after it was stopped");
}

/// As a user does it: one command. Its first try names an image that is nowhere, and says so.
async fn install(scene: &Scene) {
    let output = scene.connect(&["--image-tag", "nowhere", "--timeout", "40"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    for told in [
        "the image localhost/bowline-agent:nowhere cannot be pulled",
        "Failed to pull image",
        "--image-repository",
        "pod bowline-preflight-",
    ] {
        assert!(said.contains(told), "'{told}' is missing: {said}");
    }
    scene.cluster.import_agent();
    let output = scene.connect(&["--timeout", "120"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("Connected"), "{said}");
    let pod = scene.wait_ready("the agent's pod is ready", |_| true).await;
    let container = &pod["status"]["containerStatuses"][0];
    assert_eq!(container["restartCount"], 0, "{container}");
    let user = &pod["spec"]["securityContext"]["runAsUser"];
    assert_eq!(user, 65532, "it is not root");
    let again = scene.connect(&["--timeout", "60"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.success() && said.contains("nothing changed"), "{said}");
    // Helm takes over what the command applied, and starts nothing anew.
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/bowline-agent");
    let chart = chart.display().to_string();
    let image = "image.repository=localhost/bowline-agent";
    scene.helm(&["upgrade", "--install", "bowline-agent", &chart, "--namespace", NAMESPACE, "--set", image]);
    let same = scene.wait_ready("the same pod", |_| true).await;
    assert_eq!(same["metadata"]["uid"], pod["metadata"]["uid"], "it is the same pod after helm took over");
}

/// What runs on the node is in the answers.
async fn asked(scene: &Scene) {
    let query = "KubernetesObjects | where kind == 'Pod' and clusterName == 'oven' | where status.phase == 'Running' | project name, node = tostring(spec.nodeName)";
    until_true("the query shows the pods", seconds(30), async || {
        let said = scene.cli.succeed(&["query", query, "--output", "json"]);
        said.contains("bowline-agent-") && said.contains("\"shell\"") && said.contains(NODE)
    })
    .await;
}

/// `kill -9` of the process in the container: the kubelet starts it again.
async fn killed(scene: &Scene) {
    let pids = scene.cluster.processes("bowline-agent");
    assert_eq!(pids.len(), 1, "{pids:?}");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pids[0]), nix::sys::signal::Signal::SIGKILL).unwrap();
    let again = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"] == 1;
    let _ = scene.wait_ready("the killed container is there again", again).await;
    scene.carries().await;
}

/// An eviction: another pod takes its place.
async fn evicted(scene: &Scene) {
    let pod = scene.wait_ready("the pod to evict", |_| true).await;
    let name = pod["metadata"]["name"].as_str().unwrap();
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": NAMESPACE}});
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction");
    let _ = scene.cluster.kubectl(&["create", "--raw", &path, "-f", "-"], &[eviction]);
    let _ = scene.wait_ready("another pod", |other| other["metadata"]["uid"] != pod["metadata"]["uid"]).await;
    scene.carries().await;
}

/// The node is drained, loses its power, comes back and is used again.
async fn power_cut(scene: &Scene) {
    let drain = ["drain", NODE, "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=60s"];
    let _ = scene.cluster.kubectl(&drain, &[]);
    wait_for_connectivity(&scene.admin, &scene.id, "Offline", 30).await;
    scene.cluster.cut_power();
    let _ = scene.cluster.kubectl(&["uncordon", NODE], &[]);
    let drained = scene.wait_ready("the agent after the drain and the power cut", |_| true).await;
    scene.carries().await;
    // Once more, with the agent running on it: the same pod goes on.
    scene.cluster.cut_power();
    let again = |pod: &Value| {
        let containers = &pod["status"]["containerStatuses"][0];
        pod["metadata"]["uid"] == drained["metadata"]["uid"] && containers["restartCount"] != 0
    };
    let _ = scene.wait_ready("the agent after a power cut", again).await;
    scene.carries().await;
}

/// One command removes the agent, and the cluster is as it was.
async fn removed(scene: &Scene, before: &[(String, Value)]) {
    // What this test itself made.
    for object in ["clusterrolebinding/admin", "pod/web"] {
        let _ = scene.cluster.kubectl(&["delete", object, "--ignore-not-found", "--grace-period=1"], &[]);
    }
    let kubeconfig = scene.cluster.kubeconfig().to_string_lossy().into_owned();
    let disconnect = ["cluster", "disconnect", "--name", "oven", "--group", "plant", "--yes", "--kubeconfig"];
    let said = scene.cli.succeed(&[disconnect.as_slice(), &[&kubeconfig]].concat());
    assert!(said.contains("nothing of it is left there"), "{said}");
    is_as_before(&scene.cluster, before).await;
    assert_eq!(scene.admin.get(&scene.id).await.status, 404);
}

/// Every object is what it was.
pub(crate) async fn is_as_before(cluster: &Cluster, before: &[(String, Value)]) {
    let mut difference = String::new();
    let found = until_true("the cluster is as it was", seconds(60), async || {
        let after = everything(cluster);
        let other = |a: &[(String, Value)], b: &[(String, Value)]| -> Vec<String> {
            a.iter().filter(|one| !b.contains(one)).map(|(name, _)| name.clone()).collect()
        };
        difference = format!("gone: {:?}, new: {:?}", other(before, &after), other(&after, before));
        difference == "gone: [], new: []"
    });
    if tokio::time::timeout(seconds(50), found).await.is_err() {
        panic!("the cluster is not as it was: {difference}");
    }
}

//! Installing and removing the agent on a real control plane: with the real `helm` and with the manifest that was rendered from the
//! same chart, one after the other, and the same cluster before and after.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_e2e::api::Api;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::keys::Key;
use bowline_e2e::program::{clean, part};
use bowline_e2e::server::{Server, enrolment_token, group};
use bowline_e2e::wait::{seconds, until};
use serde_json::{Value, json};

use crate::kubernetes::wait_for_connectivity;
use crate::node::{is_as_before, settled};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/bowline-agent");
const IMAGE: [&str; 4] = ["--image-repository", "registry.example/bowline-agent", "--image-tag", "1.2.3"];

struct Scene {
    cluster: Cluster,
    cli: Cli,
    helm: PathBuf,
    home: tempfile::TempDir,
    server: Server,
}

impl Scene {
    async fn start(test: &str) -> Option<Self> {
        let helm = part(test, "helm", "BOWLINE_HELM", &["helm"])?.join("helm");
        let cluster = Cluster::start(test)?;
        let server = Server::usual().await;
        let _ = group(&server.admin().await, "plant").await;
        let cli = Cli::default();
        cli.sign_in(&server);
        Some(Self { cluster, cli, helm, home: tempfile::tempdir().unwrap(), server })
    }

    /// `bowline cluster …` on this cluster, with helm on the PATH; what it said, apart.
    fn bowline(&self, line: &str, more: &[&str]) -> (String, String) {
        let kubeconfig = self.cluster.kubeconfig().to_string_lossy().into_owned();
        let mut arguments: Vec<&str> = vec!["cluster"];
        arguments.extend(line.split(' '));
        arguments.extend(["--name", "oven", "--group", "plant", "--kubeconfig", &kubeconfig]);
        arguments.extend(more);
        let others = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{others}", self.helm.parent().unwrap().display());
        let mut command = self.cli.command(&arguments);
        let output = command.env("PATH", path).env("HOME", self.home.path()).output().unwrap();
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "bowline {arguments:?}: {out}{err}");
        (out, err)
    }

    fn helm(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.helm);
        clean(command.args(arguments)).env("HOME", self.home.path());
        let output = command.env("KUBECONFIG", self.cluster.kubeconfig()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "helm {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Objects of a stream of YAML, as kubectl reads them, in order of kind and name.
    fn objects(&self, yaml: &str) -> Vec<Value> {
        let file = self.home.path().join("manifest.yaml");
        std::fs::write(&file, yaml).unwrap();
        let file = file.display().to_string();
        let printed = self.cluster.kubectl(&["create", "--dry-run=client", "-o", "json", "-f", &file], &[]);
        let stream = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
        let mut objects: Vec<Value> = stream.map(Result::unwrap).collect();
        objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
        objects
    }

    fn releases(&self) -> Value {
        let list = self.helm(&["list", "--namespace", "bowline-system", "--output", "json"]);
        serde_json::from_str(&list).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_and_the_built_in_manifest_install_the_same_and_each_takes_over_from_the_other() {
    let Some(scene) = Scene::start("install").await else { return };
    let before = settled(&scene.cluster).await;

    // Both ways render the same objects, but for the marks that helm sets when it installs.
    let (manifest, _) = scene.bowline("connect --dry-run --installer manifest", &IMAGE);
    let rendered = scene.helm(&[
        "template",
        "bowline-agent",
        CHART,
        "--namespace",
        "bowline-system",
        "--kube-version",
        "1.30.0",
        "--set",
        "image.repository=registry.example/bowline-agent,image.tag=1.2.3",
    ]);
    let mut ours = scene.objects(&manifest);
    ours.retain(|object| object["kind"] != "Namespace");
    for object in &mut ours {
        let annotations = object["metadata"]["annotations"].as_object_mut().unwrap();
        annotations.retain(|name, _| !name.starts_with("meta.helm.sh/"));
        if annotations.is_empty() {
            let _ = object["metadata"].as_object_mut().unwrap().remove("annotations");
        }
    }
    assert_eq!(json!(ours), json!(scene.objects(&rendered)), "the chart changed: cargo xtask gen");
    is_as_before(&scene.cluster, &before).await;

    // Without helm, then helm takes over.
    let (_, said) = scene.bowline("connect --timeout 0 --installer manifest", &IMAGE);
    assert!(said.contains("by the built-in manifest"), "{said}");
    assert_eq!(scene.releases(), json!([]));
    let installed =
        |cluster: &Cluster| cluster.get(&["-n", "bowline-system", "get", "deployment", "bowline-agent"]);
    let generation = |cluster: &Cluster| installed(cluster)["metadata"]["generation"].clone();
    assert_eq!(generation(&scene.cluster), 1);
    let secret = scene.cluster.get(&["-n", "bowline-system", "get", "secret", "bowline-agent"]);
    assert!(secret["data"]["key.pem"].is_string(), "the manifest does not take the key away: {secret}");
    let (_, said) = scene.bowline("connect --timeout 0", &IMAGE);
    assert!(said.contains("nothing changed"), "{said}");
    assert_eq!(scene.releases()[0]["name"], "bowline-agent");
    let same = scene.cluster.get(&["-n", "bowline-system", "get", "secret", "bowline-agent"]);
    assert_eq!(same["data"], secret["data"], "helm does not take the key away either");
    let (_, said) = scene.bowline("disconnect --yes", &[]);
    assert!(said.contains("nothing of it is left there"), "{said}");
    is_as_before(&scene.cluster, &before).await;

    // With helm; somebody's own values go on when it is connected again, and a computer without helm changes nothing.
    let (_, said) = scene.bowline("connect --timeout 0 --installer helm", &IMAGE);
    assert!(said.contains("as the release bowline-agent"), "{said}");
    let mine = "nodeSelector.kubernetes\\.io/os=linux";
    let upgrade =
        ["upgrade", "bowline-agent", CHART, "--namespace", "bowline-system", "--reuse-values", "--set"];
    let _ = scene.helm(&[upgrade.as_slice(), &[mine]].concat());
    let (_, said) = scene.bowline("connect --timeout 0", &[]);
    assert!(said.contains("registry.example/bowline-agent"), "{said}");
    let deployment = installed(&scene.cluster);
    assert_eq!(
        deployment["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/os"], "linux",
        "{deployment}"
    );
    let kubeconfig = scene.cluster.kubeconfig().to_string_lossy().into_owned();
    let said = scene.cli.succeed(&[
        "cluster",
        "disconnect",
        "--name",
        "oven",
        "--group",
        "plant",
        "--yes",
        "--kubeconfig",
        &kubeconfig,
    ]);
    assert!(said.contains("nothing of it is left there"), "{said}");
    is_as_before(&scene.cluster, &before).await;
}

const MANIFEST: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/kubernetes/bowline-agent-enroll.yaml");

/// As Terraform or GitOps do it: a resource, a token, one manifest; and what helm makes of the same values.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_enrols_by_one_manifest_and_a_token() {
    const TEST: &str = "install::a_cluster_enrols_by_one_manifest_and_a_token";
    let Some(scene) = Scene::start(TEST).await else { return };
    let admin = scene.server.admin().await;
    let plant = group(&admin, "plant").await;
    let id = format!("{plant}/providers/Microsoft.Kubernetes/connectedClusters/oven");
    let wanted = json!({"location": "local", "tags": {"site": "7"}, "identity": {"type": "SystemAssigned"},
        "properties": {"agentPublicKeyCertificate": ""}});
    let made = admin.put(&id, &wanted).await.expect(201);
    assert_eq!(made["properties"]["connectivityStatus"], "AgentNotInstalled");
    let principal =
        made["identity"]["principalId"].as_str().expect("roles can be given to it already").to_owned();

    let token = enrolment_token(&admin, &plant, "oven", 1).await;
    let ca = STANDARD.encode(std::fs::read(scene.server.ca()).unwrap());
    let (url, mut manifest) = (scene.server.url(), std::fs::read_to_string(MANIFEST).unwrap());
    let values = [
        ("IMAGE_REPOSITORY", "image.repository", "registry.example/bowline-agent"),
        ("IMAGE_TAG", "image.tag", "1.2.3"),
        ("SERVER", "server", &url),
        ("CA_CERTIFICATE", "caCertificate", &ca),
        ("RESOURCE_ID", "resourceId", &id),
        ("LOCATION", "location", "local"),
        ("ENROLLMENT_TOKEN", "enrollmentToken", &token),
    ];
    for (name, _, value) in values {
        manifest = manifest.replace(&format!("${{BOWLINE_{name}}}"), value);
    }
    assert!(!manifest.contains("${"), "{manifest}");
    let pairs: Vec<String> = values.iter().map(|(_, name, value)| format!("{name}={value}")).collect();
    let pairs = pairs.join(",");
    let rendered =
        scene.helm(&["template", "bowline-agent", CHART, "--kube-version", "1.30.0", "--set-string", &pairs]);
    let (ours, helms) = (scene.objects(&manifest), scene.objects(&rendered));
    let without_digest = |objects: Vec<Value>| -> Vec<Value> {
        let forget = |mut object: Value| {
            if let Some(annotations) = object.pointer_mut("/spec/template/metadata/annotations") {
                annotations["bowline.dev/onboarding"] = Value::Null;
            }
            object
        };
        objects.into_iter().map(forget).collect()
    };
    assert_eq!(json!(without_digest(ours)), json!(without_digest(helms)), "helm alone gives the same");
    let file = scene.home.path().join("manifest.yaml").display().to_string();
    std::fs::write(&file, &manifest).unwrap();
    let _ = scene.cluster.kubectl(&["apply", "-f", &file], &[]);

    let mut agent = scene.cluster.installed_agent();
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    let found = admin.get(&id).await.expect(200);
    assert_eq!(
        (&found["tags"], &found["identity"]["principalId"]),
        (&json!({"site": "7"}), &json!(principal))
    );
    let key = found["properties"]["agentPublicKeyCertificate"].as_str().unwrap().to_owned();
    assert!(!key.is_empty(), "the agent registered a key that it made in the cluster");
    // The template once more: it says nothing of the key, and changes nothing of it.
    let again = admin.put(&id, &wanted).await.expect(200);
    assert_eq!(again["properties"]["agentPublicKeyCertificate"], key.as_str());
    assert_eq!(again["properties"]["connectivityStatus"], "Connected");
    // A restart takes nothing anew, and the token was used once.
    agent.kill();
    let _agent = scene.cluster.installed_agent();
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    let token = format!("{plant}/providers/Microsoft.Bowline/enrollmentTokens/oven");
    assert_eq!(admin.get(&token).await.expect(200)["properties"]["uses"], 1);
    // A token takes over nothing.
    let holder = admin.with(&enrolment_token(&admin, &plant, "other", 1).await);
    let body = json!({"properties": {"agentPublicKeyCertificate": Key::generate().public()}});
    holder.patch(&id, &body).await.refused(409, "ResourceNameInUse");
}

/// A cluster's name is its own while it is connected, and away.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_never_takes_over_anothers_name() {
    let Some(cluster) = Cluster::start("install::a_cluster_never_takes_over_anothers_name") else { return };
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id =
        format!("{}/providers/Microsoft.Kubernetes/connectedClusters/oven", group(&admin, "plant").await);
    let cli = Cli::default();
    cli.sign_in(&server);
    let _ = cli.connect(&cluster);
    let mut agent = cluster.agent();
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    let own =
        cluster.get(&["get", "namespace", "kube-system"])["metadata"]["uid"].as_str().unwrap().to_owned();
    let resource = until("the agent's own word on which cluster it is", seconds(30), async || {
        let found = admin.get(&id).await.expect(200);
        let properties = &found["properties"];
        (properties["miscellaneousProperties"]["kubeSystemUid"] == own.as_str()
            && properties["totalNodeCount"].is_number())
        .then_some(found)
    })
    .await;
    let key = resource["properties"]["agentPublicKeyCertificate"].as_str().unwrap().to_owned();
    let other = Key::generate().public();
    let put = async |key: &str, headers: &[(&'static str, &str)]| {
        let body = json!({"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {"agentPublicKeyCertificate": key}});
        let request = admin.request(reqwest::Method::PUT, &id).json(&body);
        Api::send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let refused = |answer: &bowline_e2e::api::Answer, why: &str| {
        let error = &answer.body["error"];
        let message = error["message"].as_str().unwrap_or_default();
        assert_eq!(
            (answer.status, error["code"].as_str()),
            (409, Some("ClusterNameInUse")),
            "{}",
            answer.text
        );
        for told in [why, "generic", "nodes: ", "last contact 20", "X-Bowline-Replace: true"] {
            assert!(message.contains(told), "'{told}' is missing: {message}");
        }
    };

    // As `az connectedk8s connect` does it the second time: the key that GET returned.
    assert_eq!(put(&key, &[]).await.status, 200);
    assert_eq!(put(&key, &[("x-bowline-cluster", &own)]).await.status, 200);
    refused(&put(&other, &[]).await, "brings another key");
    refused(&put(&other, &[("x-bowline-cluster", &own)]).await, "brings another key");
    refused(&put(&key, &[("x-bowline-cluster", "another")]).await, "comes from another cluster");

    // Away, another cluster still cannot have it; the same one, built anew, can.
    agent.kill();
    wait_for_connectivity(&admin, &id, "Offline", 30).await;
    refused(&put(&other, &[("x-bowline-cluster", "another")]).await, "comes from another cluster");
    assert_eq!(put(&other, &[("x-bowline-cluster", &own)]).await.status, 200);
    let replace = [("x-bowline-cluster", "another"), ("x-bowline-replace", "true")];
    assert_eq!(put(&Key::generate().public(), &replace).await.status, 200);
    let taken = admin.get(&id).await.expect(200);
    assert_eq!(taken["properties"]["miscellaneousProperties"]["kubeSystemUid"], "another");
}

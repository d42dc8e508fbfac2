//! What `az connectedk8s connect` does against a custom cloud, step by step, by a client of our own with the real `helm`: create
//! the resource with a key of the client's, ask the data plane for chart and values, pull, install. Then the agent runs as the
//! chart would run it, replaces the key, and survives an upgrade of the release.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_e2e::api::Api;
use bowline_e2e::cluster::Cluster;
use bowline_e2e::program::{binary, clean, part};
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

struct Helm {
    program: PathBuf,
    home: tempfile::TempDir,
    kubeconfig: PathBuf,
    ca: PathBuf,
}

impl Helm {
    fn run(&self, arguments: &[String]) -> Output {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("HOME", self.home.path())
            .env("XDG_CACHE_HOME", self.home.path().join("cache"));
        command.env("KUBECONFIG", &self.kubeconfig).env("SSL_CERT_FILE", &self.ca);
        for foreign in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(foreign);
        }
        command.output().unwrap()
    }

    fn succeed(&self, arguments: &[String]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "helm {arguments:?}: {said}");
        said
    }
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = clean(Command::new("openssl").args(arguments)).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The key pair of the client: PKCS#1 both ways, as it sends them.
fn key_pair(folder: &Path) -> (String, String) {
    let file = folder.join("key.pem").to_string_lossy().into_owned();
    let _ = openssl(&["genrsa", "-traditional", "-out", &file, "4096"]);
    let public = openssl(&["rsa", "-in", &file, "-RSAPublicKey_out", "-outform", "DER"]);
    (std::fs::read_to_string(&file).unwrap(), STANDARD.encode(public))
}

/// An image of the agent as it was built for these tests.
fn image(folder: &Path) -> PathBuf {
    let out = folder.join("image");
    let xtask = std::env::var_os("BOWLINE_XTASK").map_or_else(|| binary("xtask"), PathBuf::from);
    let mut command = Command::new(xtask);
    command.arg("image").arg("--out").arg(&out).arg("--binary").arg(binary("bowline-agent"));
    let output = clean(&mut command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// What that client sets, beside what the server tells it to set.
fn sets(server: &Server, cluster: &Value, key: &str, told: &Value) -> Vec<String> {
    let url = server.url();
    let id = cluster["id"].as_str().unwrap();
    let segments: Vec<&str> = id.split('/').collect();
    let host = "localhost";
    let mut pairs = vec![
        ("global.subscriptionId".to_owned(), segments[2].to_owned()),
        ("global.resourceGroupName".to_owned(), segments[4].to_owned()),
        ("global.resourceName".to_owned(), segments[8].to_owned()),
        ("global.location".to_owned(), cluster["location"].as_str().unwrap().to_owned()),
        ("global.tenantId".to_owned(), cluster["identity"]["tenantId"].as_str().unwrap().to_owned()),
        ("global.kubernetesDistro".to_owned(), "generic".to_owned()),
        ("global.kubernetesInfra".to_owned(), "generic".to_owned()),
        ("global.onboardingPrivateKey".to_owned(), key.to_owned()),
        ("global.azureEnvironment".to_owned(), "BOWLINE".to_owned()),
        ("global.kubeAadEndpoint".to_owned(), url.clone()),
        ("systemDefaultValues.spnOnboarding".to_owned(), "false".to_owned()),
        ("systemDefaultValues.azureResourceManagerEndpoint".to_owned(), url.clone()),
        (
            "systemDefaultValues.azureArcAgents.config_dp_endpoint_override".to_owned(),
            format!("{url}/dataplane/config"),
        ),
        ("systemDefaultValues.clusterconnect-agent.enabled".to_owned(), "true".to_owned()),
        (
            "systemDefaultValues.clusterconnect-agent.notification_dp_endpoint_override".to_owned(),
            format!("{url}/dataplane/notification"),
        ),
        (
            "systemDefaultValues.clusterconnect-agent.relay_endpoint_suffix_override".to_owned(),
            ".relay.invalid".to_owned(),
        ),
        (
            "systemDefaultValues.clusteridentityoperator.his_endpoint_override".to_owned(),
            format!("{url}/dataplane/identity/discovery?location=local&api-version=1.0-preview"),
        ),
        ("systemDefaultValues.activeDirectoryEndpoint".to_owned(), url.clone()),
        ("systemDefaultValues.image.repository".to_owned(), host.to_owned()),
    ];
    let told = told.as_object().unwrap().iter();
    pairs.extend(told.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())));
    pairs.into_iter().flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]).collect()
}

struct Connected {
    server: Server,
    admin: Api,
    cluster: Cluster,
    helm: Helm,
    folder: tempfile::TempDir,
    id: String,
    key: String,
    public_key: String,
}

impl Connected {
    /// Creates the resource as the client does.
    async fn create(test: &str) -> Option<Self> {
        let program = part(test, "helm", "BOWLINE_HELM", &["helm"])?.join("helm");
        let cluster = Cluster::start(test)?;
        let folder = tempfile::tempdir().unwrap();
        let agent_image = Some(image(folder.path()));
        let server = Server::start(Options { agent_image, ..Options::default() }).await;
        let admin = server.admin().await;
        let id = format!("{}/providers/Microsoft.Kubernetes/connectedClusters/c1", group(&admin, "g").await);
        let (key, public_key) = key_pair(folder.path());
        let helm = Helm {
            program,
            home: tempfile::tempdir().unwrap(),
            kubeconfig: cluster.kubeconfig().to_owned(),
            ca: server.ca(),
        };
        Some(Self { server, admin, cluster, helm, folder, id, key, public_key })
    }

    async fn put(&self) -> Value {
        let body = json!({"location": "local", "identity": {"type": "SystemAssigned"}, "properties":
            {"agentPublicKeyCertificate": self.public_key, "distribution": "generic", "infrastructure": "generic"}});
        let path = format!("{}?api-version=2024-07-01-preview", self.id);
        let answer = self.admin.put(&path, &body).await;
        assert!(matches!(answer.status, 200 | 201), "that client refuses 202: {}", answer.text);
        answer.body
    }

    /// Asks the data plane, pulls the chart and installs it; gives what the server told to set.
    async fn install(&self, cluster: &Value) -> Value {
        let data_plane = "/dataplane/config/azure-arc-k8sagents";
        let version = "api-version=2024-07-01-preview";
        self.admin.post(&format!("{data_plane}/healthCheck?{version}"), &json!({})).await.expect(200);
        let settings = self
            .admin
            .post(&format!("{data_plane}/GetHelmSettings?{version}&releaseTrain=stable"), cluster)
            .await
            .expect(200);
        let path = settings["repositoryPath"].as_str().unwrap();
        let (repository, tag) = path.split_once(':').expect("a repository and a version, and no port");
        assert_eq!(repository, "localhost/azure-arc-k8sagents");
        let charts = self.folder.path().join("charts");
        let _ = std::fs::remove_dir_all(&charts);
        // The client's own spelling of the path; the port is what the wrapper of `bowline env` adds.
        let chart = format!("oci://localhost:{}/v2/azure-arc-k8sagents", self.server.port);
        let untar = ["--untar", "--untardir"].map(str::to_owned);
        let mut pull = vec!["pull".to_owned(), chart, "--version".to_owned(), tag.to_owned()];
        pull.extend(untar);
        pull.push(charts.display().to_string());
        let _ = self.helm.succeed(&pull);
        let mut upgrade = vec!["upgrade".to_owned(), "--install".to_owned(), "azure-arc".to_owned()];
        upgrade.push(charts.join("azure-arc-k8sagents").display().to_string());
        upgrade.extend(["--namespace", "azure-arc-release", "--create-namespace"].map(str::to_owned));
        upgrade.extend(sets(&self.server, cluster, &self.key, &settings["helmValuesContent"]));
        let _ = self.helm.succeed(&upgrade);
        settings["helmValuesContent"].clone()
    }

    async fn wait_connected(&self) -> Value {
        until("the cluster to be Connected with its facts", seconds(40), async || {
            let found = self.admin.get(&self.id).await.expect(200);
            let properties = &found["properties"];
            (properties["connectivityStatus"] == "Connected" && properties["kubernetesVersion"].is_string())
                .then_some(found)
        })
        .await
    }

    /// The chart and the manifest for hand-made installations give the same rights.
    fn compare_rights(&self) {
        let manifest =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kubernetes/bowline-agent-rbac.yaml");
        let manifest = manifest.display().to_string();
        let dry = ["create", "--dry-run=client", "-o", "json", "-f", &manifest];
        let printed = self.cluster.kubectl(&dry, &[]);
        let mut compared = 0;
        // One document after another.
        for object in serde_json::Deserializer::from_str(&printed).into_iter::<Value>() {
            let object = object.unwrap();
            let (kind, name) =
                (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            if !kind.ends_with("Role") {
                continue;
            }
            let found = self.cluster.get(&["-n", "bowline-system", "get", kind, name]);
            assert_eq!(found["rules"], object["rules"], "{kind} {name}");
            compared += 1;
        }
        assert_eq!(compared, 3);
    }

    fn key_in_cluster(&self) -> String {
        let secret = self.cluster.get(&["-n", "bowline-system", "get", "secret", "bowline-agent"]);
        let key = secret["data"]["key.pem"].as_str().unwrap_or_default();
        String::from_utf8(STANDARD.decode(key).unwrap()).unwrap()
    }
}

/// What a registry answered, byte by byte.
struct Pulled {
    status: u16,
    headers: reqwest::header::HeaderMap,
    bytes: Vec<u8>,
}

impl Pulled {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Code and message of the error.
    fn refused(&self) -> (u16, String, String) {
        let body: Value = serde_json::from_slice(&self.bytes).unwrap();
        let text = |member: &str| body["errors"][0][member].as_str().unwrap().to_owned();
        (self.status, text("code"), text("message"))
    }
}

async fn pull(api: &Api, path: &str, range: Option<&str>) -> Pulled {
    let mut request = api.http.get(format!("{}{path}", api.base));
    if let Some(range) = range {
        request = request.header("range", range);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Pulled { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_onboarded_by_the_steps_of_az_connectedk8s() {
    let Some(world) = Connected::create("arc_connect").await else { return };
    let cluster = world.put().await;
    let told = world.install(&cluster).await;
    assert_eq!(told["principalId"], cluster["identity"]["principalId"]);
    let releases =
        world.helm.succeed(&["list", "-a", "--all-namespaces", "--output", "json"].map(str::to_owned));
    assert!(releases.contains("azure-arc") && releases.contains("deployed"), "{releases}");

    world.compare_rights();
    // What that client reads when it is run again.
    let map = world.cluster.get(&["-n", "azure-arc", "get", "configmap", "azure-clusterconfig"]);
    assert_eq!(
        (&map["data"]["AZURE_RESOURCE_GROUP"], &map["data"]["AZURE_RESOURCE_NAME"]),
        (&json!("g"), &json!("c1"))
    );

    // The pod is admitted under the strictest pod security; there is no node to run it.
    let pods = until("a pod of the agent", seconds(30), async || {
        let pods = world.cluster.get(&["-n", "bowline-system", "get", "pods"]);
        pods["items"].get(0).cloned()
    })
    .await;
    let wanted = format!("localhost:{}/bowline-agent:{}", world.server.port, env!("CARGO_PKG_VERSION"));
    assert_eq!(pods["spec"]["containers"][0]["image"], wanted.as_str());

    let _agent = world.cluster.installed_agent();
    let _ = world.wait_connected().await;
    until_true("the agent to replace the key that came from outside", seconds(30), async || {
        let key = world.key_in_cluster();
        let registered = world.admin.get(&world.id).await.expect(200);
        !key.contains("RSA")
            && key.contains("PRIVATE KEY")
            && registered["properties"]["agentPublicKeyCertificate"] != world.public_key.as_str()
    })
    .await;

    // Run again, the client installs nothing and PUTs the key that GET returned.
    let own = world.key_in_cluster();
    let again = world.admin.get(&world.id).await.expect(200);
    let path = format!("{}?api-version=2024-07-01-preview", world.id);
    let renewed = world.admin.put(&path, &again).await.expect(200);
    assert_eq!(renewed["properties"]["connectivityStatus"], "Connected", "{renewed}");
    // The same release again: the agent's own key stays, and so does the session.
    let _ = world.install(&again).await;
    assert_eq!(world.key_in_cluster(), own);
    let _ = world.wait_connected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_can_be_pulled_whole_and_in_parts_and_nothing_can_be_pushed() {
    let folder = tempfile::tempdir().unwrap();
    let agent_image = Some(image(folder.path()));
    let server = Server::start(Options { agent_image, ..Options::default() }).await;
    let api = server.api();
    assert_eq!(pull(&api, "/v2/", None).await.status, 200);
    let manifest =
        pull(&api, &format!("/v2/bowline-agent/manifests/{}", env!("CARGO_PKG_VERSION")), None).await;
    assert_eq!(manifest.status, 200);
    assert_eq!(manifest.header("content-type"), "application/vnd.oci.image.manifest.v1+json");
    let digest = format!("sha256:{}", hex(&manifest.bytes));
    assert_eq!(manifest.header("docker-content-digest"), digest);
    let by_digest = pull(&api, &format!("/v2/bowline-agent/manifests/{digest}"), None).await;
    assert_eq!(by_digest.bytes, manifest.bytes);
    let parsed: Value = serde_json::from_slice(&manifest.bytes).unwrap();
    let layer = parsed["layers"][0]["digest"].as_str().unwrap();
    let path = format!("/v2/bowline-agent/blobs/{layer}");
    let whole = pull(&api, &path, None).await.bytes;
    assert_eq!(format!("sha256:{}", hex(&whole)), layer);
    let rest = pull(&api, &path, Some("bytes=1000-")).await;
    assert_eq!((rest.status, &rest.bytes[..]), (206, &whole[1000..]));
    assert_eq!(pull(&api, &path, Some("bytes=99999999999-")).await.status, 416);
    for (path, code) in [
        ("/v2/bowline-agent/manifests/9.9.9", "MANIFEST_UNKNOWN"),
        ("/v2/bowline-agent/blobs/sha256:00", "BLOB_UNKNOWN"),
        ("/v2/nothing/manifests/1", "NAME_UNKNOWN"),
        ("/v2/nothing", "NAME_INVALID"),
    ] {
        let (status, found, _) = pull(&api, path, None).await.refused();
        assert_eq!((status, found.as_str()), (404, code), "{path}");
    }
    let pushed = Api::send(api.http.post(format!("{}/v2/bowline-agent/blobs/uploads/", api.base))).await;
    assert_eq!((pushed.status, pushed.body["errors"][0]["code"].as_str()), (405, Some("UNSUPPORTED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_plane_says_what_it_does_not_understand() {
    let server = Server::usual().await;
    let anonymous = server.api();
    let path = "/dataplane/config/azure-arc-k8sagents/GetHelmSettings?api-version=2024-07-01-preview";
    for (body, code) in [
        (json!({}), "InvalidRequestContent"),
        (json!({"identity": {"principalId": "no guid"}}), "InvalidRequestContent"),
        (json!({"id": "/subscriptions/a,b=c", "identity": {}}), "InvalidRequestContent"),
    ] {
        let answer = anonymous.post(path, &body).await;
        assert_eq!((answer.status, answer.body["error"]["code"].as_str()), (400, Some(code)), "{body}");
    }
    let path =
        "/dataplane/config/azure-arc-k8sagents/GetLatestHelmPackagePath?api-version=2019-11-01-preview";
    let latest = anonymous.post(path, &json!({})).await;
    assert!(
        latest.expect(200)["repositoryPath"]
            .as_str()
            .unwrap()
            .starts_with("localhost/azure-arc-k8sagents:1.")
    );
    let (status, _, message) = pull(&anonymous, "/v2/bowline-agent/manifests/latest", None).await.refused();
    assert!(status == 404 && message.contains("cargo xtask image"), "{message}");
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

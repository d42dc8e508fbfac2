//! A tunnel over three servers: one holds the agent's session, one gets its WebSocket, one is asked by the caller. Each is killed in turn.
//!
//! What is behind the real API server is a stand-in for a kubelet: it streams the bytes of the copy as a pod's log, and echoes what comes over the
//! upgraded connection of its `exec`. The API server's own part of both is real.

use bowline_e2e::api::Api;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::kubelet::{Kubelet, digest};
use bowline_e2e::postgres::{Postgres, postgres};
use bowline_e2e::program::{Program, free_port};
use bowline_e2e::proxy::Switch;
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until, until_true};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::kubernetes::wait_for_connectivity;
use crate::tunnels::bind;

const TEST: &str = "tunnel_servers::each_of_three_servers_is_killed_in_turn";
/// The copy of every run; `BOWLINE_COPY_MIB=1024` for the long one.
const COPY_MIB: u64 = 96;
/// More than is ever read before it is cut.
const ENDLESS: u64 = 1 << 40;
/// The servers by what they do.
const SESSION: usize = 0;
const SOCKET: usize = 1;
const CALLER: usize = 2;

struct Scene {
    agent: Program,
    cluster: Cluster,
    servers: Vec<Server>,
    at: Vec<Api>,
    switch: Switch,
    id: String,
    database: String,
    postgres: &'static Postgres,
    /// Asks by HTTP/1.1, which can be left.
    http: reqwest::Client,
}

impl Scene {
    async fn start() -> Option<Self> {
        let postgres = postgres(TEST)?;
        let cluster = Cluster::start(TEST)?;
        let database = postgres.database();
        let ports = [free_port(), free_port(), free_port()];
        let switch = Switch::new(ports[SESSION]).await;
        let options = |first: Option<&Server>| Options {
            database: Some(database.clone()),
            public_url: Some(format!("https://localhost:{}", switch.port)),
            restart_grace: 60,
            root_key: first.map(|first| first.data().join("root.key")),
            authority_of: first.map(Server::data),
            // Connections without a request end soon, so that the next one goes where the balancer leads.
            extra: ["--head-seconds", "1", "--peer-listen"]
                .map(str::to_owned)
                .into_iter()
                .chain([peer()])
                .collect(),
            ..Options::default()
        };
        let mut servers = vec![Server::start_at(ports[0], options(None)).await];
        for port in &ports[1..] {
            let next = options(Some(&servers[0]));
            servers.push(Server::start_at(*port, next).await);
        }
        let admin = servers[CALLER].admin().await;
        let bearer = admin.bearer.clone().unwrap();
        let at: Vec<_> = servers.iter().map(|server| server.api().with(&bearer)).collect();
        let plant = group(&admin, "plant").await;
        let cli = Cli::default();
        cli.sign_in(&servers[0]);
        let _ = cli.connect(&cluster);
        bind(&cluster, "admin");
        let kubelet = Kubelet::start(&servers[0].data()).await;
        let _ = cluster.kubectl(&["create", "-f", "-"], &kubelet.objects());
        let agent = cluster.agent();
        let id = format!("{plant}/providers/Microsoft.Kubernetes/connectedClusters/oven");
        wait_for_connectivity(&at[CALLER], &id, "Connected", 60).await;
        let ca = std::fs::read(servers[0].ca()).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca).unwrap())
            .no_proxy()
            .http1_only()
            .build()
            .unwrap();
        Some(Self { agent, cluster, servers, at, switch, id, database, postgres, http })
    }

    fn request(&self, server: usize, path: &str) -> reqwest::RequestBuilder {
        let Api { base, bearer, .. } = &self.at[server];
        self.http.get(format!("{base}{}/proxy{path}", self.id)).bearer_auth(bearer.as_deref().unwrap())
    }

    /// So many bytes from the stand-in, through a server.
    async fn copy(&self, server: usize, bytes: u64) -> reqwest::Result<reqwest::Response> {
        let path = format!("/api/v1/namespaces/default/pods/web/log?limitBytes={bytes}");
        self.request(server, &path).send().await?.error_for_status()
    }

    /// The connection of a pod's exec, which echoes.
    async fn exec(&self, server: usize) -> reqwest::Upgraded {
        let path = "/api/v1/namespaces/default/pods/web/exec?command=cat&stdin=true&stdout=true";
        let request = self
            .request(server, path)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
            .header("sec-websocket-protocol", "v4.channel.k8s.io");
        let answer = request.send().await.unwrap();
        let status = answer.status();
        if status != 101 {
            panic!("exec answered {status}: {}", answer.text().await.unwrap_or_default());
        }
        answer.upgrade().await.unwrap()
    }

    /// Waits until a request through a server is answered by the API server.
    async fn works(&self, server: usize, within: u64) {
        until_true("the next request works", seconds(within), async || {
            let answer = self.request(server, "/version").timeout(seconds(15)).send().await;
            match answer {
                Ok(answer) if answer.status() == 200 => {
                    answer.text().await.is_ok_and(|text| text.contains("gitVersion"))
                }
                _ => false,
            }
        })
        .await;
    }

    /// The port of the server that holds the session, as the database says.
    fn holder(&self) -> Option<u16> {
        let question =
            "SELECT s.name FROM attachment a JOIN server s ON s.id = a.server WHERE a.resource LIKE '%oven'";
        self.postgres.ask(&self.database, question).trim().rsplit(':').next()?.parse().ok()
    }

    /// Waits until nothing but the session is left of the agent's connections to a server, so that the tunnel needs a new one.
    async fn only_the_session(&self, server: usize) {
        until_true("the agent's spare connections end", seconds(20), async || {
            let metrics = self.at[server].http.get(format!("{}/metrics", self.at[server].base)).send().await;
            let text = metrics.unwrap().text().await.unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("bowline_server_connections "));
            // The session, and who asks.
            line.unwrap().trim().parse::<f64>().unwrap() <= 2.0
        })
        .await;
    }

    fn said(&self, server: usize, what: &str) -> bool {
        std::fs::read_to_string(self.servers[server].log()).unwrap_or_default().contains(what)
    }
}

fn peer() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// A stream that goes on until it is cut.
async fn flowing(answer: &mut reqwest::Response, bytes: usize) {
    let mut read = 0;
    while read < bytes {
        let chunk = tokio::time::timeout(seconds(20), answer.chunk()).await.expect("the stream flows");
        read += chunk.unwrap().expect("it has not ended").len();
    }
}

/// The stream ends with an error, and not as if it were complete.
async fn breaks(mut answer: reqwest::Response) {
    let ending = async {
        loop {
            match answer.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a part was taken for the whole"),
                Err(_) => return,
            }
        }
    };
    tokio::time::timeout(seconds(30), ending).await.expect("the stream ends");
}

async fn echoes(io: &mut reqwest::Upgraded, text: &str) {
    io.write_all(text.as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    let mut back = vec![0; text.len()];
    let read = tokio::time::timeout(seconds(20), io.read_exact(&mut back)).await.expect("the echo comes");
    let _ = read.unwrap();
    assert_eq!(back, text.as_bytes());
}

async fn ends(mut io: reqwest::Upgraded) {
    let mut buffer = [0; 64];
    let read = tokio::time::timeout(seconds(30), io.read(&mut buffer)).await.expect("the stream ends");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_three_servers_is_killed_in_turn() {
    let Some(mut scene) = Scene::start().await else { return };
    let port = |scene: &Scene, server: usize| scene.servers[server].port;
    assert_eq!(scene.holder(), Some(port(&scene, SESSION)), "the first server holds the session");
    scene.switch.lead(port(&scene, SOCKET));
    scene.only_the_session(SESSION).await;

    let mut exec = scene.exec(CALLER).await;
    assert!(
        scene.said(SOCKET, "a tunnel for another server is carried"),
        "the WebSocket is on the second server"
    );
    assert!(scene.said(CALLER, "a tunnel is open"), "the third one speaks through it");
    assert_eq!(scene.holder(), Some(port(&scene, SESSION)));
    echoes(&mut exec, "hello over three servers").await;
    copied(&scene).await;
    strangers(&scene).await;

    // The server with the WebSocket.
    let mut answer = scene.copy(CALLER, ENDLESS).await.unwrap();
    flowing(&mut answer, 1 << 20).await;
    scene.servers[SOCKET].kill();
    tokio::join!(breaks(answer), ends(exec));
    scene.switch.lead(port(&scene, SESSION));
    scene.works(CALLER, 30).await;
    scene.servers[SOCKET].restart().await;

    // The server with the session: the tunnel is another one's, and carries on.
    scene.switch.lead(port(&scene, SOCKET));
    scene.agent.kill();
    scene.agent = scene.cluster.agent();
    until_true("the second server holds the session", seconds(60), async || {
        scene.holder() == Some(port(&scene, SOCKET))
    })
    .await;
    scene.switch.lead(port(&scene, SESSION));
    scene.only_the_session(SOCKET).await;
    scene.works(CALLER, 30).await;
    let mut answer = scene.copy(CALLER, ENDLESS).await.unwrap();
    let mut exec = scene.exec(CALLER).await;
    flowing(&mut answer, 1 << 20).await;
    scene.servers[SOCKET].kill();
    flowing(&mut answer, 1 << 20).await;
    echoes(&mut exec, "still there").await;
    scene.works(CALLER, 30).await;
    until_true("another server has the session", seconds(60), async || {
        scene.holder() == Some(port(&scene, SESSION))
    })
    .await;

    // The server that the caller asks.
    scene.servers[CALLER].kill();
    tokio::join!(breaks(answer), ends(exec));
    scene.works(SESSION, 30).await;
}

/// Every byte of a copy arrives.
async fn copied(scene: &Scene) {
    let mib = std::env::var("BOWLINE_COPY_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(COPY_MIB);
    let bytes: u64 = mib << 20;
    let begun = std::time::Instant::now();
    let mut answer = scene.copy(CALLER, bytes).await.unwrap();
    let (mut hash, mut read) = (Sha256::new(), 0);
    while let Some(chunk) = answer.chunk().await.unwrap() {
        hash.update(&chunk);
        read += chunk.len() as u64;
    }
    let took = begun.elapsed();
    println!("{mib} MiB over three servers in {:.1} s", took.as_secs_f64());
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((read, found), (bytes, digest(bytes)));
}

/// The listener for servers talks to servers, and to nobody else.
async fn strangers(scene: &Scene) {
    let listed = scene.at[CALLER].get("/providers/Microsoft.Bowline/servers").await.expect(200);
    let addresses: Vec<String> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| server["properties"]["peer"]["address"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(addresses.len(), 3, "{listed}");
    assert!(!listed.to_string().contains("certificate"), "{listed}");
    let anybody =
        reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build().unwrap();
    for address in addresses {
        let asked = anybody.post(format!("https://{address}/v1/summon")).json(&json!({})).send().await;
        assert!(asked.is_err(), "without a server's certificate there is no connection: {asked:?}");
    }
    let refused = scene.at[CALLER].request(Method::GET, "/agents/v1/tunnel").send().await.unwrap();
    assert_eq!(refused.status(), 403, "an administrator is no agent");
    let waits = until("the log of the server that was knocked at", seconds(10), async || {
        scene.said(CALLER, "turned away").then_some(())
    });
    waits.await;
}

//! The machine agent and its sessions: connect, be cut, come back; and what a client without an agent's code may do.

use bowline_e2e::agent::{Host, Target};
use bowline_e2e::api::{Answer, Api};
use bowline_e2e::keys::Key;
use bowline_e2e::server::{Options, Server, enrolment_token, group};
use bowline_e2e::wait::{seconds, until, until_true};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::agent_token;
use crate::resources::machine;

/// The machine's `properties.status`.
pub(crate) async fn status(admin: &Api, id: &str) -> String {
    let answer = admin.get(id).await.expect(200);
    answer["properties"]["status"].as_str().unwrap_or_default().to_owned()
}

pub(crate) async fn wait_for_status(admin: &Api, id: &str, wanted: &str, within: u64) {
    until_true(&format!("{wanted} of {id}"), seconds(within), async || status(admin, id).await == wanted)
        .await;
}

/// Everything that the agent's ledger holds, as text.
pub(crate) fn ledger(host: &Host) -> String {
    let mut text = String::new();
    let Ok(entries) = std::fs::read_dir(host.state().join("ledger")) else { return text };
    for entry in entries.flatten() {
        text.push_str(&std::fs::read_to_string(entry.path()).unwrap_or_default());
    }
    text
}

pub(crate) async fn put_settings(admin: &Api, scope: &str, level: &str) {
    let id = format!("{scope}/providers/Microsoft.Bowline/agentSettings/default");
    let answer = admin.put(&id, &json!({"properties": {"logLevel": level}})).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
}

pub(crate) async fn sessions(server: &Server) -> usize {
    let text = server.api().get("/readyz?").await.text;
    text.lines()
        .find_map(|line| line.strip_prefix("sessions "))
        .and_then(|n| n.trim().parse().ok())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_machine_connects_is_killed_and_outlives_its_server() {
    let mut server = Server::start(Options { restart_grace: 30, ..Options::default() }).await;
    let mut admin = server.admin().await;
    let here = group(&admin, "plant").await;
    let token = enrolment_token(&admin, &here, "t", 1).await;
    let (url, ca) = (server.url(), server.ca());
    let mut host = Host::default();
    let (done, said) = host.connect(
        &Target { url: &url, ca: &ca, group: &here, name: "press", token: &token },
        &["--tags", "line=3"],
    );
    assert!(done, "{said}");
    assert!(said.contains("enrolled") && said.contains("certificate trusted"), "each step is shown: {said}");
    let id = machine(&here, "press");
    host.run();
    wait_for_status(&admin, &id, "Connected", 20).await;
    let got = until("the first report", seconds(20), async || {
        let got = admin.get(&id).await.expect(200);
        got["properties"]["osName"].is_string().then_some(got)
    })
    .await;
    assert!(got["properties"]["agentVersion"].is_string(), "{got}");
    assert_eq!(got["tags"]["line"], "3");

    let asked = std::time::Instant::now();
    host.agent().kill();
    wait_for_status(&admin, &id, "Disconnected", 10).await;
    eprintln!("Disconnected {:?} after kill -9 of the agent", asked.elapsed());
    host.run();
    wait_for_status(&admin, &id, "Connected", 20).await;

    put_settings(&admin, &here, "warn").await;
    until_true("the settings in the ledger", seconds(10), async || ledger(&host).contains("\"warn\"")).await;

    server.kill();
    server.restart().await;
    admin.http = server.api().http;
    until_true("the agent's return", seconds(30), async || {
        assert_eq!(status(&admin, &id).await, "Connected", "the grace holds the state");
        sessions(&server).await == 1
    })
    .await;
    put_settings(&admin, &id, "debug").await;
    until_true("settings after the restart", seconds(10), async || ledger(&host).contains("\"debug\"")).await;
    server.stop().await;
    server.restart().await;
    admin.http = server.api().http;
    until_true("the return after an orderly stop", seconds(30), async || sessions(&server).await == 1).await;

    assert!(matches!(admin.delete(&id).await.status, 200 | 202 | 204));
    let said = until("the end of the session of a deleted machine", seconds(20), async || {
        (sessions(&server).await == 0).then(|| host.agent().said())
    })
    .await;
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn a_machine_that_runs_before_it_is_connected_waits() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let here = group(&admin, "plant").await;
    let token = enrolment_token(&admin, &here, "t", 1).await;
    let mut host = Host::default();
    host.run();
    until_true("the agent says what it waits for", seconds(20), async || {
        host.agent().said().contains("waiting for `bowline-agent machine connect`")
    })
    .await;
    let (url, ca) = (server.url(), server.ca());
    let target = Target { url: &url, ca: &ca, group: &here, name: "press", token: &token };
    let (done, said) = host.connect(&target, &[]);
    assert!(done, "{said}");
    wait_for_status(&admin, &machine(&here, "press"), "Connected", 20).await;
    assert!(host.agent().ended().is_none(), "without a restart");
}

#[tokio::test]
async fn settings_that_an_agent_cannot_follow_are_said_at_its_resource() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let here = group(&admin, "plant").await;
    let token = enrolment_token(&admin, &here, "t", 1).await;
    let (url, ca, id) = (server.url(), server.ca(), machine(&here, "press"));
    let mut host = Host::default();
    let target = Target { url: &url, ca: &ca, group: &here, name: "press", token: &token };
    let (done, said) = host.connect(&target, &[]);
    assert!(done, "{said}");
    host.run();
    wait_for_status(&admin, &id, "Connected", 20).await;
    let settings = format!("{id}/providers/Microsoft.Bowline/agentSettings/default");
    let refused = admin.put(&settings, &json!({"properties": {"agentVersion": "newest of all"}})).await;
    assert!(refused.refused(400, "InvalidRequestContent").contains("agentVersion"));
    let properties = json!({"byteBudgetPerDay": 1, "agentVersion": "99.1.0"});
    let _ = admin.put(&settings, &json!({"properties": properties})).await.expect(201);
    let codes = async || {
        let got = admin.get(&id).await.expect(200);
        let details = got["properties"]["errorDetails"].as_array().cloned().unwrap_or_default();
        details.iter().map(|one| one["code"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    // A spent budget spaces reports of the properties by 20 s.
    until_true("both conditions", seconds(60), async || {
        codes().await == ["AgentVersionDiffers", "ByteBudgetSpent"]
    })
    .await;
    assert_eq!(status(&admin, &id).await, "Connected", "presence costs what it costs");
    let _ = admin.put(&settings, &json!({"properties": {}})).await.expect(200);
    until_true("no condition any more", seconds(20), async || codes().await.is_empty()).await;
}

#[tokio::test]
async fn one_name_and_three_hosts() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let here = group(&admin, "g").await;
    let (url, ca) = (server.url(), server.ca());
    let token = enrolment_token(&admin, &here, "t", 9).await;
    let target = Target { url: &url, ca: &ca, group: &here, name: "press", token: &token };
    let id = machine(&here, "press");
    let mut first = Host::default();
    let (done, said) = first.connect(&target, &[]);
    assert!(done, "{said}");
    first.run();
    wait_for_status(&admin, &id, "Connected", 20).await;
    let (done, said) = first.connect(&target, &[]);
    assert!(done && said.contains("same host again"), "{said}");

    let mut copy = first.clone_disk();
    copy.run();
    let told = until("what the copy is told", seconds(20), async || {
        let said = copy.agent().said();
        said.contains("MachineCloned").then_some(said)
    })
    .await;
    assert!(told.contains("--force-local-only"), "it says what to do: {told}");
    let got = admin.get(&id).await.expect(200);
    assert_eq!(
        (got["properties"]["status"].as_str(), got["properties"]["statusReason"].as_str()),
        (Some("Connected"), Some("Cloned"))
    );
    copy.agent().kill();

    let mut imaged = Host::default();
    let (done, said) = imaged.connect(&target, &["--replace"]);
    assert!(!done && said.contains("enrolment token cannot replace"), "{said}");
    let target = Target { token: admin.bearer.as_deref().unwrap(), ..target };
    let (done, said) = imaged.connect(&target, &[]);
    assert!(
        !done && said.contains("belongs to another installation") && said.contains("--replace"),
        "{said}"
    );
    first.agent().kill();
    wait_for_status(&admin, &id, "Disconnected", 10).await;
    let (done, said) = imaged.connect(&target, &[]);
    assert!(!done && said.contains("belongs to another installation"), "also while it is away: {said}");
    let (done, said) = imaged.connect(&target, &["--replace"]);
    assert!(done, "{said}");
    imaged.run();
    wait_for_status(&admin, &id, "Connected", 20).await;
    first.run();
    until_true("the old key is refused", seconds(20), async || first.agent().said().contains("refuse")).await;
}

/// A machine of which the test itself is the agent.
struct Bare {
    admin: Api,
    group: String,
    id: String,
    principal: String,
    key: Key,
    agent: Api,
}

async fn bare(server: &Server) -> Bare {
    let admin = server.admin().await;
    let group = group(&admin, "g").await;
    let (id, key) = (machine(&group, "bare"), Key::generate());
    let made = admin
        .put(&id, &json!({"location": "local", "properties": {"clientPublicKey": key.public()}}))
        .await
        .expect(200);
    let principal = made["identity"]["principalId"].as_str().unwrap().to_owned();
    let agent = agent_token(&admin, &key, &principal).await;
    Bare { admin, group, id, principal, key, agent }
}

/// The lines of a plain stream, as curl shows them.
struct Lines {
    bytes: futures::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    buffer: String,
}

impl Lines {
    async fn open(agent: &Api, query: &str) -> Self {
        let answer = agent.request(Method::GET, &format!("/agents/v1/session{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        Self { bytes: answer.bytes_stream().map(|c| c.map(|b| b.to_vec())).boxed(), buffer: String::new() }
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.buffer.find('\n') {
                let line: String = self.buffer.drain(..=end).collect();
                return serde_json::from_str(&line).unwrap();
            }
            let chunk = tokio::time::timeout(seconds(30), self.bytes.next())
                .await
                .expect("a line")
                .expect("the stream goes on")
                .unwrap();
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The desired document that asks for this log level; those before it do not count.
    async fn desired(&mut self, level: &str) -> Value {
        loop {
            let line = self.next().await;
            if line["desired"]["changed"][0]["content"]["logLevel"] == level {
                return line["desired"].clone();
            }
        }
    }
}

#[tokio::test]
async fn a_plain_client_streams_polls_and_rotates_its_key() {
    let server = Server::usual().await;
    let Bare { admin, group, id, principal, key, agent } = bare(&server).await;
    let mut lines = Lines::open(&agent, "").await;
    let hello = lines.next().await["hello"].clone();
    assert_eq!(
        (hello["protocol"].as_u64(), hello["keepAliveSeconds"].as_u64()),
        (Some(1), Some(20)),
        "{hello}"
    );
    wait_for_status(&admin, &id, "Connected", 5).await;
    put_settings(&admin, &group, "trace").await;
    let _ = lines.desired("trace").await;
    put_settings(&admin, &id, "error").await;
    let desired = lines.desired("error").await;
    drop(lines);

    let known = format!("?epoch={}&generation={}", desired["epoch"].as_str().unwrap(), desired["generation"]);
    let all = agent.get("/agents/v1/session?wait=0").await.expect(200);
    assert_eq!(all[1]["desired"]["generation"], desired["generation"], "{all}");
    let poll = tokio::spawn({
        let (agent, path) = (agent.clone(), format!("/agents/v1/session{known}&wait=20"));
        async move { agent.get(&path).await }
    });
    wait_for_status(&admin, &id, "Connected", 5).await;
    let asked = std::time::Instant::now();
    put_settings(&admin, &id, "warn").await;
    let answer = poll.await.unwrap().expect(200);
    assert!(asked.elapsed() < seconds(5), "news end the wait");
    assert_eq!(
        answer.as_array().unwrap().last().unwrap()["desired"]["changed"][0]["content"]["logLevel"],
        "warn",
        "{answer}"
    );

    let next = Key::generate();
    let rotated = agent.post("/agents/v1/rotateKey", &json!({"publicKey": next.public()})).await.expect(200);
    assert!(rotated["expiresOn"].is_string() && rotated["renewFrom"].is_string());
    agent_token(&admin, &key, &principal).await;
    agent_token(&admin, &next, &principal).await;
    until_true("the old key's end", seconds(10), async || {
        let assertion = key.sign(&Key::claims(&principal, &token_endpoint(&admin).await));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", bowline_e2e::keys::ASSERTION),
            ("client_assertion", &assertion),
        ];
        admin.form("/organizations/oauth2/v2.0/token", &fields).await.status == 401
    })
    .await;
    agent.post("/agents/v1/rotateKey", &json!({"publicKey": "AAAA"})).await.refused(400, "InvalidPublicKey");
    admin.get("/agents/v1/self").await.refused(403, "NotAnAgent");
    // Its settings lie below it and go with it: little enough for one request.
    assert_eq!(admin.delete(&id).await.status, 204);
    let refused = until("the end of the identity", seconds(10), async || {
        let answer = agent.get("/agents/v1/self").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.refused(401, "AuthenticationFailed");
}

async fn token_endpoint(api: &Api) -> String {
    let url = format!("{}/common/v2.0/.well-known/openid-configuration", api.base);
    Api::send(api.http.get(url)).await.expect(200)["token_endpoint"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn batches_are_bounded_ordered_and_of_the_current_session() {
    let server = Server::usual().await;
    let Bare { admin, id, agent, .. } = bare(&server).await;
    let mut lines = Lines::open(&agent, "").await;
    let session = lines.next().await["hello"]["session"].as_str().unwrap().to_owned();
    let epoch = uuid::Uuid::new_v4();
    let batch = |seq: u64, full: bool| json!({"session": session, "source": "inventory", "sourceEpoch": epoch, "seq": seq, "full": full, "objects": []});
    let post = async |body: &Value| agent.post("/agents/v1/observed", body).await;
    let raw = async |bytes: Vec<u8>, encoding: Option<&str>| -> Answer {
        let mut request = agent.request(Method::POST, "/agents/v1/observed").body(bytes);
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        Api::send(request).await
    };
    let mut first = batch(1, true);
    first["status"] = json!({"osName": "Bare OS", "status": "Disconnected", "clientPublicKey": "stolen"});
    assert_eq!(post(&first).await.expect(200)["acknowledged"], 1);
    let got = admin.get(&id).await.expect(200);
    assert_eq!(
        (got["properties"]["osName"].as_str(), got["properties"]["status"].as_str()),
        (Some("Bare OS"), Some("Connected"))
    );
    assert_eq!(post(&first).await.expect(200)["acknowledged"], 1, "a repeated batch is acknowledged again");
    let packed = zstd::encode_all(batch(2, false).to_string().as_bytes(), 3).unwrap();
    assert_eq!(raw(packed, Some("zstd")).await.expect(200)["acknowledged"], 2);
    let gap = post(&batch(5, false)).await;
    gap.refused(409, "ResyncRequired");
    assert_eq!(gap.body["expected"], 3, "{}", gap.text);

    raw(b"this is no zstd".to_vec(), Some("zstd")).await.refused(400, "InvalidRequestContent");
    raw(b"{".to_vec(), None).await.refused(400, "InvalidRequestContent");
    raw(b"{}".to_vec(), Some("br")).await.refused(415, "UnsupportedMediaType");
    raw(vec![b' '; (4 << 20) + 1], None).await.refused(413, "RequestEntityTooLarge");
    let bomb = zstd::encode_all(&vec![b' '; (32 << 20) + 1][..], 3).unwrap();
    assert!(bomb.len() < 1 << 16);
    raw(bomb, Some("zstd")).await.refused(413, "RequestEntityTooLarge");
    let mut foreign = batch(3, false);
    foreign["session"] = json!(uuid::Uuid::new_v4());
    post(&foreign).await.refused(409, "NoSession");
    let mut unknown = batch(3, false);
    unknown["source"] = json!("gossip");
    post(&unknown).await.refused(400, "UnknownSource");
    admin.post("/agents/v1/observed", &batch(3, false)).await.refused(403, "NotAnAgent");
    assert_eq!(
        post(&batch(3, false)).await.expect(200)["acknowledged"],
        3,
        "what was refused changed nothing"
    );
}

//! Desired state, the ledger, the key and the endpoint, over a real connection.

use std::sync::Arc;

use bowline_agent::{
    clock,
    home::{Enrolment, Home, KeyPem},
    key::AgentKey,
    ledger::disk::DiskLedger,
    machine::home::StateFolder,
    session::{
        self, Order, Outcome, RoleEnd, SessionConfig, SessionError, role_channel, status::StatusBoard,
    },
};
use bowline_link::{
    item::{ItemContent, Proxy},
    message::EndReason,
};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::server::{Machine, Server, TENANT, until};

/// An agent with a state folder of its own, enrolled at a server, and its role's end in the test's hands.
pub struct TestAgent {
    pub folder: tempfile::TempDir,
    pub state: StateFolder,
    pub status: StatusBoard,
    pub role: RoleEnd,
    pub stop: CancellationToken,
    pub running: JoinHandle<Result<Outcome, SessionError>>,
}

pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Enrols without `connect`: writes what it would have written.
pub async fn enrolled(server: &Server) -> (tempfile::TempDir, StateFolder) {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::new(folder.path().join("state"));
    let (key, pem) = AgentKey::generate();
    state.write_key(&pem).unwrap();
    register(server, &state, &key).await;
    (folder, state)
}

async fn register(server: &Server, state: &StateFolder, key: &AgentKey) {
    let principal_id = Uuid::new_v4().to_string();
    let id = format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.HybridCompute/machines/{principal_id}"
    );
    let machine = Machine {
        key: key.public_key(),
        vm_id: String::new(),
        principal_id: principal_id.clone(),
        body: json!({}),
    };
    server.state().machines.insert(id.clone(), machine);
    let enrolment = Enrolment {
        server: server.url(),
        ca_pem: None,
        tenant_id: TENANT.into(),
        resource_id: id,
        principal_id,
        proxy: Proxy::default(),
        key_expires_on: None,
        key_renew_from: None,
        other: serde_json::Map::new(),
    };
    state.write_enrolment(&enrolment).await.unwrap();
}

pub fn start(folder: tempfile::TempDir, state: StateFolder) -> TestAgent {
    let status = StatusBoard::default();
    let stop = CancellationToken::new();
    let (role, session_end) = role_channel();
    let config = SessionConfig {
        home: Arc::new(state.clone()),
        ledger: Box::new(DiskLedger::open(state.ledger()).unwrap()),
        source: "inventory".into(),
        instance: state.instance(),
        role: session_end,
        status: status.clone(),
        stop: stop.clone(),
        passage: None,
        client: None,
    };
    let running = tokio::spawn(session::run(config));
    TestAgent { folder, state, status, role, stop, running }
}

pub async fn connected(server: &Server) -> TestAgent {
    let (folder, state) = enrolled(server).await;
    let agent = start(folder, state);
    let status = agent.status.clone();
    until("the agent is connected", || status.read().connected).await;
    agent
}

impl TestAgent {
    pub async fn stop(self) -> (tempfile::TempDir, StateFolder) {
        self.stop.cancel();
        assert_eq!(self.running.await.unwrap().unwrap(), Outcome::Stopped);
        (self.folder, self.state)
    }

    /// Waits until the role is told of a generation.
    pub async fn document(&mut self, generation: u64) -> Arc<bowline_link::item::DesiredDocument> {
        let wait = async {
            loop {
                match self.role.orders.next().await.unwrap() {
                    Order::Desired(document) if document.generation == generation => return document,
                    _ => {}
                }
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
        waited.unwrap_or_else(|_| panic!("generation {generation} never came"))
    }
}

pub fn settings(level: &str) -> ItemContent {
    ItemContent::new(Uuid::from_u128(1), "agentSettings", json!({"logLevel": level}))
}

#[tokio::test]
async fn desired_state_is_in_the_ledger_before_the_role_hears_of_it() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    server.desire(3, vec![settings("debug")]);
    agent.document(3).await;
    let head = std::fs::read_to_string(agent.state.ledger().join("head.json")).unwrap();
    assert!(head.contains("\"generation\":3"), "{head}");
    until("the server heard that it is applied", || server.state().applied.contains(&3)).await;

    server.desire(4, vec![settings("debug"), ItemContent::new(Uuid::from_u128(2), "other", json!({"a": 1}))]);
    let document = agent.document(4).await;
    assert_eq!(document.items.len(), 2);
    assert_eq!(document.content("agentSettings"), Some(&json!({"logLevel": "debug"})));
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_works_from_its_ledger_while_the_server_is_away_and_asks_only_for_news() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    server.desire(3, vec![settings("debug")]);
    agent.document(3).await;
    let (folder, state) = agent.stop().await;

    server.reachable.store(false, std::sync::atomic::Ordering::SeqCst);
    let mut agent = start(folder, state);
    agent.document(3).await;
    assert!(!agent.status.read().connected);
    server.reachable.store(true, std::sync::atomic::Ordering::SeqCst);
    let status = agent.status.clone();
    until("the agent is back", || status.read().connected).await;
    let claim = server.state().claims.last().cloned().unwrap();
    assert_eq!((claim.epoch, claim.generation), (Some(super::server::EPOCH), 3));
    agent.stop().await;
}

#[tokio::test]
async fn a_restored_server_with_a_lower_generation_is_followed() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    server.desire(9, vec![settings("debug")]);
    agent.document(9).await;
    server.document.send_modify(|document| {
        document.epoch = Uuid::from_u128(0xe1);
        document.generation = 2;
        document.items = vec![settings("warn")];
    });
    assert_eq!(agent.document(2).await.epoch, Uuid::from_u128(0xe1));
    agent.stop().await;
}

#[tokio::test]
async fn an_item_that_is_lost_from_the_ledger_is_sent_again() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    server.desire(3, vec![settings("debug")]);
    agent.document(3).await;
    let (folder, state) = agent.stop().await;
    for entry in std::fs::read_dir(state.ledger()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "head.json" {
            std::fs::write(path, "{\"logLevel\":\"forged\"}").unwrap();
        }
    }
    let mut agent = start(folder, state);
    let document = agent.document(3).await;
    assert_eq!(document.content("agentSettings"), Some(&json!({"logLevel": "debug"})));
    agent.stop().await;
}

#[tokio::test]
async fn a_key_past_half_of_its_life_is_replaced() {
    let server = Server::start().await;
    let (folder, state) = enrolled(&server).await;
    let old = state.key().await.unwrap().unwrap();
    let agent = start(folder, state.clone());
    let status = agent.status.clone();
    until("the key's life is known", || status.read().key_renew_from.is_some()).await;
    assert!(server.state().rotated.is_empty());
    let (folder, state) = agent.stop().await;
    let mut enrolment = state.enrolment().await.unwrap().unwrap();
    let half = enrolment.key_renew_from.unwrap();
    assert!(half > clock::now() + jiff::SignedDuration::from_hours(24 * 44), "half of 90 days");

    // A restart does not start the count anew; once half is over, the key goes.
    enrolment.key_renew_from = Some(clock::now() - jiff::SignedDuration::from_secs(1));
    state.write_enrolment(&enrolment).await.unwrap();
    let agent = start(folder, state.clone());
    until("the key was replaced", || server.state().rotated.len() == 1).await;
    let (status, expires) = (agent.status.clone(), server.state().key_expires_on);
    until("the new key's life is known", || status.read().key_expires_on == Some(expires)).await;
    let new = state.key().await.unwrap().unwrap();
    assert!(new != old, "the key on disk is the new one");
    assert_eq!(AgentKey::from_pem(&new).unwrap().public_key(), server.state().rotated[0]);
    assert!(state.next_key().await.unwrap().is_none());
    agent.stop().await;
}

#[tokio::test]
async fn a_key_from_outside_is_replaced_at_first_contact() {
    let server = Server::start().await;
    let (folder, state) = enrolled(&server).await;
    let pkcs8 = ring::signature::Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pkcs8.as_ref());
    state
        .write_key(&KeyPem(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")))
        .unwrap();
    let agent = start(folder, state.clone());
    until("the key was replaced", || server.state().rotated.len() == 1).await;
    until("the new key is on disk", || {
        std::fs::read_to_string(state.path().join("key.pem")).is_ok_and(|pem| {
            AgentKey::from_pem(&KeyPem(pem)).unwrap().public_key() == server.state().rotated[0]
        })
    })
    .await;
    agent.stop().await;
}

#[tokio::test]
async fn an_endpoint_is_adopted_only_once_it_works() {
    let (old, new) = (Server::start().await, Server::start().await);
    let mut agent = connected(&old).await;
    let endpoint = |url: &str| ItemContent::new(Uuid::from_u128(7), "endpoint", json!({"server": url}));
    old.desire(1, vec![endpoint("http://127.0.0.1:1")]);
    agent.document(1).await;
    let status = agent.status.clone();
    until("the old server has it again", || old.sessions() >= 2 && status.read().connected).await;
    assert_eq!(agent.state.enrolment().await.unwrap().unwrap().server, old.url());

    let machines = old.state().machines.clone();
    new.state().machines = machines;
    old.desire(2, vec![endpoint(&new.url())]);
    new.desire(2, vec![endpoint(&new.url())]);
    agent.document(2).await;
    until("the new server has it", || new.sessions() == 1).await;
    assert_eq!(agent.state.enrolment().await.unwrap().unwrap().server, new.url());
    agent.stop().await;
}

#[tokio::test]
async fn a_host_whose_clock_is_an_hour_off_connects() {
    let server = Server::start().await;
    server.state().clock_ahead = 3600;
    let agent = connected(&server).await;
    assert_eq!(agent.status.read().clock_offset_seconds / 10, 360);
    agent.stop().await;
}

#[tokio::test]
async fn a_session_that_ends_with_its_token_is_followed_by_one_with_a_new_token() {
    let server = Server::start().await;
    server.state().token_lifetime = 2;
    let agent = connected(&server).await;
    until("three sessions", || server.sessions() >= 3).await;
    assert!(server.tokens.load(std::sync::atomic::Ordering::SeqCst) >= 3);
    agent.stop().await;
}

#[tokio::test]
async fn a_server_that_drains_gets_its_agents_back() {
    let server = Server::start().await;
    let agent = connected(&server).await;
    server.end_all(EndReason::Draining);
    until("a second session", || server.sessions() == 2).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_after_three_keep_alives() {
    let server = Server::start().await;
    server.state().keep_alive = 1;
    let agent = connected(&server).await;
    server.state().mute = true;
    let status = agent.status.clone();
    until("the agent noticed", || !status.read().connected).await;
    server.state().mute = false;
    until("the agent is back", || status.read().connected).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_server_that_knows_itself_by_another_name_is_believed() {
    let server = Server::start().await;
    server.state().public_url = Some("https://bowline.example:8443".into());
    let agent = connected(&server).await;
    agent.stop().await;
}

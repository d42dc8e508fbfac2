//! `machine connect` and its companions: each step with its outcome, and three answers to three hosts of one name.

use std::collections::BTreeMap;

use bowline_agent::{
    home::Home,
    machine::{
        commands::{self, CommandError, ConfigAction},
        connect::{self, ConnectError, ConnectOptions},
        home::StateFolder,
        observe::HostFiles,
        run,
    },
    session::sign_in::Credential,
};
use bowline_link::item::Proxy;
use tokio_util::sync::CancellationToken;

use super::{
    host,
    server::{Server, until},
    session::install_crypto,
};

pub fn options(server: &Server) -> ConnectOptions {
    install_crypto();
    ConnectOptions {
        server: server.url(),
        ca_pem: None,
        proxy: Proxy::default(),
        subscription: "00000000-0000-0000-0000-000000000001".into(),
        resource_group: "factory".into(),
        name: None,
        location: "local".into(),
        tags: BTreeMap::from([("site".into(), "north".into())]),
        credential: Credential::Token("bwe_test".into()),
        replace: false,
    }
}

pub async fn connect(state: &StateFolder, options: ConnectOptions) -> (Result<(), ConnectError>, String) {
    let mut out = Vec::new();
    let files = HostFiles::at(host::folder("physical-lvm"));
    let connected = connect::connect(state, &files, "press-7.factory.example", options, &mut out).await;
    (connected.map(drop), String::from_utf8(out).unwrap())
}

fn state(folder: &tempfile::TempDir, name: &str) -> StateFolder {
    StateFolder::new(folder.path().join(name))
}

#[tokio::test]
async fn connect_says_each_step_and_registers_the_host() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let state = state(&folder, "a");
    let (connected, said) = connect(&state, options(&server)).await;
    connected.unwrap();
    for step in [
        "server reachable",
        "certificate trusted",
        "signed in",
        "enrolled",
        "identity stored",
        "key accepted",
    ] {
        assert!(said.contains(&format!("ok    {step}")), "{step} in\n{said}");
    }
    let machines = server.state().machines.clone();
    let (id, machine) = machines.first_key_value().unwrap();
    assert!(
        id.ends_with("/resourceGroups/factory/providers/Microsoft.HybridCompute/machines/press-7"),
        "{id}"
    );
    assert_eq!(machine.body["tags"]["site"], "north");
    assert_eq!(machine.body["properties"]["vmUuid"], "4c4c4544-0046-3510-8052-b4c04f385a31");
    assert_eq!(machine.body["properties"]["detectedProperties"]["manufacturer"], "Dell Inc.");
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(state.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("key.pem"), 0o600);
}

#[tokio::test]
async fn the_same_host_again_keeps_its_key_and_loses_nothing() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let state = state(&folder, "a");
    connect(&state, options(&server)).await.0.unwrap();
    let before = {
        let mut state = server.state();
        let machine = state.machines.values_mut().next().unwrap();
        // What somebody configured since.
        machine.body["tags"] = serde_json::json!({"line": "3"});
        machine.body["properties"]["parentClusterResourceId"] = "/a/cluster".into();
        machine.clone()
    };
    let (again, said) =
        connect(&state, ConnectOptions { tags: Default::default(), ..options(&server) }).await;
    again.unwrap();
    assert!(said.contains("nothing configured is lost"), "{said}");
    let after = server.state().machines.values().next().unwrap().clone();
    assert_eq!(after.body["tags"], serde_json::json!({"line": "3"}));
    assert_eq!(after.body["properties"]["parentClusterResourceId"], "/a/cluster");
    assert_eq!((before.key, before.vm_id, before.principal_id), (after.key, after.vm_id, after.principal_id));
}

#[tokio::test]
async fn a_reimaged_host_is_told_how_to_take_its_name_over() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    connect(&state(&folder, "old"), options(&server)).await.0.unwrap();
    let anew = state(&folder, "anew");
    let (refused, said) = connect(&anew, options(&server)).await;
    let Err(ConnectError::Step(failed)) = refused else { panic!("{said}") };
    assert_eq!(failed.step, "enrolled");
    assert!(failed.why.contains("MachineNameInUse") && failed.hint.contains("--replace"), "{failed}");
    assert!(said.contains("FAIL  enrolled"), "{said}");
    assert!(anew.enrolment().await.unwrap().is_none(), "nothing half-made is left");
    let (replaced, said) = connect(&anew, ConnectOptions { replace: true, ..options(&server) }).await;
    replaced.unwrap_or_else(|error| panic!("{error}\n{said}"));
}

#[tokio::test]
async fn a_host_is_not_connected_twice_under_two_names() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let state = state(&folder, "a");
    connect(&state, options(&server)).await.0.unwrap();
    let (refused, said) =
        connect(&state, ConnectOptions { name: Some("other".into()), ..options(&server) }).await;
    assert!(refused.is_err());
    assert!(said.contains("connected already") && said.contains("disconnect"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_the_first_step_with_a_hint() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let unreachable = ConnectOptions { server: "http://127.0.0.1:1".into(), ..options(&server) };
    let (failed, said) = connect(&state(&folder, "a"), unreachable).await;
    assert!(failed.is_err());
    assert!(said.contains("FAIL  server reachable") && said.contains("is the server running"), "{said}");
    let wrong = ConnectOptions { server: "bowline.example".into(), ..options(&server) };
    let (_, said) = connect(&state(&folder, "a"), wrong).await;
    assert!(said.contains("--server https://"), "{said}");
}

#[tokio::test]
async fn run_reports_the_host_and_answers_health_show_and_check() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let state = state(&folder, "a");
    connect(&state, options(&server)).await.0.unwrap();
    let stop = CancellationToken::new();
    let files = HostFiles::at(host::folder("physical-lvm"));
    let health = Some("127.0.0.1:0".parse().unwrap());
    let running = tokio::spawn(run::run(state.clone(), files, health, stop.clone()));
    until("the host is reported", || server.source().status.is_some()).await;
    let status = server.source().status.unwrap();
    assert_eq!(status["osSku"], "Debian GNU/Linux 12 (bookworm)");

    let address = std::fs::read_to_string(state.health_file()).unwrap();
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get("/healthz").await.0, 200);
    assert_eq!(get("/readyz").await, (200, "connected\n".to_owned()));
    let (_, metrics) = get("/metrics").await;
    for line in [
        "bowline_agent_connected 1",
        "bowline_agent_sessions_opened_total 1",
        "bowline_agent_sent_bytes_total",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    let mut shown = Vec::new();
    commands::show(&state, false, &mut shown).await.unwrap();
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("press-7") && shown.contains(": Connected"), "{shown}");
    let mut checked = Vec::new();
    commands::check(&state, &mut checked).await.unwrap();
    assert!(String::from_utf8(checked).unwrap().contains("ok    key valid until"));

    let second = run::run(state.clone(), HostFiles::at("/"), None, CancellationToken::new()).await;
    assert!(matches!(second, Err(run::RunError::Running { .. })), "a second agent on one folder is refused");
    stop.cancel();
    running.await.unwrap().unwrap();
    let mut shown = Vec::new();
    commands::show(&state, false, &mut shown).await.unwrap();
    assert!(String::from_utf8(shown).unwrap().contains("not running"));
}

#[tokio::test]
async fn disconnect_deletes_the_resource_or_only_forgets() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let (a, b) = (state(&folder, "a"), state(&folder, "b"));
    connect(&a, options(&server)).await.0.unwrap();
    connect(&b, ConnectOptions { name: Some("b".into()), ..options(&server) }).await.0.unwrap();
    commands::disconnect(&a, None, false, &mut Vec::new()).await.unwrap();
    commands::disconnect(&b, None, true, &mut Vec::new()).await.unwrap();
    let left: Vec<_> = server.state().machines.keys().cloned().collect();
    assert!(left.len() == 1 && left[0].ends_with("/b"), "{left:?}");
    for state in [&a, &b] {
        assert!(state.enrolment().await.unwrap().is_none() && state.key().await.unwrap().is_none());
        let error = commands::show(state, false, &mut Vec::new()).await.unwrap_err();
        assert!(matches!(error, CommandError::NotConnected));
    }
}

#[tokio::test]
async fn config_changes_the_proxy_and_refuses_what_it_does_not_know() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let state = state(&folder, "a");
    connect(&state, options(&server)).await.0.unwrap();
    let set = |key: &str, value: &str| ConfigAction::Set(key.into(), value.into());
    commands::config(&state, set("proxy.url", "http://proxy:3128"), &mut Vec::new()).await.unwrap();
    commands::config(&state, set("proxy.bypass", "10.0.0.0/8, .local"), &mut Vec::new()).await.unwrap();
    let proxy = state.enrolment().await.unwrap().unwrap().proxy;
    assert_eq!(proxy.url.as_deref(), Some("http://proxy:3128"));
    assert_eq!(proxy.no_proxy, ["10.0.0.0/8", ".local"]);
    let error = commands::config(&state, set("colour", "red"), &mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("proxy.url"), "{error}");
}

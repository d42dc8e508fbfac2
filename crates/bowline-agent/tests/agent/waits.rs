//! `machine run` on a host that nobody has connected yet.

use bowline_agent::{
    disk,
    machine::{home::StateFolder, observe::HostFiles, run},
    session::Outcome,
};
use tokio_util::sync::CancellationToken;

use super::{
    connect::{connect, options},
    host,
    server::{Server, until},
    session::install_crypto,
};

/// Asks the running agent until it says that it is not connected because of this.
async fn until_not_ready(state: &StateFolder, because: &str) {
    let wait = async {
        loop {
            if let Some(address) = disk::read_text(&state.health_file(), 100).unwrap() {
                let answer = reqwest::get(format!("http://{address}/readyz")).await.unwrap();
                let status = answer.status();
                if answer.text().await.unwrap().contains(because) {
                    assert_eq!(status, 503);
                    return;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.expect(because);
}

#[tokio::test]
async fn a_host_that_is_connected_later_is_picked_up_without_a_restart() {
    install_crypto();
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let state = StateFolder::new(folder.path().join("state"));
    let stop = CancellationToken::new();
    let files = HostFiles::at(host::folder("physical-lvm"));
    let health = Some("127.0.0.1:0".parse().unwrap());
    let running = tokio::spawn(run::run(state.clone(), files, health, stop.clone()));
    until_not_ready(&state, "bowline-agent machine connect").await;
    disk::write(&state.path().join("agent.json"), b"{", disk::Access::Private).unwrap();
    until_not_ready(&state, "cannot be used").await;
    disk::remove(&state.path().join("agent.json")).unwrap();
    until_not_ready(&state, "bowline-agent machine connect").await;
    let (connected, said) = connect(&state, options(&server)).await;
    connected.unwrap_or_else(|error| panic!("{error}: {said}"));
    until("the session", || server.sessions() == 1).await;
    until("the first report", || server.source().status.is_some()).await;
    until("its packages", || server.source().objects.contains_key("software/dpkg/shell/amd64")).await;
    assert!(!running.is_finished());
    stop.cancel();
    assert_eq!(running.await.unwrap().unwrap(), Outcome::Stopped);
}

#[tokio::test]
async fn one_that_waits_stops_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::new(folder.path().join("state"));
    let stop = CancellationToken::new();
    let running = tokio::spawn(run::run(state, HostFiles::at("/"), None, stop.clone()));
    tokio::task::yield_now().await;
    stop.cancel();
    assert_eq!(running.await.unwrap().unwrap(), Outcome::Stopped);
}

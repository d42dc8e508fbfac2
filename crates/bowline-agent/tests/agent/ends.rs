//! How a session ends for good, and what the agent does meanwhile when it may not come in.

use bowline_agent::session::Outcome;
use bowline_link::message::EndReason;

use super::{
    server::{Server, until},
    session::{connected, enrolled, start},
};

async fn outcome_of(reason: EndReason) -> Outcome {
    let server = Server::start().await;
    let agent = connected(&server).await;
    server.end_all(reason);
    agent.running.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_deleted_resource_stops_its_agent() {
    assert_eq!(outcome_of(EndReason::Deleted).await, Outcome::Deleted { message: "said the test".into() });
}

#[tokio::test]
async fn an_agent_whose_disk_was_cloned_stops() {
    assert_eq!(outcome_of(EndReason::Replaced).await, Outcome::Replaced { message: "said the test".into() });
}

#[tokio::test]
async fn a_lapsed_identity_is_said_and_healed_by_connecting_again() {
    let server = Server::start().await;
    let (folder, state) = enrolled(&server).await;
    let machines = std::mem::take(&mut server.state().machines);
    let agent = start(folder, state);
    let status = agent.status.clone();
    until("the agent says why", || {
        status.read().last_error.is_some_and(|error| error.message.contains("run connect again"))
    })
    .await;
    assert!(!agent.running.is_finished(), "it keeps trying");
    server.state().machines = machines;
    until("it is back", || status.read().connected).await;
    assert_eq!(status.read().last_error, None);
    agent.stop().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_with_a_reason() {
    let server = Server::start().await;
    let (folder, state) = enrolled(&server).await;
    server.reachable.store(false, std::sync::atomic::Ordering::SeqCst);
    let agent = start(folder, state);
    let status = agent.status.clone();
    until("a reason", || status.read().last_error.is_some()).await;
    server.reachable.store(true, std::sync::atomic::Ordering::SeqCst);
    until("it is back", || status.read().connected).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_host_that_was_reset_waits_for_its_own_old_session_to_end() {
    let server = Server::start().await;
    let (folder, state) = enrolled(&server).await;
    server.state().cloned = true;
    let agent = start(folder, state);
    let status = agent.status.clone();
    until("the refusal is said", || {
        status.read().last_error.is_some_and(|error| error.message.contains("MachineCloned"))
    })
    .await;
    server.state().cloned = false;
    until("it is back", || status.read().connected).await;
    agent.stop().await;
}

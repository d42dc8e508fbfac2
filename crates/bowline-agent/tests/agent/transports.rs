//! The same session through proxies that do not let the best transport through.

use super::{
    server::{Server, Transport, until},
    session::{connected, enrolled, settings, start},
};
use bowline_agent::session::status::Transport as Used;

async fn works_with(transport: Transport, used: Used) {
    let server = Server::start().await;
    server.state().transport = transport;
    let mut agent = connected(&server).await;
    server.desire(5, vec![settings("debug")]);
    agent.document(5).await;
    agent.role.reporter.status(serde_json::json!({"a": 1})).await.unwrap();
    agent.role.reporter.begin_full().await.unwrap();
    agent.role.reporter.finish_full().await.unwrap();
    until("the report arrived", || server.source().status.is_some()).await;
    server.desire(6, vec![]);
    agent.document(6).await;
    let status = agent.status.read();
    assert_eq!(status.transport, used);
    assert_eq!(status.transport_reason.is_some(), used != Used::Upgraded, "{status:?}");
    agent.stop().await;
}

#[tokio::test]
async fn an_upgraded_connection() {
    works_with(Transport::Upgrade, Used::Upgraded).await;
}

#[tokio::test]
async fn a_streamed_answer_when_the_header_is_dropped() {
    works_with(Transport::Stream, Used::Streamed).await;
}

#[tokio::test]
async fn long_polls_when_the_upgrade_is_refused() {
    works_with(Transport::Refuse, Used::LongPoll).await;
}

#[tokio::test]
async fn long_polls_when_the_answer_is_buffered() {
    works_with(Transport::Buffer, Used::LongPoll).await;
}

#[tokio::test]
async fn long_polls_are_given_up_when_they_fail_too() {
    let server = Server::start().await;
    server.state().transport = Transport::Refuse;
    let (folder, state) = enrolled(&server).await;
    let agent = start(folder, state);
    let status = agent.status.clone();
    until("long polls", || status.read().connected && status.read().transport == Used::LongPoll).await;
    server.state().transport = Transport::Upgrade;
    // The server restarts: its agents' principals are unknown for a moment.
    let machines = std::mem::take(&mut server.state().machines);
    server.desire(1, vec![]);
    agent.stop.cancel();
    agent.running.await.unwrap().unwrap();
    server.state().machines = machines;
    let agent = start(agent.folder, agent.state);
    let status = agent.status.clone();
    until("the upgrade again after a restart", || {
        status.read().transport == Used::Upgraded && status.read().connected
    })
    .await;
    agent.stop().await;
}

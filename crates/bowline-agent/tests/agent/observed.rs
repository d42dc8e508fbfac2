//! Reports: batches, retries, lost answers and lost logs.

use bowline_agent::session::{Order, Pace, ReportError, RoleEnd};
use bowline_link::{
    item::{ContentHash, ItemContent, kind},
    observed::Delta,
};
use serde_json::json;

use super::{
    server::{Server, until},
    session::connected,
};

fn object(key: usize, padding: usize) -> Delta {
    let object = json!({"key": key, "padding": "x".repeat(padding)});
    Delta::object(format!("v1/Pod/ns/{key}"), ContentHash::of(&object), object)
}

async fn wait_for_full(role: &mut RoleEnd) {
    while !matches!(role.orders.next().await.unwrap(), Order::SendEverything { .. }) {}
}

async fn deliver(role: &RoleEnd, objects: usize, padding: usize) {
    role.reporter.begin_full().await.unwrap();
    for key in 0..objects {
        role.reporter.delta(object(key, padding)).await.unwrap();
    }
    role.reporter.finish_full().await.unwrap();
}

#[tokio::test]
async fn a_full_delivery_larger_than_the_queue_arrives_and_deltas_follow() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    agent.role.reporter.status(json!({"totalNodeCount": 2})).await.unwrap();
    wait_for_full(&mut agent.role).await;
    deliver(&agent.role, 300, 50_000).await;
    until("all objects", || server.source().objects.len() == 300).await;
    assert!(server.source().batches >= 15);
    assert_eq!(server.source().status, Some(json!({"totalNodeCount": 2})));
    agent.role.reporter.delta(Delta::tombstone("v1/Pod/ns/7")).await.unwrap();
    agent.role.reporter.delta(object(300, 1)).await.unwrap();
    until("the tombstone", || !server.source().objects.contains_key("v1/Pod/ns/7")).await;
    until("the new object", || server.source().objects.contains_key("v1/Pod/ns/300")).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_busy_server_and_a_lost_answer_neither_lose_nor_double_a_batch() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    wait_for_full(&mut agent.role).await;
    deliver(&agent.role, 3, 10).await;
    until("the full sync", || server.source().objects.len() == 3).await;
    let batches = server.source().batches;
    server.state().refuse_batches = 1;
    agent.role.reporter.delta(object(4, 10)).await.unwrap();
    until("the refused batch came again", || server.source().objects.len() == 4).await;
    server.state().lose_answers = 1;
    agent.role.reporter.delta(object(5, 10)).await.unwrap();
    let status = agent.status.clone();
    let acknowledged = status.read().acknowledged_batches;
    until("the lost answer was healed", || status.read().acknowledged_batches > acknowledged).await;
    assert_eq!(server.source().batches, batches + 2, "each batch was appended once");
    agent.stop().await;
}

#[tokio::test]
async fn a_server_that_lost_its_log_asks_for_everything() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    agent.role.reporter.status(json!({"totalNodeCount": 2})).await.unwrap();
    wait_for_full(&mut agent.role).await;
    deliver(&agent.role, 3, 10).await;
    until("the full sync", || server.source().objects.len() == 3).await;
    server.state().sources.clear();
    agent.role.reporter.delta(object(9, 10)).await.unwrap();
    wait_for_full(&mut agent.role).await;
    deliver(&agent.role, 5, 10).await;
    until("everything again", || server.source().objects.len() == 5).await;
    assert_eq!(server.source().status, Some(json!({"totalNodeCount": 2})), "with the status");
    assert_eq!(agent.status.read().resyncs, 1);
    agent.stop().await;
}

#[tokio::test]
async fn a_quiet_role_sends_nothing() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    agent.role.reporter.status(json!({"a": 1})).await.unwrap();
    wait_for_full(&mut agent.role).await;
    deliver(&agent.role, 0, 0).await;
    until("the first report", || server.source().status.is_some()).await;
    let batches = server.source().batches;
    agent.role.reporter.status(json!({"a": 1})).await.unwrap();
    agent.role.reporter.status(json!({"a": 2})).await.unwrap();
    until("the change", || server.source().status == Some(json!({"a": 2}))).await;
    assert_eq!(server.source().batches, batches + 1, "the equal status was not sent");
    agent.stop().await;
}

#[tokio::test]
async fn the_queue_is_bounded_while_the_server_is_away() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    wait_for_full(&mut agent.role).await;
    deliver(&agent.role, 1, 1).await;
    until("the full sync", || server.source().objects.len() == 1).await;
    server.state().refuse_batches = usize::MAX;
    let mut taken = 0;
    let filled = tokio::time::timeout(std::time::Duration::from_secs(3), async {
        loop {
            agent.role.reporter.delta(object(taken, 100_000)).await.unwrap();
            taken += 1;
        }
    });
    assert!(filled.await.is_err(), "the role is held back");
    assert!((30..50).contains(&taken), "about 4 MiB were taken: {taken} × 100 KB");
    server.state().refuse_batches = 0;
    until("what was queued arrived", || server.source().objects.len() >= taken).await;
    agent.stop().await;
}

#[tokio::test]
async fn an_object_larger_than_a_batch_is_an_error_of_that_object() {
    let server = Server::start().await;
    let agent = connected(&server).await;
    let error = agent.role.reporter.delta(object(1, 2_000_000)).await.unwrap_err();
    assert!(matches!(error, ReportError::TooLarge(_)), "{error}");
    agent.stop().await;
}

fn budget(bytes: Option<u64>) -> ItemContent {
    ItemContent::new(uuid::Uuid::nil(), kind::AGENT_SETTINGS, json!({"byteBudgetPerDay": bytes}))
}

#[tokio::test]
async fn a_spent_byte_budget_holds_objects_back_and_neither_the_status_nor_the_session() {
    let server = Server::start().await;
    let mut agent = connected(&server).await;
    wait_for_full(&mut agent.role).await;
    server.desire(1, vec![budget(Some(100))]);
    let status = agent.status.clone();
    until("the budget is known", || status.read().byte_budget == Some(100)).await;
    deliver(&agent.role, 3, 1000).await;
    until("a full delivery goes through in any case", || server.source().objects.len() == 3).await;
    until("the budget is spent", || status.read().pace == Pace::Spent).await;
    agent.role.reporter.delta(object(4, 10)).await.unwrap();
    agent.role.reporter.delta(Delta::tombstone("v1/Pod/ns/0")).await.unwrap();
    agent.role.reporter.status(json!({"told": "after the objects"})).await.unwrap();
    until("the status", || server.source().status.is_some()).await;
    let objects = server.source().objects;
    assert!(
        objects.contains_key("v1/Pod/ns/0") && !objects.contains_key("v1/Pod/ns/4"),
        "seen before the objects"
    );
    let mut told = None;
    while told != Some(Pace::Spent) {
        if let Order::Pace(pace) = agent.role.orders.next().await.unwrap() {
            told = Some(pace);
        }
    }
    assert!(status.read().connected && status.read().bytes_today > 100);

    server.desire(2, vec![budget(None)]);
    until("what waited goes up when there is no budget any more", || {
        let objects = server.source().objects;
        objects.contains_key("v1/Pod/ns/4") && !objects.contains_key("v1/Pod/ns/0")
    })
    .await;
    assert_eq!(status.read().pace, Pace::Usual);
    agent.stop().await;
}

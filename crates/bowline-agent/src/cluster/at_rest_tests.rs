//! What the agent keeps in the cluster: its identity, and the ledger across crashes.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bowline_link::item::{DesiredDocument, ItemContent, Merged};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{fake_api::FakeApi, home::ClusterHome, ledger::ConfigMapLedger};
use crate::{
    home::{Home, HomeError, KeyPem},
    ledger::Ledger,
};

const SECRET: &str = "/api/v1/namespaces/bowline-system/secrets/bowline-agent";
const CONFIG: &str = "/api/v1/namespaces/bowline-system/configmaps/bowline-agent";

fn put_secret(api: &FakeApi, key: &str) {
    api.put(
        SECRET,
        json!({"metadata": {"name": "bowline-agent", "uid": "s"}, "data": {"key.pem": STANDARD.encode(key)}}),
    );
}

fn put_config(api: &FakeApi, principal: &str) {
    let text = json!({"server": "https://s", "tenantId": "t", "resourceId": "/r", "principalId": principal})
        .to_string();
    api.put(CONFIG, json!({"metadata": {"name": "bowline-agent"}, "data": {"agent.json": text}}));
}

async fn home() -> (FakeApi, ClusterHome) {
    let api = FakeApi::start().await;
    let home = ClusterHome::new(api.connection(), "bowline-system");
    (api, home)
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it happens soon")
}

#[tokio::test]
async fn the_agent_finds_its_enrolment_when_both_halves_are_there() {
    let (api, home) = home().await;
    let waiting = tokio::spawn({
        let home = home.clone();
        async move { home.wait_for_enrolment(None).await }
    });
    put_config(&api, "p1");
    // The key comes last; an enrolment without it is none.
    soon(async {
        while api.asked("secrets?watch") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!waiting.is_finished());
    put_secret(&api, "pem");
    assert_eq!(soon(waiting).await.unwrap().principal_id, "p1");
}

#[tokio::test]
async fn an_enrolment_that_is_over_is_not_taken_again_and_a_malformed_one_is_waited_out() {
    let (api, home) = home().await;
    put_config(&api, "p1");
    put_secret(&api, "pem");
    let first = soon(home.wait_for_enrolment(None)).await;
    let waiting = tokio::spawn({
        let home = home.clone();
        async move { home.wait_for_enrolment(Some(&first)).await }
    });
    api.put(CONFIG, json!({"metadata": {"name": "bowline-agent"}, "data": {"agent.json": "{"}}));
    assert!(matches!(home.enrolment().await, Err(HomeError::Malformed { .. })));
    put_config(&api, "p2");
    assert_eq!(soon(waiting).await.unwrap().principal_id, "p2");
}

#[tokio::test]
async fn a_key_is_replaced_in_one_step() {
    let (api, home) = home().await;
    put_secret(&api, "old");
    home.write_next_key(&KeyPem("new".into())).await.unwrap();
    assert_eq!(home.key().await.unwrap(), Some(KeyPem("old".into())));
    assert_eq!(home.next_key().await.unwrap(), Some(KeyPem("new".into())));
    let patches = api.asked("PATCH");
    home.promote_next_key().await.unwrap();
    assert_eq!(api.asked("PATCH"), patches + 1, "one write, so that a crash leaves the one or the other");
    assert_eq!(home.key().await.unwrap(), Some(KeyPem("new".into())));
    assert_eq!(home.next_key().await.unwrap(), None);
    home.promote_next_key().await.unwrap();
    assert_eq!(home.key().await.unwrap(), Some(KeyPem("new".into())));
}

#[tokio::test]
async fn notes_about_the_key_do_not_lose_what_else_is_in_the_enrolment() {
    let (api, home) = home().await;
    let text =
        json!({"server": "https://s", "tenantId": "t", "resourceId": "/r", "principalId": "p", "future": 1})
            .to_string();
    api.put(
        CONFIG,
        json!({"metadata": {"name": "bowline-agent"}, "data": {"agent.json": text, "other": "kept"}}),
    );
    let mut enrolment = home.enrolment().await.unwrap().unwrap();
    enrolment.server = "https://elsewhere".into();
    home.write_enrolment(&enrolment).await.unwrap();
    let map = api.object(CONFIG).unwrap();
    assert_eq!(map["data"]["other"], "kept");
    let written: Value = serde_json::from_str(map["data"]["agent.json"].as_str().unwrap()).unwrap();
    assert_eq!((&written["server"], &written["future"]), (&json!("https://elsewhere"), &json!(1)));
}

#[tokio::test]
async fn the_instance_is_that_of_the_cluster_and_survives_a_restart() {
    let (api, home) = home().await;
    put_secret(&api, "pem");
    api.put("/api/v1/namespaces/kube-system", json!({"metadata": {"name": "kube-system", "uid": "one"}}));
    let first = home.instance().await.unwrap();
    assert_eq!(first.len(), 32);
    assert_eq!(home.instance().await.unwrap(), first);
    api.put("/api/v1/namespaces/kube-system", json!({"metadata": {"name": "kube-system", "uid": "copy"}}));
    assert_ne!(home.instance().await.unwrap(), first);
}

fn document(generation: u64, contents: &[(&str, Value)]) -> DesiredDocument {
    let uid = |kind: &str| Uuid::from_u128(kind.bytes().map(u128::from).sum());
    let items =
        contents.iter().map(|(kind, content)| ItemContent::new(uid(kind), *kind, content.clone())).collect();
    DesiredDocument { epoch: Uuid::from_u128(7), generation, items }
}

fn merged(before: &DesiredDocument, after: &DesiredDocument) -> Merged {
    let known = before.known();
    let line = after.line_for(|hash| known.items.iter().any(|item| item.hash == *hash));
    known.merge(line).unwrap().unwrap()
}

#[tokio::test]
async fn the_ledger_gives_back_what_was_stored_and_keeps_nothing_else() {
    let api = FakeApi::start().await;
    let mut ledger = ConfigMapLedger::new(api.connection(), "bowline-system", "p");
    assert_eq!(ledger.load().await.unwrap(), None);
    let first = document(1, &[("a", json!({"x": 1})), ("b", json!("y"))]);
    ledger.store(&merged(&DesiredDocument::default(), &first)).await.unwrap();
    assert_eq!(ledger.load().await.unwrap(), Some(first.clone()));
    let second = document(2, &[("a", json!({"x": 2}))]);
    ledger.store(&merged(&first, &second)).await.unwrap();
    assert_eq!(ledger.load().await.unwrap(), Some(second));
    assert_eq!(api.paths().len(), 2, "the head and one item: {:?}", api.paths());
    let mut stranger = ConfigMapLedger::new(api.connection(), "bowline-system", "another resource");
    assert_eq!(stranger.load().await.unwrap(), None);
}

#[tokio::test]
async fn a_crash_at_any_moment_leaves_the_old_document_or_the_new_one() {
    let first = document(1, &[("a", json!(1)), ("b", json!(1))]);
    let second = document(2, &[("a", json!(2)), ("b", json!(2)), ("c", json!(2))]);
    // The writes of the second store are refused from the n-th on, as if the process had died there.
    for survived in 0..6 {
        let api = FakeApi::start().await;
        let mut ledger = ConfigMapLedger::new(api.connection(), "bowline-system", "p");
        ledger.store(&merged(&DesiredDocument::default(), &first)).await.unwrap();
        api.die_after_writes(survived);
        let stored = ledger.store(&merged(&first, &second)).await;
        api.die_after_writes(usize::MAX);
        let found = ledger.load().await.unwrap();
        let expected = if survived < 4 { &first } else { &second };
        assert_eq!(found.as_ref(), Some(expected), "after {survived} writes");
        assert!(stored.is_err(), "the sweep's second removal is the sixth write");
        // The next store heals whatever was left behind.
        let third = document(3, &[("a", json!(3))]);
        ledger.store(&merged(expected, &third)).await.unwrap();
        assert_eq!(api.paths().len(), 2, "{:?}", api.paths());
    }
}

#[tokio::test]
async fn a_damaged_ledger_counts_as_none() {
    let api = FakeApi::start().await;
    let mut ledger = ConfigMapLedger::new(api.connection(), "bowline-system", "p");
    let first = document(1, &[("a", json!(1))]);
    ledger.store(&merged(&DesiredDocument::default(), &first)).await.unwrap();
    let item = api.paths().into_iter().find(|path| !path.ends_with("-head")).unwrap();
    api.put(&item, json!({"metadata": {}, "data": {"content": "2"}}));
    assert_eq!(ledger.load().await.unwrap(), None);
    api.delete(&item);
    assert_eq!(ledger.load().await.unwrap(), None);
}

//! The inventory against an API server in memory and a session that writes down what it is told.

use std::{sync::Mutex, time::Duration};

use serde_json::json;
use tokio::{sync::Notify, task::JoinHandle};
use uuid::Uuid;

use super::*;
use crate::cluster::fake_api::FakeApi;
use bowline_link::item::ItemContent;

/// What the session was told, in order.
#[derive(Debug, Clone, PartialEq)]
enum Told {
    Begin,
    Finish,
    Object(String, Value),
    Gone(String),
    Status(Value),
}

/// A session that remembers, and can be told to take nothing.
#[derive(Clone, Default)]
struct Recorder {
    told: Arc<Mutex<Vec<Told>>>,
    news: Arc<Notify>,
    blocked: Arc<tokio::sync::Mutex<()>>,
}

impl Recorder {
    async fn tell(&self, told: Told) {
        let _open = self.blocked.lock().await;
        self.told.lock().unwrap().push(told);
        self.news.notify_one();
    }

    /// Waits until what was told satisfies the condition; fails with what was told.
    async fn until(&self, what: &str, condition: impl Fn(&[Told]) -> bool) -> Vec<Told> {
        let waiting = async {
            loop {
                let told = self.told.lock().unwrap().clone();
                if condition(&told) {
                    return told;
                }
                self.news.notified().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        waited.unwrap_or_else(|_| panic!("{what}: {:#?}", self.told.lock().unwrap()))
    }

    async fn until_finished(&self, times: usize) -> Vec<Told> {
        self.until("a full delivery", |told| {
            told.iter().filter(|told| **told == Told::Finish).count() >= times
        })
        .await
    }

    fn clear(&self) {
        self.told.lock().unwrap().clear();
    }
}

impl Uplink for Recorder {
    async fn status(&mut self, status: Value) -> Result<(), Gone> {
        self.tell(Told::Status(status)).await;
        Ok(())
    }

    async fn delta(&mut self, delta: Delta) -> Result<(), ReportError> {
        let told = match delta.object {
            Some(object) => Told::Object(delta.key, object),
            None => Told::Gone(delta.key),
        };
        self.tell(told).await;
        Ok(())
    }

    async fn begin_full(&mut self) -> Result<(), Gone> {
        self.tell(Told::Begin).await;
        Ok(())
    }

    async fn finish_full(&mut self) -> Result<(), Gone> {
        self.tell(Told::Finish).await;
        Ok(())
    }
}

struct Commands(mpsc::UnboundedReceiver<Order>);

impl Downlink for Commands {
    async fn next(&mut self) -> Result<Order, Gone> {
        self.0.recv().await.ok_or(Gone)
    }
}

struct Bench {
    api: FakeApi,
    session: Recorder,
    orders: mpsc::UnboundedSender<Order>,
    _running: JoinHandle<Gone>,
}

impl Bench {
    async fn start(api: FakeApi) -> Self {
        let (orders, commands) = mpsc::unbounded_channel();
        let session = Recorder::default();
        let running = run(api.connection(), session.clone(), Commands(commands));
        let bench = Self { api, session, orders, _running: tokio::spawn(running) };
        bench.send_everything();
        bench
    }

    fn send_everything(&self) {
        self.orders.send(Order::SendEverything { reason: "the test asks".to_owned() }).unwrap();
    }

    fn settings(&self, content: Value) {
        let items = vec![ItemContent::new(Uuid::nil(), item_kind::AGENT_SETTINGS, content)];
        let document = DesiredDocument { epoch: Uuid::nil(), generation: 1, items };
        self.orders.send(Order::Desired(Arc::new(document))).unwrap();
    }
}

fn pod(name: &str, phase: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n"}, "status": {"phase": phase}})
}

fn pod_path(name: &str) -> String {
    format!("/api/v1/namespaces/n/pods/{name}")
}

fn keys(told: &[Told]) -> Vec<String> {
    let keys = told.iter().filter_map(|told| match told {
        Told::Object(key, _) => Some(format!("+{key}")),
        Told::Gone(key) => Some(format!("-{key}")),
        _ => None,
    });
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys
}

fn statuses(told: &[Told]) -> Vec<Value> {
    told.iter()
        .filter_map(|told| if let Told::Status(status) = told { Some(status.clone()) } else { None })
        .collect()
}

#[tokio::test]
async fn everything_is_delivered_once_and_then_only_what_changes() {
    let api = FakeApi::start().await;
    for n in 0..1200 {
        api.put(&pod_path(&format!("p{n}")), pod(&format!("p{n}"), "Running"));
    }
    api.put("/api/v1/nodes/a", json!({"metadata": {"name": "a"}, "spec": {"providerID": "kind://a"}, "status": {"capacity": {"cpu": "2"}}}));
    let bench = Bench::start(api).await;
    let told = bench.session.until_finished(1).await;
    assert_eq!(told[0], Told::Begin);
    assert_eq!(keys(&told).len(), 1201);
    assert!(
        keys(&told).contains(&"+v1/Pod/n/p7".to_owned()) && keys(&told).contains(&"+v1/Node//a".to_owned())
    );
    assert!(bench.api.asked("/api/v1/pods?limit=500&continue=") == 2, "pages");

    bench.session.clear();
    // Only the revision changes: nothing goes up.
    bench.api.put(&pod_path("p1"), pod("p1", "Running"));
    bench.api.put(&pod_path("p2"), pod("p2", "Failed"));
    bench.api.delete(&pod_path("p3"));
    let told = bench.session.until("two changes", |told| keys(told).len() >= 2).await;
    assert_eq!(keys(&told), ["+v1/Pod/n/p2", "-v1/Pod/n/p3"]);
}

#[tokio::test]
async fn after_a_lost_revision_only_the_difference_goes_up() {
    let api = FakeApi::start().await;
    for name in ["a", "b", "c"] {
        api.put(&pod_path(name), pod(name, "Running"));
    }
    let bench = Bench::start(api).await;
    bench.session.until_finished(1).await;
    bench.session.clear();
    bench.api.refuse("/api/v1/pods", 503);
    bench.api.compact();
    bench.api.delete(&pod_path("a"));
    bench.api.put(&pod_path("b"), pod("b", "Failed"));
    bench.api.put(&pod_path("d"), pod("d", "Running"));
    bench.api.compact();
    bench.api.refuse("/api/v1/pods", 0);
    let told = bench.session.until("the difference", |told| keys(told).len() >= 3).await;
    assert_eq!(keys(&told), ["+v1/Pod/n/b", "+v1/Pod/n/d", "-v1/Pod/n/a"]);
    assert!(!told.contains(&Told::Begin), "no full delivery is needed for that");
}

#[tokio::test]
async fn a_resync_delivers_everything_again_without_having_kept_it() {
    let api = FakeApi::start().await;
    api.put(&pod_path("a"), pod("a", "Running"));
    let bench = Bench::start(api).await;
    bench.session.until_finished(1).await;
    bench.session.clear();
    bench.send_everything();
    let told = bench.session.until_finished(1).await;
    assert_eq!(told.first(), Some(&Told::Begin));
    assert_eq!(keys(&told), ["+v1/Pod/n/a"]);
}

#[tokio::test]
async fn a_burst_goes_up_once_with_its_last_content() {
    let api = FakeApi::start().await;
    let bench = Bench::start(api).await;
    bench.session.until_finished(1).await;
    bench.session.clear();
    for n in 0..50 {
        bench.api.put(&pod_path("a"), pod("a", &n.to_string()));
    }
    let last = |told: &[Told]| matches!(told.last(), Some(Told::Object(_, object)) if object["status"]["phase"] == "49");
    let told = bench.session.until("the last content", last).await;
    assert!(keys(&told).len() <= 2, "{told:?}");
}

#[tokio::test]
async fn a_kind_that_is_forbidden_is_told_and_holds_nothing_up() {
    let api = FakeApi::start().await;
    api.put(&pod_path("a"), pod("a", "Running"));
    api.refuse("/api/v1/services", 403);
    let bench = Bench::start(api).await;
    let told = bench.session.until_finished(1).await;
    assert_eq!(keys(&told), ["+v1/Pod/n/a"]);
    let complains = |told: &[Told]| {
        statuses(told).last().is_some_and(|status| status.to_string().contains("v1/Service is missing"))
    };
    bench.session.until("the complaint", complains).await;
}

#[tokio::test]
async fn facts_follow_the_nodes_and_are_told_only_when_they_change() {
    let node = |name: &str, cpu: &str| {
        json!({"metadata": {"name": name}, "spec": {"providerID": "aws:///x"},
            "status": {"capacity": {"cpu": cpu}, "nodeInfo": {"kubeletVersion": "v1.30.4+k3s1"}}})
    };
    let api = FakeApi::start().await;
    api.put("/api/v1/nodes/a", node("a", "2"));
    api.put("/api/v1/nodes/b", node("b", "2"));
    let bench = Bench::start(api).await;
    let count = |n: u64| {
        move |told: &[Told]| statuses(told).last().is_some_and(|status| status["totalNodeCount"] == n)
    };
    let told = bench.session.until("two nodes", count(2)).await;
    let status = statuses(&told).pop().unwrap();
    assert_eq!((&status["distribution"], &status["infrastructure"]), (&json!("k3s"), &json!("aws")));
    assert_eq!((&status["totalCoreCount"], &status["kubernetesVersion"]), (&json!(4), &json!("1.34.4")));
    bench.api.delete("/api/v1/nodes/b");
    let told = bench.session.until("one node", count(1)).await;
    let counts: Vec<Value> = statuses(&told).iter().map(|status| status["totalNodeCount"].clone()).collect();
    assert_eq!(counts, [json!(2), json!(1)], "never a count of nodes that are still being listed");
}

#[tokio::test]
async fn settings_change_what_is_watched() {
    let api = FakeApi::start().await;
    api.put(&pod_path("a"), pod("a", "Running"));
    api.put(
        "/api/v1/namespaces/n/configmaps/c",
        json!({"metadata": {"name": "c", "namespace": "n"}, "data": {"k": "canary"}}),
    );
    api.put("/api/v1/nodes/a", json!({"metadata": {"name": "a"}}));
    let bench = Bench::start(api).await;
    bench.session.until_finished(1).await;
    bench.session.clear();
    bench.settings(json!({"watchedKinds": ["v1/ConfigMap"]}));
    let told = bench.session.until("the change", |told| keys(told).len() >= 3).await;
    assert_eq!(keys(&told), ["+v1/ConfigMap/n/c", "-v1/Node//a", "-v1/Pod/n/a"]);
    assert!(!format!("{told:?}").contains("canary"));
    // Nodes are still counted, though nobody sees them.
    bench.api.put("/api/v1/nodes/b", json!({"metadata": {"name": "b"}}));
    bench
        .session
        .until("two nodes", |told| statuses(told).last().is_some_and(|status| status["totalNodeCount"] == 2))
        .await;
    bench.session.clear();
    bench.settings(json!({"watchedKinds": ["pods"]}));
    let told = bench.session.until("the complaint", |told| !statuses(told).is_empty()).await;
    assert!(statuses(&told)[0].to_string().contains("`pods` is not a kind"));
    assert!(keys(&told).is_empty(), "the kinds stay as they are");
    bench.settings(json!({}));
    let told = bench.session.until("back to the defaults", |told| keys(told).len() >= 4).await;
    assert_eq!(keys(&told), ["+v1/Node//a", "+v1/Node//b", "+v1/Pod/n/a", "-v1/ConfigMap/n/c"]);
}

#[tokio::test]
async fn only_the_newest_events_go_up() {
    let event = |n: u32| {
        json!({"metadata": {"name": format!("e{n}"), "namespace": "n"},
            "lastTimestamp": jiff::Timestamp::from_second(i64::from(n)).unwrap()})
    };
    let api = FakeApi::start().await;
    for n in 0..1500 {
        api.put(&format!("/api/v1/namespaces/n/events/e{n}"), event(n));
    }
    let bench = Bench::start(api).await;
    let told = bench.session.until_finished(1).await;
    assert_eq!(keys(&told).len(), MAX_EVENTS);
    assert!(
        !keys(&told).contains(&"+v1/Event/n/e499".to_owned())
            && keys(&told).contains(&"+v1/Event/n/e500".to_owned())
    );
    bench.session.clear();
    bench.api.put("/api/v1/namespaces/n/events/e9999", event(9999));
    let told = bench.session.until("one in, one out", |told| keys(told).len() >= 2).await;
    assert_eq!(keys(&told), ["+v1/Event/n/e9999", "-v1/Event/n/e500"]);
}

#[tokio::test]
async fn what_the_session_did_not_take_comes_when_it_takes_again() {
    let api = FakeApi::start().await;
    let bench = Bench::start(api).await;
    bench.session.until_finished(1).await;
    bench.session.clear();
    let closed = bench.session.blocked.clone().lock_owned().await;
    for n in 0..3000 {
        bench.api.put(&pod_path(&format!("p{n}")), json!({"metadata": {"name": format!("p{n}"), "namespace": "n", "labels": {"x": "y".repeat(2000)}}}));
    }
    // What was not taken comes after the session takes again, through a watch or a new list.
    drop(closed);
    bench.session.until("all of it", |told| keys(told).len() == 3000).await;
}

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
    // A node that goes while everything is listed anew is gone, too.
    bench.api.put("/api/v1/nodes/c", node("c", "2"));
    bench.session.until("two nodes again", count(2)).await;
    bench.api.refuse("/api/v1/nodes", 503);
    bench.send_everything();
    bench.api.delete("/api/v1/nodes/c");
    bench.api.refuse("/api/v1/nodes", 0);
    bench.session.until("one node again", count(1)).await;
}

#[tokio::test]
async fn settings_change_what_is_watched() {
    let api = FakeApi::start().await;
    api.put(&pod_path("a"), pod("a", "Running"));
    api.put(
        "/api/v1/namespaces/n/secrets/c",
        json!({"metadata": {"name": "c", "namespace": "n"}, "data": {"k": "canary"}}),
    );
    api.put("/api/v1/nodes/a", json!({"metadata": {"name": "a"}}));
    let bench = Bench::start(api).await;
    bench.session.until_finished(1).await;
    bench.session.clear();
    bench.settings(json!({"watchedKinds": ["v1/Secret"]}));
    let told = bench.session.until("the change", |told| keys(told).len() >= 3).await;
    assert_eq!(keys(&told), ["+v1/Secret/n/c", "-v1/Node//a", "-v1/Pod/n/a"]);
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
    assert_eq!(keys(&told), ["+v1/Node//a", "+v1/Node//b", "+v1/Pod/n/a", "-v1/Secret/n/c"]);
}

#[tokio::test]
async fn while_bytes_are_short_events_rest_and_the_difference_follows() {
    let api = FakeApi::start().await;
    let event = |name: &str| json!({"metadata": {"name": name, "namespace": "n"}, "lastTimestamp": "2026-01-01T00:00:00Z"});
    let event_path = |name: &str| format!("/api/v1/namespaces/n/events/{name}");
    api.put(&event_path("old"), event("old"));
    let bench = Bench::start(api).await;
    bench.session.until_finished(1).await;
    bench.session.clear();
    bench.orders.send(Order::Pace(Pace::Saving)).unwrap();
    let says_so = |told: &[Told]| {
        statuses(told)
            .last()
            .is_some_and(|status| status["arcAgentProfile"].to_string().contains("byte budget"))
    };
    bench.session.until("the condition", says_so).await;
    bench.api.put(&event_path("new"), event("new"));
    bench.api.delete(&event_path("old"));
    bench.api.put(&pod_path("p"), pod("p", "Running"));
    bench.api.put("/api/v1/nodes/a", json!({"metadata": {"name": "a"}}));
    let counted = |told: &[Told]| statuses(told).last().is_some_and(|status| status["totalNodeCount"] == 1);
    let told = bench.session.until("the node in the status", counted).await;
    assert!(keys(&told).is_empty(), "objects are gathered, and events rest: {told:?}");
    bench.orders.send(Order::Pace(Pace::Usual)).unwrap();
    let told = bench.session.until("the difference", |told| keys(told).len() >= 4 && !says_so(told)).await;
    assert_eq!(keys(&told), ["+v1/Event/n/new", "+v1/Node//a", "+v1/Pod/n/p", "-v1/Event/n/old"]);

    bench.orders.send(Order::Pace(Pace::Spent)).unwrap();
    bench.send_everything();
    let told = bench.session.until_finished(1).await;
    assert!(keys(&told).contains(&"+v1/Event/n/new".to_owned()), "a full delivery has the events: {told:?}");
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

/// Numbers its values, so that a leak names the place it came from.
#[derive(Default)]
struct Canaries(u32);

impl Canaries {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("canary{:02}", self.0)
    }

    fn encoded(&mut self) -> String {
        use base64::Engine as _;
        let text = self.next();
        // Both forms are looked for: base64 of a text at a fixed offset is a fixed text.
        base64::engine::general_purpose::STANDARD.encode(text)
    }
}

fn plant(api: &FakeApi, c: &mut Canaries) {
    let put = |path: &str, mut object: Value, c: &mut Canaries| {
        let copy = json!({"data": {"password": c.encoded()}}).to_string();
        object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = copy.into();
        object["metadata"]["managedFields"] =
            json!([{"manager": "kubectl", "fieldsV1": {"f:data": {c.next(): {}}}}]);
        api.put(path, object);
    };
    let secret = |name: &str, kind: &str, c: &mut Canaries| {
        json!({"metadata": {"name": name, "namespace": "n", "annotations": {"note": c.next()}},
            "type": kind, "data": {"value": c.encoded()}, "stringData": {"value": c.next()}})
    };
    for (name, kind) in [
        ("opaque", "Opaque"),
        ("sh.helm.release.v1.web.v1", "helm.sh/release.v1"),
        ("tls", "kubernetes.io/tls"),
    ] {
        put(&format!("/api/v1/namespaces/n/secrets/{name}"), secret(name, kind, c), c);
    }
    let helm = json!({"metadata": {"name": "web.v1", "namespace": "n", "labels": {"OWNER": "TILLER", "owner": "helm"}},
        "data": {"release": c.encoded()}});
    put("/api/v1/namespaces/n/configmaps/web.v1", helm, c);
    let map = json!({"metadata": {"name": "conf", "namespace": "n"}, "data": {"app.conf": c.next(), "db": format!("postgres://u:{}@h", c.next())},
        "binaryData": {"blob": c.encoded()}});
    put("/api/v1/namespaces/n/configmaps/conf", map, c);
    let pod_spec = |c: &mut Canaries| {
        let container = |c: &mut Canaries| {
            json!({"name": "c", "image": "i",
                "args": [format!("--dsn=postgres://u:{}@h/d", c.next()), format!("--api-token={}", c.next())],
                "env": [{"name": "PLAIN", "value": c.next()}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "readinessProbe": {"httpGet": {"path": "/", "httpHeaders": [{"name": "Authorization", "value": c.next()}]}}})
        };
        json!({"containers": [container(c)], "initContainers": [container(c)]})
    };
    let template = |c: &mut Canaries| json!({"metadata": {"annotations": {"app/password": c.next()}}, "spec": pod_spec(c)});
    let named = |name: &str| json!({"name": name, "namespace": "n"});
    put(
        "/api/v1/namespaces/n/pods/p",
        json!({"metadata": named("p"), "spec": pod_spec(c), "status": {"containerStatuses":
        [{"name": "c", "lastState": {"terminated": {"exitCode": 1, "message": c.next()}}}]}}),
        c,
    );
    put(
        "/apis/apps/v1/namespaces/n/deployments/d",
        json!({"metadata": named("d"), "spec": {"template": template(c)}}),
        c,
    );
    put(
        "/apis/batch/v1/namespaces/n/cronjobs/j",
        json!({"metadata": named("j"), "spec": {"jobTemplate": {"spec": {"template": template(c)}}}}),
        c,
    );
    put(
        "/api/v1/namespaces/n/services/s",
        json!({"metadata": {"name": "s", "namespace": "n",
        "annotations": {"example.org/dsn": format!("redis://:{}@h", c.next())}}}),
        c,
    );
    put(
        "/api/v1/namespaces/n/events/e",
        json!({"metadata": named("e"), "message": format!("pull https://u:{}@r/i failed", c.next())}),
        c,
    );
    api.put(
        "/apis/example.org/v1",
        json!({"resources": [{"name": "databases", "kind": "Database", "namespaced": true}]}),
    );
    put(
        "/apis/example.org/v1/namespaces/n/databases/db",
        json!({"metadata": named("db"), "spec": {"password": c.next(),
        "env": {"KEY": c.next()}, "extraEnv": [format!("K={}", c.next())],
        "bootstrap": [{"apiVersion": "v1", "kind": "Secret", "stringData": {"a": c.next()}}]}}),
        c,
    );
}

#[tokio::test]
async fn of_fifty_canaries_none_leaves_the_cluster() {
    let api = FakeApi::start().await;
    let mut canaries = Canaries::default();
    plant(&api, &mut canaries);
    assert!(canaries.0 >= 50, "{} planted", canaries.0);
    let bench = Bench::start(api).await;
    let kinds = [
        "v1/Secret",
        "v1/ConfigMap",
        "v1/Pod",
        "apps/v1/Deployment",
        "batch/v1/CronJob",
        "v1/Service",
        "v1/Event",
        "example.org/v1/Database",
    ];
    bench.settings(json!({ "watchedKinds": kinds }));
    let told = bench.session.until("all eleven objects", |told| {
        let last = |key: &str| keys(told).iter().any(|told| told.ends_with(key));
        ["tls", "opaque", "release.v1.web.v1", "conf", "/web.v1", "/p", "/d", "/j", "/s", "/e", "/db"]
            .iter()
            .all(|key| last(key))
    });
    let told = format!("{:?}", told.await);
    let encoded = "Y2FuYXJ5";
    assert!(!told.contains("canary") && !told.contains(encoded), "{told}");
    assert!(told.contains("secretKeyRef") && told.contains("PLAIN"), "the rest of the objects is there");
}

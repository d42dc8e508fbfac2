//! One kind's watch as the inventory sees it: objects are redacted, hashed and named here, before anything else sees them.

use std::sync::Arc;
use std::time::Duration;

use bowline_kubernetes::watch::{Event, Scope, Sink, Stopped, watch_scope};
use bowline_kubernetes::{
    ClusterError, Connection, KindName, MAX_OBJECT_BYTES, NodeFacts, Rules, identity_of, observe_node,
    redact, resolve,
};
use bowline_link::{item::ContentHash, observed::json_size};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

/// How long to wait before asking again for a kind that the cluster does not serve.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same for a kind that it need not have: a quiet cluster stays quiet.
const LOOK_AGAIN_SELDOM: Duration = Duration::from_mins(15);

/// What happened, and in which watch.
#[derive(Debug)]
pub(super) struct Change {
    /// The number of the watch; changes of a watch that was ended are left alone.
    pub watch: u32,
    pub what: What,
}

#[derive(Debug)]
pub(super) enum What {
    ListBegan,
    ListEnded,
    /// An object as it may leave the cluster.
    Object(Box<Seen>),
    /// The object of this name is gone.
    Absent(Box<str>),
    Failed(ClusterError),
    /// The API server's version, and which cluster it is; of no watch.
    Cluster {
        version: String,
        uid: Option<String>,
    },
}

#[derive(Debug)]
pub(super) struct Seen {
    /// `namespace/name`; the namespace is empty for what has none.
    pub name: Box<str>,
    pub hash: ContentHash,
    pub object: Value,
    /// What a node says of the cluster.
    pub node: Option<NodeFacts>,
}

/// Which kinds have rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Node,
    Event,
    ReplicaSet,
    Ordinary,
}

impl Nature {
    pub(super) fn of(kind: &KindName) -> Self {
        match (kind.group(), kind.kind()) {
            ("", "Node") => Self::Node,
            ("" | "events.k8s.io", "Event") => Self::Event,
            ("apps", "ReplicaSet") => Self::ReplicaSet,
            _ => Self::Ordinary,
        }
    }
}

/// Watches a kind until the inventory does not listen any more.
pub(super) async fn watch_kind(
    connection: Connection,
    kind: KindName,
    watch: u32,
    listing: Arc<Semaphore>,
    changes: mpsc::Sender<Change>,
) {
    let mut sink = KindSink { nature: Nature::of(&kind), kind, watch, changes };
    let served = loop {
        match resolve(&connection, &sink.kind).await {
            Ok(served) => break served,
            Err(error) => {
                let missing = error.is_missing() && sink.kind.is_optional();
                if sink.send(What::Failed(error)).await.is_err() {
                    return;
                }
                tokio::time::sleep(if missing { LOOK_AGAIN_SELDOM } else { LOOK_AGAIN }).await;
            }
        }
    };
    watch_scope(&connection, &Scope::all(&served), &listing, &mut sink).await;
}

struct KindSink {
    kind: KindName,
    nature: Nature,
    watch: u32,
    changes: mpsc::Sender<Change>,
}

impl KindSink {
    async fn send(&self, what: What) -> Result<(), Stopped> {
        self.changes.send(Change { watch: self.watch, what }).await.map_err(|_| Stopped)
    }

    fn see(&self, raw: Value) -> What {
        let name = name_of(&raw);
        if self.nature == Nature::ReplicaSet && is_retired(&raw) {
            return What::Absent(name);
        }
        let node = (self.nature == Nature::Node).then(|| observe_node(&raw));
        let mut object = redact(&self.kind, raw, Rules::default());
        let bytes = json_size(&object);
        if bytes > MAX_OBJECT_BYTES {
            object = identity_of(&object, bytes);
        }
        What::Object(Box::new(Seen { name, hash: ContentHash::of(&object), object, node }))
    }
}

impl Sink for KindSink {
    async fn take(&mut self, event: Event) -> Result<(), Stopped> {
        let what = match event {
            Event::ListBegan => What::ListBegan,
            Event::ListEnded => What::ListEnded,
            Event::Object(raw) => self.see(raw),
            Event::Deleted(raw) => What::Absent(name_of(&raw)),
            Event::Failed { error, retry_in } => {
                let again_in = retry_in.as_secs();
                // A revision that is gone is how a long watch ends.
                if matches!(error, ClusterError::Gone { .. }) {
                    tracing::debug!(kind = %self.kind, %error, "the kind is listed again");
                } else {
                    tracing::warn!(kind = %self.kind, %error, advice = error.advice(), again_in, "a kind cannot be watched");
                }
                What::Failed(error)
            }
        };
        self.send(what).await
    }
}

fn name_of(object: &Value) -> Box<str> {
    let text = |member: &str| object.pointer(member).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("/metadata/namespace"), text("/metadata/name")).into()
}

/// A ReplicaSet that a rollout left behind: it says nothing that its Deployment does not.
fn is_retired(replica_set: &Value) -> bool {
    let number = |member: &str| replica_set.pointer(member).and_then(Value::as_i64);
    number("/spec/replicas") == Some(0) && number("/status/replicas").unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn see(kind: &str, raw: Value) -> What {
        let (changes, _kept) = mpsc::channel(1);
        let kind = KindName::parse(kind).unwrap();
        KindSink { nature: Nature::of(&kind), kind, watch: 1, changes }.see(raw)
    }

    #[test]
    fn objects_are_redacted_before_they_are_hashed() {
        let pod = |secret: &str, version: &str| {
            json!({"metadata": {"name": "p", "namespace": "n", "resourceVersion": version},
                "spec": {"containers": [{"env": [{"name": "A", "value": secret}]}]}})
        };
        let (What::Object(first), What::Object(second)) =
            (see("v1/Pod", pod("x", "1")), see("v1/Pod", pod("y", "2")))
        else {
            panic!("both are objects")
        };
        assert_eq!((&*first.name, first.hash), ("n/p", second.hash));
        assert_eq!(first.object["kind"], "Pod");
    }

    #[test]
    fn replica_sets_of_past_rollouts_are_absent() {
        let set = |wanted: u32, there: u32| json!({"metadata": {"name": "r", "namespace": "n"}, "spec": {"replicas": wanted}, "status": {"replicas": there}});
        assert!(matches!(see("apps/v1/ReplicaSet", set(0, 0)), What::Absent(_)));
        assert!(matches!(see("apps/v1/ReplicaSet", set(0, 1)), What::Object(_)));
        assert!(matches!(see("apps/v1/ReplicaSet", set(1, 0)), What::Object(_)));
    }

    #[test]
    fn an_object_that_is_too_large_leaves_as_its_identity() {
        let huge = json!({"metadata": {"name": "c"}, "spec": {"text": "x".repeat(MAX_OBJECT_BYTES)}});
        let What::Object(seen) = see("example.org/v1/Huge", huge) else { panic!("an object") };
        assert_eq!(&*seen.name, "/c");
        assert!(seen.object["bowlineOmittedBytes"].as_u64().unwrap() > MAX_OBJECT_BYTES as u64);
    }
}

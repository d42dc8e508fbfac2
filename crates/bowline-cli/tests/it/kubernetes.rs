//! A Kubernetes API server in miniature: versions, rights, and objects by server-side apply.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::server::{Answer, Call, Server};

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) objects: BTreeMap<String, Value>,
    /// Rights that are refused, as `verb resource`.
    pub(crate) denied: Vec<String>,
    /// Refuses to store an object whose path ends so.
    pub(crate) broken: Option<&'static str>,
    /// What becomes of a Deployment; it is ready at once when nothing is said.
    pub(crate) rollout: Option<Value>,
    /// What the agent's pod says.
    pub(crate) log: String,
}

pub(crate) struct Cluster {
    model: Arc<Mutex<Model>>,
    pub(crate) url: String,
    pub(crate) kubeconfig: String,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let model = Arc::new(Mutex::new(Model::default()));
        let shared = Arc::clone(&model);
        let server = Server::start(move |call| shared.lock().unwrap().answer(&call));
        let authority = BASE64_STANDARD.encode(&server.ca_pem);
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: edge\nclusters:\n- name: edge\n  cluster:\n    server: {}\n    \
             certificate-authority-data: {authority}\nusers:\n- name: me\n  user:\n    token: canary-kube-token\ncontexts:\n\
             - name: edge\n  context: {{cluster: edge, user: me}}\n",
            server.url
        );
        Self { model, url: server.url, kubeconfig }
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    pub(crate) fn object(&self, kind: &str) -> Option<Value> {
        self.model().objects.get(&format!("/api/v1/namespaces/bowline-system/{kind}/bowline-agent")).cloned()
    }
}

fn status(code: u16, reason: &str, message: &str) -> Answer {
    Answer::new(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {},
        "code": code, "reason": reason, "message": message}),
    )
}

/// The core kinds that can be listed.
const KINDS: [(&str, &str); 4] = [
    ("configmaps", "ConfigMap"),
    ("secrets", "Secret"),
    ("pods", "Pod"),
    ("serviceaccounts", "ServiceAccount"),
];
const COLLECTIONS: [&str; 6] =
    ["/configmaps", "/secrets", "/pods", "/serviceaccounts", "/deployments", "/events"];

fn resource((name, kind): (&str, &str)) -> Value {
    json!({"name": name, "kind": kind, "namespaced": true, "verbs": ["get", "list", "delete"]})
}

/// What an apply and a merge patch do alike.
fn merge(object: &mut Value, patch: &Value) {
    match patch {
        Value::Object(members) => {
            if !object.is_object() {
                *object = json!({});
            }
            members.iter().for_each(|(name, member)| merge(&mut object[name.as_str()], member));
        }
        other => *object = other.clone(),
    }
}

impl Model {
    fn list(&self, path: &str, selector: &str) -> Vec<&Value> {
        let prefix = format!("{path}/");
        let wanted = |object: &Value| {
            selector
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .all(|(key, value)| object["metadata"]["labels"][key] == value)
        };
        self.objects
            .iter()
            .filter(|(key, object)| {
                key.strip_prefix(&prefix).is_some_and(|name| !name.contains('/')) && wanted(object)
            })
            .map(|(_, object)| object)
            .collect()
    }

    fn answer(&mut self, call: &Call) -> Answer {
        if call.authorization != "Bearer canary-kube-token" {
            return status(401, "Unauthorized", "Unauthorized");
        }
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/version") => {
                Answer::new(200, json!({"major": "1", "minor": "34", "gitVersion": "v1.34.4"}))
            }
            ("GET", "/api/v1/nodes") => Answer::new(200, json!({"items": [{"metadata": {"name": "n1"}}]})),
            ("POST", path) if path.ends_with("/selfsubjectaccessreviews") => {
                let asked = call.json()["spec"]["resourceAttributes"].clone();
                let right =
                    format!("{} {}", asked["verb"].as_str().unwrap(), asked["resource"].as_str().unwrap());
                Answer::new(201, json!({"status": {"allowed": !self.denied.contains(&right)}}))
            }
            ("POST", path) if path.ends_with("/pods") => {
                // It runs, says what it has to say, and ends.
                let mut pod = call.json();
                pod["status"] = json!({"phase": "Succeeded"});
                let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
                self.objects.insert(format!("{path}/{name}"), pod.clone());
                Answer::new(201, pod)
            }
            ("PATCH", path) if self.broken.is_some_and(|end| path.ends_with(end)) => {
                status(500, "InternalError", "etcdserver: request timed out")
            }
            ("PATCH", path) => {
                let object = self.objects.entry(path.to_owned()).or_default();
                merge(object, &call.json());
                if path.contains("/deployments/") {
                    // A controller that is always done at once.
                    object["metadata"]["generation"] = 1.into();
                    object["status"] = self.rollout.clone().unwrap_or_else(|| {
                        json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1})
                    });
                }
                Answer::new(200, object.clone())
            }
            ("GET", "/apis") => Answer::new(
                200,
                json!({"groups": [{"name": "apps", "preferredVersion": {"groupVersion": "apps/v1"}}]}),
            ),
            ("GET", "/api/v1") => Answer::new(200, json!({"resources": KINDS.map(resource)})),
            ("GET", "/apis/apps/v1") => {
                Answer::new(200, json!({"resources": [resource(("deployments", "Deployment"))]}))
            }
            ("GET", path) if path.ends_with("/log") => Answer::text(&self.log),
            ("GET", path) => match self.objects.get(path) {
                Some(found) => Answer::new(200, found.clone()),
                None if COLLECTIONS.iter().any(|kind| path.ends_with(kind)) => {
                    Answer::new(200, json!({"items": self.list(path, &call.field("labelSelector"))}))
                }
                None => status(404, "NotFound", "not found"),
            },
            ("DELETE", path) => match self.objects.remove(path) {
                Some(_) => Answer::new(
                    200,
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Success", "metadata": {}, "code": 200}),
                ),
                None => status(404, "NotFound", "not found"),
            },
            _ => status(405, "MethodNotAllowed", "not allowed"),
        }
    }
}

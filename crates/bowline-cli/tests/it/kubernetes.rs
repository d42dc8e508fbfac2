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

impl Model {
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
            ("PATCH", path) if self.broken.is_some_and(|end| path.ends_with(end)) => {
                status(500, "InternalError", "etcdserver: request timed out")
            }
            ("PATCH", path) => {
                self.objects.insert(path.to_owned(), call.json());
                Answer::new(200, call.json())
            }
            ("GET", path) if path.ends_with("/configmaps") => {
                let items: Vec<&Value> =
                    self.objects.iter().filter(|(p, _)| p.starts_with(path)).map(|(_, o)| o).collect();
                Answer::new(200, json!({"items": items}))
            }
            ("GET", path) => match self.objects.get(path) {
                Some(found) => Answer::new(200, found.clone()),
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

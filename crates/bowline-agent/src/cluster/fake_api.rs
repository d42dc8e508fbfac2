//! An API server in memory for tests: lists in pages, watches from a revision, compaction, refusals.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};

use bowline_kubernetes::Connection;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

type Body = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Default)]
struct State {
    revision: u64,
    /// What is older is forgotten: a watch from there is refused with 410.
    compacted: u64,
    objects: BTreeMap<String, Value>,
    log: Vec<(u64, &'static str, String, Value)>,
    refusals: HashMap<String, u16>,
    requests: Vec<String>,
    /// How many more writes succeed.
    writes_left: Option<usize>,
}

/// The server. Clones are the same one.
#[derive(Clone)]
pub(super) struct FakeApi {
    state: Arc<Mutex<State>>,
    changed: Arc<watch::Sender<u64>>,
    address: String,
}

impl FakeApi {
    /// Listens on loopback until the test's runtime ends.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let api = Self { state: Arc::default(), changed: Arc::new(watch::Sender::new(0)), address };
        let serving = api.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let api = serving.clone();
                let service = service_fn(move |request| api.clone().answer(request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        api
    }

    pub(super) fn connection(&self) -> Connection {
        Connection::at(&self.address).unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes or changes the object at this path, for instance `/api/v1/namespaces/n/pods/p`.
    pub(super) fn put(&self, path: &str, mut object: Value) {
        let mut state = self.state();
        state.revision += 1;
        let revision = state.revision;
        object["metadata"]["resourceVersion"] = json!(revision.to_string());
        let event = if state.objects.insert(path.to_owned(), object.clone()).is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        state.log.push((revision, event, path.to_owned(), object));
        drop(state);
        self.changed.send_replace(revision);
    }

    /// Removes the object at this path.
    pub(super) fn delete(&self, path: &str) {
        let mut state = self.state();
        state.revision += 1;
        let revision = state.revision;
        let Some(object) = state.objects.remove(path) else { return };
        state.log.push((revision, "DELETED", path.to_owned(), object));
        drop(state);
        self.changed.send_replace(revision);
    }

    /// Forgets the past, and ends every watch with 410.
    pub(super) fn compact(&self) {
        let mut state = self.state();
        state.revision += 1;
        state.compacted = state.revision;
        state.log.clear();
        let revision = state.revision;
        drop(state);
        self.changed.send_replace(revision);
    }

    /// Answers requests for this collection with an error from now on; 0 ends that.
    pub(super) fn refuse(&self, collection: &str, code: u16) {
        self.state().refusals.insert(collection.to_owned(), code);
    }

    /// Lets so many more writes through and refuses those after.
    pub(super) fn die_after_writes(&self, writes: usize) {
        self.state().writes_left = Some(writes);
    }

    /// Whether a write may happen.
    fn may_write(&self) -> bool {
        let mut state = self.state();
        let left = state.writes_left.unwrap_or(usize::MAX);
        state.writes_left = Some(if left == usize::MAX { left } else { left.saturating_sub(1) });
        left > 0
    }

    /// The object at a path.
    pub(super) fn object(&self, path: &str) -> Option<Value> {
        self.state().objects.get(path).cloned()
    }

    /// Every path that exists.
    pub(super) fn paths(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    /// How many requests contained this text.
    pub(super) fn asked(&self, text: &str) -> usize {
        self.state().requests.iter().filter(|request| request.contains(text)).count()
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().replace("%2D", "-");
        let query: HashMap<String, String> =
            url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        self.state().requests.push(format!("{} {}", head.method, head.uri));
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let refusal = self.state().refusals.get(&path).copied().filter(|code| *code > 0);
        if let Some(code) = refusal {
            return Ok(status(code));
        }
        if head.method != http::Method::GET && !self.may_write() {
            return Ok(status(500));
        }
        Ok(match head.method.as_str() {
            "GET" if path == "/version" => json_body(200, &json!({"gitVersion": "v1.34.4"})),
            "GET" if query.contains_key("watch") => self.watch(&path, &query),
            "GET" => match self.object(&path) {
                Some(object) => json_body(200, &object),
                None if is_collection(&path) => json_body(200, &self.list(&path, &query)),
                None => status(404),
            },
            "PATCH" => {
                let patch: Value = serde_json::from_slice(&body).unwrap();
                let mut object = self.object(&path).unwrap_or(json!({}));
                merge(&mut object, &patch);
                self.put(&path, object.clone());
                json_body(200, &object)
            }
            "DELETE" => {
                self.delete(&path);
                json_body(200, &json!({}))
            }
            _ => status(405),
        })
    }

    fn list(&self, collection: &str, query: &HashMap<String, String>) -> Value {
        let state = self.state();
        let limit: usize = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let from = query.get("continue").cloned().unwrap_or_default();
        let all = state.objects.iter().filter(|(path, object)| {
            collection_of(path, collection) && **path > from && is_selected(object, query)
        });
        let page: Vec<(&String, &Value)> = all.take(limit.saturating_add(1)).collect();
        let next = page.get(limit).and(page.get(limit.wrapping_sub(1))).map(|(path, _)| (*path).clone());
        let items: Vec<&Value> = page.into_iter().take(limit).map(|(_, object)| object).collect();
        json!({"metadata": {"resourceVersion": state.revision.to_string(), "continue": next.unwrap_or_default()}, "items": items})
    }

    fn watch(&self, collection: &str, query: &HashMap<String, String>) -> Response<Body> {
        let from: u64 = query.get("resourceVersion").and_then(|from| from.parse().ok()).unwrap_or(0);
        let (api, changed) = (self.clone(), self.changed.subscribe());
        let (collection, query) = (collection.to_owned(), query.clone());
        let lines = futures::stream::unfold((from, changed), move |(mut from, mut changed)| {
            let (api, collection, query) = (api.clone(), collection.clone(), query.clone());
            async move {
                loop {
                    changed.borrow_and_update();
                    let text = api.lines_after(&mut from, &collection, &query);
                    if !text.is_empty() {
                        return Some((Ok(Frame::data(Bytes::from(text))), (from, changed)));
                    }
                    changed.changed().await.ok()?;
                }
            }
        });
        Response::new(StreamBody::new(lines).boxed_unsync())
    }

    fn lines_after(&self, from: &mut u64, collection: &str, query: &HashMap<String, String>) -> String {
        let state = self.state();
        if *from < state.compacted {
            *from = u64::MAX;
            return format!(
                "{}\n",
                json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}})
            );
        }
        let (mut text, since) = (String::new(), *from);
        for (revision, event, path, object) in state.log.iter().filter(|(revision, ..)| *revision > since) {
            if collection_of(path, collection) && is_selected(object, query) {
                text.push_str(&format!("{}\n", json!({"type": event, "object": object})));
            }
            *from = *revision;
        }
        text
    }
}

/// Whether a path is that of an object in a collection, over all namespaces or in one.
fn collection_of(path: &str, collection: &str) -> bool {
    let Some((parent, _)) = path.rsplit_once('/') else { return false };
    let anywhere = parent.split_once("/namespaces/").and_then(|(base, rest)| {
        let (_, plural) = rest.split_once('/')?;
        Some(format!("{base}/{plural}"))
    });
    parent == collection || anywhere.as_deref() == Some(collection)
}

fn is_collection(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.ends_with('s') && !last.contains('-'))
}

fn is_selected(object: &Value, query: &HashMap<String, String>) -> bool {
    query
        .get("fieldSelector")
        .is_none_or(|selector| object["metadata"]["name"].as_str() == selector.strip_prefix("metadata.name="))
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *into = patch.clone();
        return;
    };
    for (key, value) in members {
        if value.is_null() {
            into.as_object_mut().map(|object| object.remove(key));
        } else {
            merge(&mut into[key], value);
        }
    }
}

fn json_body(code: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

fn status(code: u16) -> Response<Body> {
    json_body(code, &json!({"kind": "Status", "code": code, "message": format!("refused with {code}")}))
}

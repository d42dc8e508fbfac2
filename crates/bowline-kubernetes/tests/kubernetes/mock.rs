//! An API server that follows a script: each request must be the next one expected, and gets its answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bowline_kubernetes::Connection;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, channel::Channel, combinators::BoxBody};
use kube::client::Body;
use serde_json::Value;

type Answer = (u16, BoxBody<Bytes, std::io::Error>);

/// What was asked, and what is to be answered.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Script {
    /// The next answer is this JSON.
    pub(crate) fn answer(&self, code: u16, body: Value) -> &Self {
        let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed();
        self.answers.lock().unwrap().push_back((code, body));
        self
    }

    /// The next answer is a stream of lines that ends.
    pub(crate) fn lines(&self, lines: &[Value]) -> &Self {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
        self.answers.lock().unwrap().push_back((200, body));
        self
    }

    /// The next answer stays open, and gets what is sent into the channel.
    pub(crate) fn open(&self) -> http_body_util::channel::Sender<Bytes, std::io::Error> {
        let (sender, body) = Channel::new(16);
        self.answers.lock().unwrap().push_back((200, body.boxed()));
        sender
    }

    /// Method, path with query, and body of each request so far.
    pub(crate) fn asked(&self) -> Vec<(String, String, String)> {
        self.asked.lock().unwrap().clone()
    }

    /// A connection to this server.
    pub(crate) fn connection(&self) -> Connection {
        let script = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let script = script.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
                let body = String::from_utf8_lossy(&body).into_owned();
                script.asked.lock().unwrap().push((head.method.to_string(), head.uri.to_string(), body));
                let answer = script.answers.lock().unwrap().pop_front();
                let Some((code, body)) = answer else {
                    // The script is over: whoever still asks waits for ever.
                    return std::future::pending().await;
                };
                Ok::<_, std::io::Error>(Response::builder().status(code).body(body).unwrap())
            }
        });
        Connection::from_client(kube::Client::new(service, "default"), "https://mock")
    }
}

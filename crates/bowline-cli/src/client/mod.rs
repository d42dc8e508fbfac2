//! HTTP to the server: one place that sends, shows (`--debug`), retries what the server asked to retry, and turns
//! what went wrong into a [`Failure`].
//!
//! [`Client`] knows HTTP only; [`Arm`] adds the caller's token, api-versions, pages and long-running operations.

mod arm;
mod debug;
mod refusal;
pub(crate) mod types;

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::config::{Settings, host};
use crate::failure::{Failure, Kind, Result};
use crate::tls;
pub(crate) use arm::{Arm, Deletion, Wait};

/// No answer that the command reads is larger.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// How often a refusal that names a time (429, 503) is tried again.
const RETRIES: u32 = 4;
/// The longest time between two tries that the server can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What is sent with a request.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    None,
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// A header's value, when it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long the server asks to wait; none when it does not, or names a date.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
    }
}

/// HTTP to one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    pub(crate) server: Url,
    debug: bool,
}

impl Client {
    /// A client for the server of the settings.
    pub(crate) fn new(settings: &Settings, debug: bool) -> Result<Self> {
        let server = settings.require_server()?.clone();
        let pem = settings
            .ca_file
            .as_deref()
            .map(|path| host::read_input(path, "the server's certificate authority").map(|pem| (path, pem)));
        let pem = pem.transpose()?;
        let config = tls::client_config(pem.as_ref().map(|(path, pem)| (*path, pem.as_str())))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .user_agent(concat!("bowline/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(90))
            // A redirect could carry a token elsewhere; the API has none.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                Failure::new(Kind::Service, "the HTTP client could not start").why(chain(&error))
            })?;
        Ok(Self { http, server, debug })
    }

    /// Sends, and waits and sends again while the server says when to.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        token: Option<&str>,
        headers: &[(&'static str, String)],
        body: &Body,
    ) -> Result<Reply> {
        let mut tries = 0;
        loop {
            let reply = self.send_once(method.clone(), url.clone(), token, headers, body).await?;
            let busy =
                matches!(reply.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            match reply.retry_after() {
                Some(delay) if busy && tries < RETRIES => tokio::time::sleep(delay).await,
                _ => return Ok(reply),
            }
            tries += 1;
        }
    }

    async fn send_once(
        &self,
        method: Method,
        url: Url,
        token: Option<&str>,
        headers: &[(&'static str, String)],
        body: &Body,
    ) -> Result<Reply> {
        if self.debug {
            debug::request(&method, &url, token.is_some(), headers, body);
        }
        let mut request = self.http.request(method, url.clone()).header("accept", "application/json");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = match body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Form(fields) => request.form(fields),
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(refusal::unreachable(&self.server, &error).await),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = self.read(response).await?;
        let body = refusal::read_body(&bytes);
        if self.debug {
            debug::reply(status, &headers, &body);
        }
        Ok(Reply { status, headers, body })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => {
                    return Err(Failure::new(Kind::Service, "the server's answer is too large")
                        .why("at most 64 MiB are read")
                        .next("ask for less: name a group, a kind or a namespace"));
                }
                Ok(None) => return Ok(bytes),
                Err(error) => {
                    return Err(Failure::new(
                        Kind::Unreachable,
                        "the connection ended in the middle of an answer",
                    )
                    .why(chain(&error))
                    .next("run the command again"));
                }
            }
        }
    }

    /// An address on this server; only the path and query of a link count, so that a token never leaves for another
    /// host and a server known by two names can be used by either.
    pub(crate) fn on_server(&self, link: &str) -> Result<Url> {
        let parsed = self.server.join(link).map_err(|error| {
            Failure::new(Kind::Service, "the server sent a link that is not an address")
                .why(error.to_string())
        })?;
        let mut url = self.server.clone();
        url.set_path(parsed.path());
        url.set_query(parsed.query());
        Ok(url)
    }
}

/// An error with its causes, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        source = cause.source();
    }
    parts.join(": ")
}

pub(crate) use refusal::refused;

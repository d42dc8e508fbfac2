//! The HTTP client to one server: its certificate, its proxy, its errors in the words of the user, and the measured
//! difference of the clocks.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Certificate, NoProxy, Proxy as HttpProxy, RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::{VERSION, clock, home::Enrolment};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an ordinary request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The most that is read of an answer that is not a session.
const MAX_ANSWER: usize = 1024 * 1024;

/// Why a request did not get the answer it wanted.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("the address '{address}' is not a server's URL: use https://host[:port]")]
    Address { address: String },
    #[error("the certificate file holds no usable PEM certificate")]
    Certificate {
        #[source]
        source: reqwest::Error,
    },
    #[error("the proxy '{url}' is not usable")]
    Proxy {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the HTTP client could not be set up")]
    Client {
        #[source]
        source: reqwest::Error,
    },
    #[error("{server} could not be reached: {reason}")]
    Unreachable {
        server: String,
        /// The innermost cause, which is what a person needs.
        reason: String,
    },
    #[error("{server} gave no answer within {seconds} s")]
    NoAnswer { server: String, seconds: u64 },
    #[error("the server refused ({status} {code}): {message}{named}")]
    Refused {
        status: StatusCode,
        code: String,
        message: String,
        retry_after: Option<Duration>,
        /// By which id the server's log names the request, in brackets; or nothing.
        named: String,
        /// The whole body, for callers that know its shape.
        body: Vec<u8>,
    },
    #[error("the server's answer is not understood: {reason}")]
    Answer { reason: String },
}

impl RequestError {
    /// The status of a refusal.
    pub fn status(&self) -> Option<StatusCode> {
        if let Self::Refused { status, .. } = self { Some(*status) } else { None }
    }

    /// The server's wish for when to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        if let Self::Refused { code, .. } = self { Some(code) } else { None }
    }
}

/// A client for one server.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    /// Server's clock minus ours, in seconds.
    clock_offset: AtomicI64,
}

impl Client {
    /// A client for the server of an enrolment.
    pub fn new(enrolment: &Enrolment) -> Result<Self, RequestError> {
        Self::with_idle(enrolment, 2)
    }

    /// A client that keeps up to so many idle connections, for a process that is many agents.
    pub fn with_idle(enrolment: &Enrolment, idle: usize) -> Result<Self, RequestError> {
        let address = || RequestError::Address { address: enrolment.server.clone() };
        let server = Url::parse(enrolment.server.trim_end_matches('/')).map_err(|_| address())?;
        if !matches!(server.scheme(), "https" | "http") || server.host_str().is_none() {
            return Err(address());
        }
        // HTTP/1.1 only: a session leaves HTTP by an upgrade, which HTTP/2 does not have.
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .user_agent(concat!("bowline-agent/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &enrolment.ca_pem {
            let certificates = Certificate::from_pem_bundle(pem.as_bytes());
            let certificates = certificates.map_err(|source| RequestError::Certificate { source })?;
            builder = builder.tls_certs_only(certificates);
        }
        if let Some(url) = &enrolment.proxy.url {
            let proxy =
                HttpProxy::all(url).map_err(|source| RequestError::Proxy { url: url.clone(), source })?;
            builder =
                builder.proxy(proxy.no_proxy(NoProxy::from_string(&enrolment.proxy.no_proxy.join(","))));
        }
        let http = builder.build().map_err(|source| RequestError::Client { source })?;
        Ok(Self { http, server, clock_offset: AtomicI64::new(0) })
    }

    /// The server's URL.
    pub fn server(&self) -> &Url {
        &self.server
    }

    /// A URL below the server's.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.as_str().trim_end_matches('/'))
    }

    /// A request below the server's URL, with the agent's headers.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.url(path))
            .header(bowline_link::wire::AGENT_HEADER, VERSION)
            .header(bowline_link::wire::PROTOCOL_HEADER, bowline_link::PROTOCOL)
    }

    /// The server's clock, as far as it is known.
    pub fn server_now(&self) -> Timestamp {
        let offset = SignedDuration::from_secs(self.clock_offset.load(Ordering::Relaxed));
        clock::now().checked_add(offset).unwrap_or_else(|_| clock::now())
    }

    /// The server's clock minus ours, in seconds.
    pub fn clock_offset(&self) -> i64 {
        self.clock_offset.load(Ordering::Relaxed)
    }

    /// Sends a request and takes the answer's head, whatever its status.
    pub async fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<Response, RequestError> {
        let answer = tokio::time::timeout(timeout, request.send()).await;
        let server = || self.server.to_string();
        let answer =
            answer.map_err(|_| RequestError::NoAnswer { server: server(), seconds: timeout.as_secs() })?;
        let answer = answer.map_err(|error| self.unreachable(innermost(&error)))?;
        self.measure_clock(&answer);
        Ok(answer)
    }

    /// Sends a request that is to be answered with 2xx, and gives the body.
    pub async fn call(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), RequestError> {
        let answer = self.send(request, REQUEST_TIMEOUT).await?;
        if !answer.status().is_success() {
            return Err(self.refusal(answer).await);
        }
        let status = answer.status();
        Ok((status, self.body(answer).await?))
    }

    /// Sends a request that is to be answered with 2xx and JSON.
    pub async fn call_json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RequestError> {
        let (_, body) = self.call(request).await?;
        serde_json::from_slice(&body).map_err(|error| RequestError::Answer { reason: error.to_string() })
    }

    /// Reads a bounded body.
    pub async fn body(&self, mut answer: Response) -> Result<Vec<u8>, RequestError> {
        let mut body = Vec::new();
        let read = async {
            while let Some(chunk) =
                answer.chunk().await.map_err(|error| self.unreachable(innermost(&error)))?
            {
                if body.len() + chunk.len() > MAX_ANSWER {
                    return Err(RequestError::Answer {
                        reason: format!("it is longer than {MAX_ANSWER} bytes"),
                    });
                }
                body.extend_from_slice(&chunk);
            }
            Ok(())
        };
        let read = tokio::time::timeout(REQUEST_TIMEOUT, read).await;
        read.map_err(|_| self.unreachable("the answer did not end".to_owned()))??;
        Ok(body)
    }

    /// A refusal in the server's words: ARM's error shape, OAuth's, or whatever a proxy says.
    pub async fn refusal(&self, answer: Response) -> RequestError {
        let status = answer.status();
        let retry_after =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let correlation = answer
            .headers()
            .get("x-ms-correlation-request-id")
            .and_then(|id| id.to_str().ok())
            .filter(|id| id.len() <= 64);
        let named = correlation.map_or_else(String::new, |id| format!(" (correlation id {id})"));
        let body = match self.body(answer).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        let (code, message) = refusal_words(status, &body);
        RequestError::Refused { status, code, message, retry_after, named, body }
    }

    /// A failure to reach the server.
    pub fn unreachable(&self, reason: String) -> RequestError {
        RequestError::Unreachable { server: self.server.to_string(), reason }
    }

    fn measure_clock(&self, answer: &Response) {
        let date = answer.headers().get(header::DATE).and_then(|value| value.to_str().ok());
        let Some(theirs) = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok()) else { return };
        let offset = theirs.timestamp().as_second() - clock::now().as_second();
        // The header has whole seconds and the answer took a while: a difference of 2 s means nothing.
        self.clock_offset.store(if offset.abs() <= 2 { 0 } else { offset }, Ordering::Relaxed);
    }
}

fn refusal_words(status: StatusCode, body: &[u8]) -> (String, String) {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape {
        Arm {
            error: ArmError,
        },
        OAuth {
            error: String,
            #[serde(default)]
            error_description: String,
        },
    }
    #[derive(Deserialize)]
    struct ArmError {
        code: String,
        #[serde(default)]
        message: String,
    }
    match serde_json::from_slice(body) {
        Ok(Shape::Arm { error }) => (error.code, error.message),
        Ok(Shape::OAuth { error, error_description }) => (error, error_description),
        Err(_) => {
            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned();
            (status.canonical_reason().unwrap_or("").to_owned(), text)
        }
    }
}

/// The innermost cause of an error: "connection refused" rather than "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

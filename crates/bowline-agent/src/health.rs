//! The agent's health, status and Prometheus metrics, over plain HTTP on an address of its own host.
//!
//! `/healthz` says that the process lives, `/readyz` that there is a session, `/status` how it goes (JSON), `/metrics` the same
//! as numbers. Nothing there is secret, and nothing there changes anything.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::session::status::StatusBoard;

/// More askers than this wait.
const MAX_CONNECTIONS: usize = 8;
/// How long an asker may take to ask.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a whole exchange may take.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// A listener that answers until its task is dropped.
#[derive(Debug)]
pub struct Health {
    listener: TcpListener,
    address: SocketAddr,
}

impl Health {
    /// Listens; port 0 takes any.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers for ever.
    pub async fn serve(self, status: StatusBoard) {
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let permit = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            let connection = match self.listener.accept().await {
                Ok((connection, _)) => connection,
                Err(error) => {
                    tracing::warn!(%error, "a health connection was not accepted");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            let status = status.clone();
            tokio::spawn(async move {
                let answer = move |request| {
                    let status = status.clone();
                    async move { Ok::<_, Infallible>(answer(&request, &status)) }
                };
                let service = hyper::service::service_fn(answer);
                let mut builder = http1::Builder::new();
                builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(false);
                let exchange = builder.serve_connection(TokioIo::new(connection), service);
                // Whoever asked and went away needs no answer.
                let _ = tokio::time::timeout(EXCHANGE_TIMEOUT, exchange).await;
                drop(permit);
            });
        }
    }
}

fn answer(request: &Request<Incoming>, status: &StatusBoard) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
    }
    let reading = status.read();
    match request.uri().path() {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if reading.connected => text(StatusCode::OK, "connected\n"),
        "/readyz" => {
            let reason = reading.last_error.map_or_else(|| "connecting".to_owned(), |error| error.message);
            text(StatusCode::SERVICE_UNAVAILABLE, format!("not connected: {reason}\n"))
        }
        "/status" => {
            let json = serde_json::to_vec(&reading).expect("a status is made of strings and numbers");
            typed(StatusCode::OK, "application/json", json)
        }
        "/metrics" => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            typed(StatusCode::OK, kind, metrics(status).into_bytes())
        }
        _ => text(StatusCode::NOT_FOUND, "try /healthz, /readyz, /status or /metrics\n"),
    }
}

fn text(status: StatusCode, body: impl Into<String>) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body.into().into_bytes())
}

fn typed(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static(content_type);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, content_type);
    response
}

/// The metrics as text.
pub fn metrics(status: &StatusBoard) -> String {
    let reading = status.read();
    let seconds = |at: Option<jiff::Timestamp>| at.map_or(0, |at| at.as_second());
    let mut registry = Registry::with_prefix("bowline_agent");
    let mut gauge =
        |name: &str, help: &str, value: i64| registry.register(name, help, ConstGauge::new(value));
    gauge("connected", "Whether there is a session", i64::from(reading.connected));
    gauge(
        "generation",
        "Generation of the desired document",
        i64::try_from(reading.generation).unwrap_or(i64::MAX),
    );
    gauge(
        "last_acknowledged_timestamp_seconds",
        "When the server last took a report",
        seconds(reading.last_acknowledged),
    );
    gauge("key_expiry_timestamp_seconds", "When the agent's key lapses", seconds(reading.key_expires_on));
    gauge("clock_offset_seconds", "The server's clock minus this host's", reading.clock_offset_seconds);
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    gauge(
        "pace",
        "How sparing the agent is: 0 as usual, 1 saving, 2 the day's budget is spent",
        reading.pace as i64,
    );
    gauge("sent_today", "Bytes sent since midnight UTC", number(reading.bytes_today));
    if let Some(budget) = reading.byte_budget {
        gauge("byte_budget", "Bytes that may be sent in a day", number(budget));
    }
    let mut counter =
        |name: &str, help: &str, value: u64| registry.register(name, help, ConstCounter::new(value));
    counter("sessions_opened", "Sessions opened since the start", reading.sessions_opened);
    counter("acknowledged_batches", "Reports that the server took", reading.acknowledged_batches);
    counter("resyncs", "Full syncs that the server asked for", reading.resyncs);
    let mut bytes = |name: &str, help: &str, value: u64| {
        registry.register_with_unit(name, help, Unit::Bytes, ConstCounter::new(value));
    };
    bytes("received", "Bytes of session lines and polls", reading.bytes_in);
    bytes("sent", "Bytes of session lines and reports", reading.bytes_out);
    let mut out = String::new();
    encode(&mut out, &registry).expect("writing to a String cannot fail");
    out
}

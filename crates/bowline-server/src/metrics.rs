//! The server's own metrics: rate, errors and duration per route and method, sessions, the head of the record.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Bounds of the durations, in seconds.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// Labels of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    /// `arm`, `identity`, `agents`, `events`, `portal`, `health`.
    pub route: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// The first digit of the status, as `2xx`.
    pub status: &'static str,
}

/// Labels of a duration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    /// See [`Request`].
    pub route: &'static str,
    /// HTTP method.
    pub method: &'static str,
}

/// All metrics.
pub struct Metrics {
    registry: Registry,
    /// Requests that were answered.
    pub requests: Family<Request, Counter>,
    /// How long they took.
    pub durations: Family<Route, Histogram, fn() -> Histogram>,
    /// Agents' sessions.
    pub sessions: Gauge,
    /// The newest revision.
    pub revision: Gauge<u64, AtomicU64>,
    /// TLS handshakes that failed.
    pub handshake_failures: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bowline_server");
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        let metrics = Self {
            requests: Family::default(),
            durations,
            sessions: Gauge::default(),
            revision: Gauge::default(),
            handshake_failures: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests that were answered", metrics.requests.clone());
        registry.register(
            "request_duration_seconds",
            "Time from request head to response head",
            metrics.durations.clone(),
        );
        registry.register("agent_sessions", "Open sessions of agents", metrics.sessions.clone());
        registry.register("revision", "The newest revision of the record", metrics.revision.clone());
        registry.register(
            "handshake_failures",
            "TLS handshakes that failed",
            metrics.handshake_failures.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// OpenMetrics text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(_) => String::new(),
        }
    }
}

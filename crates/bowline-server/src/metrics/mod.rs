//! The server's own metrics in OpenMetrics: rate, errors and duration per route and resource type, commits, and what [`live`] reads when asked.
//!
//! # Design notes
//! - Every label has a bounded set of values: routes and methods are fixed, types are those of the registry (`other` for the rest), reasons are
//!   the codes of errors.
//! - What somebody else knows already (sessions, queues, limits, the process) is read at the moment of the scrape, so that there is one
//!   source for it.

mod live;

use std::sync::Arc;

use bowline_control::Control;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::limits::Gates;

/// Bounds of the durations, in seconds.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// The type of a request that concerns none, and of one that concerns a type which is not in the registry.
pub const NO_TYPE: &str = "none";
/// See [`NO_TYPE`].
pub const OTHER_TYPE: &str = "other";

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// What a request was about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    /// `arm`, `graph`, `identity`, `agents`, `events`, `registry`, `openapi`, `portal`, `health`.
    pub route: &'static str,
    /// A type of the registry, [`OTHER_TYPE`] or [`NO_TYPE`].
    pub resource_type: &'static str,
    /// HTTP method.
    pub method: &'static str,
}

/// Labels of a request that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    /// See [`Route`].
    pub route: &'static str,
    /// See [`Route`].
    pub resource_type: &'static str,
    /// See [`Route`].
    pub method: &'static str,
    /// HTTP status.
    pub status: u16,
}

/// Labels of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Refusal {
    /// The error's code, as in docs/reference/errors.md.
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
    commit: &'static str,
    protocol: String,
}

/// All metrics.
pub struct Metrics {
    registry: Registry,
    /// Requests that were answered.
    pub requests: Family<Request, Counter>,
    /// How long they took.
    pub durations: Family<Route, Histogram, fn() -> Histogram>,
    /// Requests that are not answered yet.
    pub under_way: Gauge,
    /// Requests that were answered with an error.
    pub refusals: Family<Refusal, Counter>,
    /// TLS handshakes that failed.
    pub handshake_failures: Counter,
}

impl Metrics {
    /// Of this application, built from this commit.
    #[must_use]
    pub fn new(control: &Arc<Control>, gates: &Gates, commit: &'static str) -> Self {
        let mut all = Registry::default();
        all.register_collector(Box::new(live::Process));
        let registry = all.sub_registry_with_prefix("bowline_server");
        registry.register_collector(Box::new(live::Live(Arc::clone(control))));
        let build = Build {
            version: env!("CARGO_PKG_VERSION"),
            commit,
            protocol: bowline_link::PROTOCOL.to_string(),
        };
        registry.register("build", "What runs", Info::new(build));
        let connections = &gates.connections;
        let help = "Open connections, those of agents' sessions included";
        registry.register("connections", help, connections.count.clone());
        let help = "Connections that were closed at once, because there were too many";
        registry.register("connections_refused", help, connections.refused.clone());
        let tunnels = &gates.tunnels;
        registry.register("tunnels", "Open tunnels to clusters", tunnels.open.clone());
        let help = "Requests under way through tunnels";
        registry.register("tunnel_streams", help, tunnels.streams.clone());
        registry.register_collector(Box::new(live::Traffic(Arc::clone(&tunnels.traffic))));
        let store = control.store().figures();
        registry.register("commits", "Commits, by how they ended", store.commits.clone());
        registry.register(
            "commit_duration_seconds",
            "Time from handing in a commit to its fate",
            store.commit_seconds.clone(),
        );
        registry.register(
            "commit_batch_size",
            "Commits and observations of one transaction",
            store.batch_size.clone(),
        );
        registry.register(
            "commit_batch_duration_seconds",
            "Time of one transaction, its flush included",
            store.batch_seconds.clone(),
        );
        Self::register(all)
    }

    /// Adds what this module counts itself.
    fn register(mut all: Registry) -> Self {
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        let metrics = Self {
            requests: Family::default(),
            durations,
            under_way: Gauge::default(),
            refusals: Family::default(),
            handshake_failures: Counter::default(),
            registry: Registry::default(),
        };
        let registry = all.sub_registry_with_prefix("bowline_server");
        registry.register("requests", "Requests that were answered", metrics.requests.clone());
        registry.register(
            "request_duration_seconds",
            "Time from request head to response head",
            metrics.durations.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests that are not answered yet",
            metrics.under_way.clone(),
        );
        registry.register(
            "refusals",
            "Requests that were answered with an error, by its code",
            metrics.refusals.clone(),
        );
        registry.register(
            "handshake_failures",
            "TLS handshakes that failed",
            metrics.handshake_failures.clone(),
        );
        Self { registry: all, ..metrics }
    }

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

/// Counts one up, and down again when it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// One more.
    #[must_use]
    pub fn up(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

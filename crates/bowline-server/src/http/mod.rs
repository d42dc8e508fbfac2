//! The routes. Everything that is not named here is ARM's and goes to [`arm`].

mod activity;
pub mod agents;
pub mod arc_config;
pub mod arm;
pub mod body;
pub mod budget;
pub mod call;
pub mod context;
pub mod descriptions;
pub mod error;
pub mod events;
pub mod gate;
pub mod graph;
pub mod health;
pub mod identity;
pub mod inventory;
pub mod pages;
pub mod pieces;
pub mod portal;
pub mod registry;
pub mod repeat;
mod resource_manager;
pub mod session;
pub mod tunnel;
pub mod upstream;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use bowline_control::Control;
use bowline_control::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::limits::Gates;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::tunnel::Tunnels;

/// What every handler shares.
pub struct State {
    /// The application.
    pub control: Arc<Control>,
    /// How many requests each principal may still send.
    pub budgets: budget::Budgets,
    /// The server's metrics.
    pub metrics: Arc<Metrics>,
    /// What holds the limits.
    pub gates: Arc<Gates>,
    /// Read once per request.
    pub clock: Clock,
    /// Set when the server stops.
    pub stopping: CancellationToken,
    /// What agents' hosts can pull.
    pub registry: Registry,
    /// Tunnels to agents.
    pub tunnels: Arc<Tunnels>,
    /// The local certificate authority (PEM) that clients are to trust; none when the operator brought a certificate.
    pub authority: Option<Vec<u8>>,
}

impl State {
    /// The shared state.
    #[must_use]
    pub fn new(
        control: Arc<Control>,
        metrics: Arc<Metrics>,
        gates: Arc<Gates>,
        clock: Clock,
        stopping: CancellationToken,
        registry: Registry,
        authority: Option<Vec<u8>>,
    ) -> Self {
        let budgets = budget::Budgets::new(control.settings().budgets);
        let tunnels = Arc::new(Tunnels::new(Arc::clone(&control), &gates));
        Self { control, budgets, metrics, gates, clock, stopping, registry, tunnels, authority }
    }
}

/// A route that is not ARM's, asked with a method that it does not have; the router adds `Allow`.
async fn wrong_method(method: http::Method, uri: http::Uri) -> error::ApiError {
    let path: String = uri.path().chars().take(256).collect();
    error::ApiError(bowline_arm::Error::new(
        405,
        "MethodNotAllowed",
        format!("{method} is not possible on '{path}'. Allow lists what is."),
    ))
}

/// Into clusters.
fn clusters() -> Router<Arc<State>> {
    Router::new()
        .route(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters/{cluster}/proxy/{*path}",
            get(tunnel::pass).post(tunnel::pass).put(tunnel::pass).patch(tunnel::pass).delete(tunnel::pass),
        )
}

/// All routes.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .merge(identity::routes())
        .route("/dataplane/config/azure-arc-k8sagents/healthCheck", post(arc_config::health_check))
        .route("/dataplane/config/azure-arc-k8sagents/GetHelmSettings", post(arc_config::helm_settings))
        .route(
            "/dataplane/config/azure-arc-k8sagents/GetLatestHelmPackagePath",
            post(arc_config::latest_package),
        )
        .route("/v2/", get(registry::base).fallback(registry::refuse))
        .route("/v2/{*path}", get(registry::get).fallback(registry::refuse))
        .route("/upstream/login", get(upstream::login))
        .route("/upstream/callback", get(upstream::callback))
        .route("/upstream/device", post(upstream::device))
        .route("/agents/v1/session", get(session::open))
        .route("/agents/v1/observed", post(agents::observed))
        .route("/agents/v1/rotateKey", post(agents::rotate_key))
        .route("/agents/v1/self", get(agents::own))
        .route("/agents/v1/tunnel", get(tunnel::arrive))
        .merge(clusters())
        .route("/portal/login", get(portal::login))
        .route("/portal/callback", get(portal::callback))
        .route("/portal/session", get(portal::session))
        .route("/portal/logout", post(portal::logout))
        .route("/portal", get(portal::index))
        .route("/portal/", get(portal::index))
        .route("/portal/{*path}", get(portal::file))
        .route(
            "/v1.0/{*path}",
            get(graph::handle).post(graph::handle).patch(graph::handle).delete(graph::handle),
        )
        .route("/openapi", get(descriptions::list))
        .route("/openapi/{*path}", get(descriptions::one))
        .method_not_allowed_fallback(wrong_method)
        .fallback(arm::handle)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), upstream::offer))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), gate::admit))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), context::observe))
        .with_state(state)
}

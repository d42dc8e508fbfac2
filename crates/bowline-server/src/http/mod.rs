//! The routes. Everything that is not named here is ARM's and goes to [`arm`].

pub mod agents;
pub mod arc_config;
pub mod arm;
pub mod context;
pub mod error;
pub mod events;
pub mod graph;
pub mod health;
pub mod identity;
pub mod inventory;
pub mod pages;
pub mod portal;
pub mod registry;
pub mod session;
pub mod upstream;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use bowline_control::Control;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::registry::Registry;

/// What every handler shares.
pub struct State {
    /// The application.
    pub control: Arc<Control>,
    /// The server's metrics.
    pub metrics: Arc<Metrics>,
    /// Read once per request.
    pub clock: fn() -> Timestamp,
    /// Set when the server stops.
    pub stopping: CancellationToken,
    /// What agents' hosts can pull.
    pub registry: Registry,
    /// The local certificate authority (PEM) that clients are to trust; none when the operator brought a certificate.
    pub authority: Option<Vec<u8>>,
}

impl State {
    /// The shared state.
    #[must_use]
    pub fn new(
        control: Arc<Control>,
        metrics: Arc<Metrics>,
        clock: fn() -> Timestamp,
        stopping: CancellationToken,
        registry: Registry,
        authority: Option<Vec<u8>>,
    ) -> Self {
        Self { control, metrics, clock, stopping, registry, authority }
    }
}

/// All routes.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(identity::discovery))
        .route("/{tenant}/discovery/v2.0/keys", get(identity::keys))
        .route("/{tenant}/oauth2/v2.0/token", post(identity::token))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(identity::device_code))
        .route("/{tenant}/oauth2/v2.0/authorize", get(identity::authorize_page).post(identity::authorize))
        .route("/device", get(identity::device_page).post(identity::decide_device))
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
        .fallback(arm::handle)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), upstream::offer))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), context::observe))
        .with_state(state)
}

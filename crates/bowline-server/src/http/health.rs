//! `/healthz`, `/readyz` and `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::State;
use super::context::{authenticate, challenge};

/// The process lives.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers and the server takes requests.
pub async fn readyz(Shared(state): Shared<Arc<State>>) -> Response {
    if state.stopping.is_cancelled() || state.control.fleet().is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if let Err(error) = state.control.authorization().current() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", error.message)).into_response();
    }
    match state.control.store().head().await {
        Ok(head) => (
            StatusCode::OK,
            format!("ok\nrevision {}\nsessions {}\n", head.revision, state.control.sessions().count()),
        )
            .into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("the database does not answer: {error}\n"))
            .into_response(),
    }
}

/// Prometheus text; from elsewhere than loopback only for who may.
pub async fn metrics(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let loopback = parts.extensions.get::<ConnectInfo<SocketAddr>>().is_some_and(|c| c.0.ip().is_loopback());
    if !loopback {
        let allowed = match authenticate(&state, &parts).await {
            Ok((context, _)) => state.control.authorization().snapshot().await.require(
                &context,
                "Microsoft.Bowline/metrics/read",
                "/",
            ),
            Err(error) => Err(error),
        };
        if let Err(error) = allowed {
            return challenge(&state, error);
        }
    }
    (
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        state.metrics.render(),
    )
        .into_response()
}

//! The API server as the other side of a tunnel.

use std::sync::Arc;

use bowline_kubernetes::{Access, Passage};
use bowline_tunnel::{Body, BoxError};
use futures::future::BoxFuture;
use http::{Request, Response};

use crate::{home::chain, session};

impl session::Passage for Passage {
    fn send(&self, request: Request<Body>) -> BoxFuture<'_, Result<Response<Body>, BoxError>> {
        Passage::send(self, request)
    }
}

/// Opens the way, when tunnels are wanted. Without one the agent does everything else.
pub(super) async fn open(access: &Access, wanted: bool) -> Option<Arc<dyn session::Passage>> {
    if !wanted {
        return None;
    }
    match Passage::open(access).await {
        Ok(passage) => Some(Arc::new(passage)),
        Err(error) => {
            tracing::warn!(error = chain(&error), "no tunnels to this cluster's API server");
            None
        }
    }
}

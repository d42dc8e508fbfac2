//! A way to the API server for requests that are passed on as they are: any method, any path, bodies piece by piece, upgrades.
//!
//! # Design notes
//! - HTTP/1.1, a connection per request under way: over HTTP/2 the API server lets the hundredth stream wait without a word.
//! - The buffers of a connection are small, because a reader that stands still must not hold more than its stream's window.
//! - Headers that a kubeconfig adds (`as`, say) are not added: whoever passes a request on says as whom.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::ConfigExt as _;
use tower::util::{BoxCloneSyncService, option_layer};
use tower::{BoxError, ServiceBuilder, ServiceExt as _};

use crate::connection::{Access, settled_config};
use crate::error::{ClusterError, from_kube};

/// Bytes that a connection reads ahead.
const READ_AHEAD: usize = 32 << 10;
/// How long a connection without a request is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How many of those.
const MAX_IDLE: usize = 8;

/// The body of a request or an answer.
pub type Passing = UnsyncBoxBody<Bytes, BoxError>;

/// An answer that is awaited.
pub type Sending = Pin<Box<dyn Future<Output = Result<Response<Passing>, BoxError>> + Send>>;

/// See the module. Cloning is cheap.
#[derive(Clone)]
pub struct Passage {
    service: BoxCloneSyncService<Request<Passing>, Response<Passing>, BoxError>,
}

impl Passage {
    /// Reads the configuration. Nothing is sent yet.
    pub async fn open(access: &Access) -> Result<Self, ClusterError> {
        let config = settled_config(access).await?;
        let server = config.cluster_url.to_string();
        if config.proxy_url.is_some() {
            let why =
                "the way to its API server leads through a proxy, through which requests cannot be passed on";
            return Err(ClusterError::Unreachable { server, why: why.to_owned() });
        }
        let refuse = |error| from_kube(error, &server);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(MAX_IDLE);
        builder.http1_max_buf_size(READ_AHEAD);
        let client = builder.build::<_, Passing>(config.rustls_https_connector().map_err(refuse)?);
        let service = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .map_err(BoxError::from)
            .layer(option_layer(config.auth_layer().map_err(refuse)?))
            .map_err(BoxError::from)
            .map_response(|response: Response<hyper::body::Incoming>| {
                response.map(|body| body.map_err(Into::into).boxed_unsync())
            })
            .service(client);
        Ok(Self { service: BoxCloneSyncService::new(service) })
    }

    /// Sends a request; a path and a query is all that its URI needs.
    pub fn send(&self, request: Request<Passing>) -> Sending {
        Box::pin(self.service.clone().oneshot(request))
    }
}

//! A connection to one cluster: from a kubeconfig and context, or from inside a pod.
//!
//! Requests are plain: a path, and JSON as text or value. The typed clients of `kube` would hold whole object
//! models in memory and in the binary, and the agent never needs a type: it passes objects on.
//!
//! Design notes: environment variables that a proxy decision needs (`NO_PROXY`) come in through [`Access`], because
//! a library that reads its environment cannot be tested. `kube` compares `NO_PROXY` with the proxy's own address,
//! so the decision is made here again.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{ClusterError, chain, from_kube, from_transport};

/// The field manager of everything that Bowline applies.
pub const FIELD_MANAGER: &str = "bowline-agent";
/// The field manager of what installs the agent: another one, because who applies an object again gives up what it leaves out, and
/// the agent's Secret is installed without what the agent keeps in it.
pub const INSTALLER: &str = "bowline-install";
/// How much of one answer is read at most; a page of 500 objects stays far below it.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long an ordinary request may take; watches have their own limit.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Which cluster is meant, and as whom.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// A kubeconfig file; without it `KUBECONFIG`, `~/.kube/config` and then the pod's service account are tried.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; without it the current one.
    pub context: Option<String>,
    /// The value of `NO_PROXY`, so that a proxy for the way out is not used on the way to the cluster.
    pub no_proxy: Option<String>,
    /// Act as this user, for instance `system:serviceaccount:bowline-system:bowline-agent`, to prove its rights.
    pub impersonate: Option<String>,
}

/// A client for one cluster. Cloning is cheap.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    server: String,
    namespace: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Two providers may be linked into one program, and rustls then refuses to choose; ours is ring.
fn choose_provider() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

impl Connection {
    /// Reads the configuration and builds the client. Nothing is sent yet.
    pub async fn open(access: &Access) -> Result<Self, ClusterError> {
        let mut config = settled_config(access).await?;
        if access.impersonate.is_some() {
            config.auth_info.impersonate = access.impersonate.clone();
        }
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| match error {
            kube::Error::InferKubeconfig(error) => ClusterError::Kubeconfig(chain(&error)),
            other => from_kube(other, &server),
        })?;
        Ok(Self { client, server, namespace })
    }

    /// An API server that asks for no credentials, for instance `kubectl proxy` on loopback.
    pub fn at(server: &str) -> Result<Self, ClusterError> {
        let address =
            server.parse().map_err(|_| ClusterError::Kubeconfig(format!("`{server}` is not an address")))?;
        choose_provider();
        let mut config = Config::new(address);
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|error| from_kube(error, server))?;
        Ok(Self::from_client(client, server))
    }

    /// Wraps a client that exists already; tests hand in one on a mock service.
    pub fn from_client(client: Client, server: impl Into<String>) -> Self {
        let namespace = client.default_namespace().to_owned();
        Self { client, server: server.into(), namespace }
    }

    /// The API server's address, for messages.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The namespace of the context, or the pod's own.
    pub fn default_namespace(&self) -> &str {
        &self.namespace
    }

    /// GET as a JSON value.
    pub async fn get(&self, path: &str) -> Result<Value, ClusterError> {
        self.get_as(path).await
    }

    /// GET, decoded.
    pub async fn get_as<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClusterError> {
        let answer = self.get_bytes(path).await?;
        serde_json::from_slice(&answer).map_err(|error| ClusterError::BadAnswer(error.to_string()))
    }

    /// GET as bytes, read once into one buffer: pages of a list are large.
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes, ClusterError> {
        self.exchange(Method::GET, path, None, Bytes::new()).await
    }

    /// The API server's clock, as the `Date` of an answer says it (RFC 9110); nothing when the answer has none.
    pub async fn date(&self) -> Result<Option<String>, ClusterError> {
        let response = self.open_stream("/version").await?;
        let date = response.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
        Ok(date.map(str::to_owned))
    }

    /// GET as a JSON value, or nothing when there is no such object.
    pub async fn find(&self, path: &str) -> Result<Option<Value>, ClusterError> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClusterError> {
        self.send_json(Method::POST, path, "application/json", body).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ClusterError> {
        self.send_json(Method::PUT, path, "application/json", body).await
    }

    /// PATCH with a JSON merge patch.
    pub async fn merge_patch(&self, path: &str, body: &Value) -> Result<Value, ClusterError> {
        self.send_json(Method::PATCH, path, "application/merge-patch+json", body).await
    }

    /// PATCH as a server-side apply of a field manager. With `force` fields of other managers are taken over.
    pub async fn apply_patch(
        &self,
        path: &str,
        body: &Value,
        manager: &str,
        force: bool,
    ) -> Result<Value, ClusterError> {
        let path = format!("{path}?fieldManager={manager}&force={force}");
        self.send_json(Method::PATCH, &path, "application/apply-patch+yaml", body).await
    }

    /// DELETE; gone already is as good as deleted.
    pub async fn delete(&self, path: &str) -> Result<(), ClusterError> {
        match self.exchange(Method::DELETE, path, None, Bytes::new()).await {
            Ok(_) | Err(ClusterError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Opens a response whose body is read by the caller, piece by piece; used by watches.
    pub async fn open_stream(&self, path: &str) -> Result<Response<Body>, ClusterError> {
        let request = self.request(Method::GET, path, None, Bytes::new())?;
        let opening = tokio::time::timeout(REQUEST_TIMEOUT, self.client.send(request));
        let response =
            opening.await.map_err(|_| self.timed_out())?.map_err(|error| from_kube(error, &self.server))?;
        self.refuse_errors(response).await
    }

    async fn send_json(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: &Value,
    ) -> Result<Value, ClusterError> {
        let answer = self.exchange(method, path, Some(kind), Bytes::from(body.to_string())).await?;
        serde_json::from_slice(&answer).map_err(|error| ClusterError::BadAnswer(error.to_string()))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        kind: Option<&str>,
        body: Bytes,
    ) -> Result<Bytes, ClusterError> {
        let request = self.request(method, path, kind, body)?;
        let work = async {
            let response = self.client.send(request).await.map_err(|error| from_kube(error, &self.server))?;
            let response = self.refuse_errors(response).await?;
            self.read_all(response).await
        };
        tokio::time::timeout(REQUEST_TIMEOUT, work).await.map_err(|_| self.timed_out())?
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        kind: Option<&str>,
        body: Bytes,
    ) -> Result<Request<Body>, ClusterError> {
        let mut request = Request::builder().method(method).uri(path).header("accept", "application/json");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let body = if body.is_empty() { Body::empty() } else { Body::from(body.to_vec()) };
        request
            .body(body)
            .map_err(|error| ClusterError::BadAnswer(format!("`{path}` is not a path: {error}")))
    }

    async fn refuse_errors(&self, response: Response<Body>) -> Result<Response<Body>, ClusterError> {
        let code = response.status();
        if !code.is_client_error() && !code.is_server_error() {
            return Ok(response);
        }
        let text = self.read_all(response).await.unwrap_or_default();
        let mut status = serde_json::from_slice::<kube::core::Status>(&text).unwrap_or_else(|_| {
            let text: String = String::from_utf8_lossy(&text).trim().chars().take(300).collect();
            kube::core::Status::failure(&text, code.canonical_reason().unwrap_or_default())
        });
        status.code = code.as_u16();
        Err(from_kube(kube::Error::Api(Box::new(status)), &self.server))
    }

    async fn read_all(&self, response: Response<Body>) -> Result<Bytes, ClusterError> {
        let mut body = response.into_body();
        let mut all = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| from_transport(&error, &self.server))?;
            if let Ok(data) = frame.into_data() {
                if all.len() + data.len() > MAX_ANSWER_BYTES {
                    return Err(ClusterError::BadAnswer(format!("more than {MAX_ANSWER_BYTES} bytes")));
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(Bytes::from(all))
    }

    fn timed_out(&self) -> ClusterError {
        let why = format!("no answer within {} s", REQUEST_TIMEOUT.as_secs());
        ClusterError::Unreachable { server: self.server.clone(), why }
    }
}

/// The configuration with what holds for every connection.
pub(crate) async fn settled_config(access: &Access) -> Result<Config, ClusterError> {
    choose_provider();
    let mut config = load_config(access).await?;
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    if bypasses_proxy(config.cluster_url.host().unwrap_or_default(), access.no_proxy.as_deref()) {
        config.proxy_url = None;
    }
    Ok(config)
}

async fn load_config(access: &Access) -> Result<Config, ClusterError> {
    let options = KubeConfigOptions { context: access.context.clone(), cluster: None, user: None };
    let refuse = |error: kube::config::KubeconfigError| ClusterError::Kubeconfig(chain(&error));
    if let Some(path) = &access.kubeconfig {
        let file = Kubeconfig::read_from(path).map_err(refuse)?;
        return Config::from_custom_kubeconfig(file, &options).await.map_err(refuse);
    }
    if access.context.is_some() {
        return Config::from_kubeconfig(&options).await.map_err(refuse);
    }
    Config::infer().await.map_err(|error| ClusterError::NotConfigured(chain(&error)))
}

/// Whether `host` is reached without the proxy. Understands `*`, names, `.suffix`, addresses and IPv4/IPv6 networks.
fn bypasses_proxy(host: &str, no_proxy: Option<&str>) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy.unwrap_or_default().split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return true;
        }
        if let (Some(address), Some((network, bits))) = (address, entry.split_once('/')) {
            return in_network(address, network, bits);
        }
        let suffix = entry.trim_start_matches("*.").trim_start_matches('.');
        host == suffix || host.ends_with(&format!(".{suffix}"))
    })
}

fn in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            bits <= 32 && (u32::from(a) ^ u32::from(n)).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            bits <= 128 && (u128::from(a) ^ u128::from(n)).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_is_reached_directly_where_no_proxy_says_so() {
        let cases = [
            ("localhost", None, true),
            ("127.0.0.1", None, true),
            ("::1", None, true),
            ("api.example.org", None, false),
            ("api.example.org", Some("example.org"), true),
            ("api.example.org", Some(".example.org, other"), true),
            ("api.example.org", Some("*.example.org"), true),
            ("badexample.org", Some("example.org"), false),
            ("10.1.2.3", Some("10.0.0.0/8"), true),
            ("11.1.2.3", Some("10.0.0.0/8"), false),
            ("11.1.2.3", Some("0.0.0.0/0"), true),
            ("fd00::5", Some("fd00::/16"), true),
            ("10.1.2.3", Some("10.1.2.3/99"), false),
            ("10.1.2.3", Some("*"), true),
        ];
        for (host, no_proxy, expected) in cases {
            assert_eq!(bypasses_proxy(host, no_proxy), expected, "{host} {no_proxy:?}");
        }
    }

    #[tokio::test]
    async fn a_missing_kubeconfig_says_which_file_and_what_to_do() {
        let access = Access { kubeconfig: Some("/nonexistent/kubeconfig".into()), ..Access::default() };
        let error = Connection::open(&access).await.unwrap_err();
        assert!(matches!(error, ClusterError::Kubeconfig(_)));
        assert!(error.to_string().contains("/nonexistent/kubeconfig"), "{error}");
        assert!(error.advice().contains("--kubeconfig"));
    }
}

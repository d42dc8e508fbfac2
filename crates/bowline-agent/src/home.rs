//! Where an agent keeps who it is: its enrolment (`agent.json`) and its keys. Files on a machine, a Secret and a ConfigMap
//! in a cluster.

use std::fmt;

use async_trait::async_trait;
use bowline_link::item::{Endpoint, Proxy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `agent.json`: which server, which resource. Holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    /// The server's public URL.
    pub server: String,
    /// The certificate to trust; the system's roots when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    pub tenant_id: String,
    pub resource_id: String,
    /// The resource's identity: the client id of its assertions.
    pub principal_id: String,
    #[serde(default)]
    pub proxy: Proxy,
    /// When the key lapses, as the server said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_expires_on: Option<Timestamp>,
    /// When half of the key's life is over: it is replaced from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_renew_from: Option<Timestamp>,
    /// Members that a newer agent wrote are kept.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

impl Enrolment {
    /// This enrolment at another endpoint; `None` when that is where it is already.
    pub fn moved_to(&self, endpoint: &Endpoint) -> Option<Enrolment> {
        let mut moved = self.clone();
        if let Some(server) = &endpoint.server {
            moved.server.clone_from(server);
        }
        if endpoint.ca_pem.is_some() {
            moved.ca_pem.clone_from(&endpoint.ca_pem);
        }
        if let Some(proxy) = &endpoint.proxy {
            moved.proxy.clone_from(proxy);
        }
        (moved != *self).then_some(moved)
    }
}

/// A private key as PEM (PKCS#8, or PKCS#1 for RSA). Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPem(pub String);

impl fmt::Debug for KeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPem(redacted)")
    }
}

/// Why the home could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("{what} could not be read")]
    Read {
        what: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{what} could not be written")]
    Write {
        what: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{what} is not what this agent writes: {reason}")]
    Malformed { what: String, reason: String },
}

/// Where the enrolment and the keys rest.
///
/// The next key exists only while a rotation is under way: it is written before it is registered, and replaces the
/// current one after the server has accepted it, so that a crash at any moment leaves a key that the server knows.
#[async_trait]
pub trait Home: Send + Sync {
    /// The enrolment; `None` when this agent is not connected.
    async fn enrolment(&self) -> Result<Option<Enrolment>, HomeError>;
    /// Writes the enrolment (an endpoint moved).
    async fn write_enrolment(&self, enrolment: &Enrolment) -> Result<(), HomeError>;
    /// The current key.
    async fn key(&self) -> Result<Option<KeyPem>, HomeError>;
    /// The key that a rotation wants to introduce.
    async fn next_key(&self) -> Result<Option<KeyPem>, HomeError>;
    /// Writes the next key.
    async fn write_next_key(&self, key: &KeyPem) -> Result<(), HomeError>;
    /// The next key becomes the current one, in one step.
    async fn promote_next_key(&self) -> Result<(), HomeError>;
}

/// An error and its sources in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

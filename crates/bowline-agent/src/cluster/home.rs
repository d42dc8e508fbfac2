//! Who the agent is, kept in the cluster: the Secret `bowline-agent` (`key.pem`, and `key.next.pem` while a key is being
//! replaced) and the ConfigMap `bowline-agent` (`agent.json`).
//!
//! Every write is one merge patch of one object, so that it happens whole or not at all.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bowline_kubernetes::watch::{Event, Scope, Sink, Stopped, watch_scope};
use bowline_kubernetes::{ClusterError, Connection, KindName, ServedKind, built_in, cluster_uid};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, mpsc};

use crate::home::{Enrolment, Home, HomeError, KeyPem, chain};

/// The name of both objects.
pub(super) const NAME: &str = "bowline-agent";
/// How long to wait after the cluster did not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const KEY: &str = "key.pem";
const NEXT_KEY: &str = "key.next.pem";
const ENROLMENT: &str = "agent.json";

/// The agent's identity at rest in its own namespace.
#[derive(Debug, Clone)]
pub(super) struct ClusterHome {
    connection: Connection,
    namespace: String,
}

impl ClusterHome {
    pub(super) fn new(connection: Connection, namespace: impl Into<String>) -> Self {
        Self { connection, namespace: namespace.into() }
    }

    fn secret_path(&self) -> String {
        kind("v1/Secret").object_path(Some(&self.namespace), NAME)
    }

    fn config_path(&self) -> String {
        kind("v1/ConfigMap").object_path(Some(&self.namespace), NAME)
    }

    fn secret_name(&self) -> String {
        format!("the Secret {}/{NAME}", self.namespace)
    }

    fn config_name(&self) -> String {
        format!("the ConfigMap {}/{NAME}", self.namespace)
    }

    async fn read_key(&self, entry: &str) -> Result<Option<KeyPem>, HomeError> {
        let what = self.secret_name();
        let secret =
            self.connection.find(&self.secret_path()).await.map_err(|source| read_failed(&what, source))?;
        let Some(encoded) = secret.as_ref().and_then(|secret| secret.get("data")?.get(entry)?.as_str())
        else {
            return Ok(None);
        };
        let malformed = |reason: &str| HomeError::Malformed {
            what: format!("{what} ({entry})"),
            reason: reason.to_owned(),
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed("it is not base64"))?;
        let pem = String::from_utf8(bytes).map_err(|_| malformed("it is not text"))?;
        Ok(Some(KeyPem(pem)))
    }

    async fn patch_secret(&self, data: Value) -> Result<(), HomeError> {
        let patched = self.connection.merge_patch(&self.secret_path(), &json!({ "data": data })).await;
        patched.map(drop).map_err(|source| write_failed(&self.secret_name(), source))
    }

    /// Writes the current key, in place of whatever is there; a key that was being introduced is forgotten.
    pub(super) async fn write_key(&self, key: &KeyPem) -> Result<(), HomeError> {
        self.patch_secret(json!({ KEY: STANDARD.encode(&key.0), NEXT_KEY: null })).await
    }

    /// The same for every start of the agent in this cluster, another one in a copy of the cluster that has been given a
    /// name of its own: of the namespace that each cluster makes for itself, and of the Secret.
    pub(super) async fn instance(&self) -> Result<String, ClusterError> {
        let system = self.connection.get(&kind("v1/Namespace").object_path(None, "kube-system")).await?;
        let secret = self.connection.get(&self.secret_path()).await?;
        let uid = |object: &Value| {
            object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let digest = Sha256::digest(format!("{}\n{}", uid(&system), uid(&secret)));
        Ok(hex::encode(&digest[..16]))
    }

    /// Which cluster this is, as far as that may be read.
    pub(super) async fn cluster_uid(&self) -> Option<String> {
        cluster_uid(&self.connection).await.ok().flatten()
    }

    /// Waits until there is an enrolment with a key, other than the one that is over. What goes wrong meanwhile is logged.
    pub(super) async fn wait_for_enrolment(&self, over: Option<&Enrolment>) -> Enrolment {
        let (news, mut changed) = mpsc::channel(1);
        let listing = Semaphore::new(2);
        let follow = |kind_name: &'static str| {
            let (scope, mut bell) =
                (Scope::one(&kind(kind_name), &self.namespace, NAME), Bell { news: news.clone() });
            let (connection, listing) = (&self.connection, &listing);
            async move { watch_scope(connection, &scope, listing, &mut bell).await }
        };
        let look = async {
            loop {
                let patience = match self.enrolled(over).await {
                    Ok(Some(enrolment)) => return enrolment,
                    Ok(None) => None,
                    Err(error) => {
                        tracing::warn!(error = chain(&error), "the enrolment cannot be used");
                        // A cluster that did not answer will; what a person wrote wrongly changes only with a ring.
                        matches!(error, HomeError::Read { .. }).then_some(LOOK_AGAIN)
                    }
                };
                let again = async { tokio::time::sleep(patience.unwrap_or(Duration::MAX)).await };
                tokio::select! {
                    _ = changed.recv() => {}
                    () = again => {}
                }
            }
        };
        tokio::select! {
            found = look => found,
            _ = follow("v1/ConfigMap") => std::future::pending().await,
            _ = follow("v1/Secret") => std::future::pending().await,
        }
    }

    async fn enrolled(&self, over: Option<&Enrolment>) -> Result<Option<Enrolment>, HomeError> {
        let found = self.enrolment().await?;
        let Some(enrolment) = found.filter(|found| over.is_none_or(|over| is_other(found, over))) else {
            return Ok(None);
        };
        Ok(self.key().await?.map(|_| enrolment))
    }
}

/// Whether an enrolment is another one than the one that is over; notes about the key do not count.
fn is_other(found: &Enrolment, over: &Enrolment) -> bool {
    (&found.principal_id, &found.resource_id, &found.server)
        != (&over.principal_id, &over.resource_id, &over.server)
}

/// Rings when anything happens; one ring may stand for many.
struct Bell {
    news: mpsc::Sender<()>,
}

impl Sink for Bell {
    async fn take(&mut self, event: Event) -> Result<(), Stopped> {
        match event {
            Event::Failed { error, retry_in } => {
                tracing::warn!(%error, advice = error.advice(), again_in = retry_in.as_secs(), "cannot look for the enrolment");
            }
            Event::Object(_) | Event::ListEnded => drop(self.news.try_send(())),
            Event::ListBegan | Event::Deleted(_) => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Home for ClusterHome {
    async fn enrolment(&self) -> Result<Option<Enrolment>, HomeError> {
        let what = self.config_name();
        let map =
            self.connection.find(&self.config_path()).await.map_err(|source| read_failed(&what, source))?;
        let Some(text) = map.as_ref().and_then(|map| map.get("data")?.get(ENROLMENT)?.as_str()) else {
            return Ok(None);
        };
        let malformed =
            |reason: String| HomeError::Malformed { what: format!("{what} ({ENROLMENT})"), reason };
        serde_json::from_str(text).map(Some).map_err(|error| malformed(error.to_string()))
    }

    async fn write_enrolment(&self, enrolment: &Enrolment) -> Result<(), HomeError> {
        let text = serde_json::to_string_pretty(enrolment).expect("an enrolment is made of strings");
        let patch = json!({ "data": { ENROLMENT: text } });
        let patched = self.connection.merge_patch(&self.config_path(), &patch).await;
        patched.map(drop).map_err(|source| write_failed(&self.config_name(), source))
    }

    async fn key(&self) -> Result<Option<KeyPem>, HomeError> {
        self.read_key(KEY).await
    }

    async fn next_key(&self) -> Result<Option<KeyPem>, HomeError> {
        self.read_key(NEXT_KEY).await
    }

    async fn write_next_key(&self, key: &KeyPem) -> Result<(), HomeError> {
        self.patch_secret(json!({ NEXT_KEY: STANDARD.encode(&key.0) })).await
    }

    async fn promote_next_key(&self) -> Result<(), HomeError> {
        let Some(next) = self.next_key().await? else { return Ok(()) };
        self.patch_secret(json!({ KEY: STANDARD.encode(&next.0), NEXT_KEY: null })).await
    }
}

/// The place of a kind that is named in this program.
pub(super) fn kind(name: &str) -> ServedKind {
    let name = KindName::parse(name).expect("the name is written here and well formed");
    built_in(&name).expect("the kind is built in")
}

fn read_failed(what: &str, source: ClusterError) -> HomeError {
    HomeError::Read { what: what.to_owned(), source: Box::new(source) }
}

fn write_failed(what: &str, source: ClusterError) -> HomeError {
    HomeError::Write { what: what.to_owned(), source: Box::new(source) }
}

//! Sign-in: the OAuth 2.0 and OpenID Connect issuer of the tenant, over the pure rules of `bowline-auth` and the store's entries.
//!
//! | file | grant |
//! |---|---|
//! | [`caller`] | who sends a request: access token, enrolment token, portal cookie |
//! | [`client`] | `client_credentials` by secret and by assertion (RFC 6749 §4.4, RFC 7523) |
//! | [`device`] | the device flow (RFC 8628) |
//! | [`password`] | people prove themselves |
//! | [`code`] | authorization code with PKCE, portal sessions (RFC 6749 §4.1, RFC 7636) |
//! | [`refresh`] | refresh tokens, their families, revocation (RFC 6749 §6, RFC 7009, RFC 9700) |
//! | [`sign_ins`] | how many of them a person has at once |
//! | [`federation`] | `client_credentials` by a token of another issuer, which a federated credential trusts (RFC 7523 §3) |
//! | [`clients`] | the public clients that everybody has |
//! | [`doors`] | limits for whoever fails too often |
//! | [`upstream`] | sign-in through another issuer (OpenID Connect Core 1.0) |
//! | [`issue`] | the answer of the token endpoint |

pub mod caller;
pub mod client;
pub mod clients;
pub mod code;
pub mod device;
pub mod doors;
pub mod federation;
pub mod issue;
pub mod password;
pub mod refresh;
pub mod rotation;
pub mod sign_ins;
pub mod upstream;

use std::sync::{Arc, Mutex, OnceLock, RwLock};

use bowline_auth::token::{Expected, Issuer, TokenCache};
use bowline_auth::{KeySet, OAuthError};
use bowline_store::{Commit, CommitError, Entry, EntryWrite, StoreError};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::bootstrap::{BootstrapError, stored_keys};
use crate::context::OpContext;
use crate::{Control, Settings};

pub use doors::Door;

/// The CLI's public client, the same as the one of `az`.
pub const CLI_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// The portal's public client.
pub const PORTAL_CLIENT: &str = "b0000000-0000-4000-8000-000000000001";

/// The issuer's state.
pub struct Identity {
    keys: RwLock<Arc<KeySet>>,
    issuer: Issuer,
    expected: Expected,
    cache: TokenCache,
    upstream: OnceLock<upstream::Upstream>,
    federation: OnceLock<federation::Federation>,
    doors: doors::Doors,
    looked_for_keys: Mutex<Option<Timestamp>>,
}

impl Identity {
    pub(crate) fn new(keys: KeySet, tenant: Uuid, settings: &Settings) -> Self {
        let url = format!("{}/{tenant}/v2.0", settings.public_url);
        let audiences = vec![settings.public_url.clone(), format!("{}/", settings.public_url)];
        Self {
            keys: RwLock::new(Arc::new(keys)),
            expected: Expected { issuer: url.clone(), audiences },
            issuer: Issuer { url, tenant_id: tenant },
            cache: TokenCache::new(32_768),
            upstream: OnceLock::new(),
            federation: OnceLock::new(),
            doors: doors::Doors::default(),
            looked_for_keys: Mutex::default(),
        }
    }

    /// The signing keys.
    #[must_use]
    pub fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(crate) fn set_keys(&self, keys: KeySet) {
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(keys);
    }

    /// The issuer through which people may sign in elsewhere.
    #[must_use]
    pub fn upstream(&self) -> Option<&upstream::Upstream> {
        self.upstream.get()
    }

    /// Sets the upstream issuer, once, before requests are served.
    pub fn set_upstream(&self, upstream: upstream::Upstream) {
        if self.upstream.set(upstream).is_err() {
            tracing::warn!("the upstream issuer was set before; the first one stays");
        }
    }

    /// How the keys of other issuers are read.
    pub(crate) fn federation(&self) -> Option<&federation::Federation> {
        self.federation.get()
    }

    /// Sets how the keys of other issuers are read, once, before requests are served.
    pub fn set_federation(&self, federation: federation::Federation) {
        if self.federation.set(federation).is_err() {
            tracing::warn!("how other issuers are asked was set before; the first way stays");
        }
    }

    /// The issuer's URL.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}

/// A failed read, as OAuth clients see it.
fn unavailable(error: &StoreError) -> OAuthError {
    tracing::warn!(%error, "sign-in: the database cannot be read");
    OAuthError::TemporarilyUnavailable
}

impl Control {
    /// Takes over the signing keys that are in the store.
    ///
    /// # Errors
    /// When the store cannot be read, or holds a key that cannot be opened.
    pub async fn reload_keys(&self, now: Timestamp) -> Result<(), BootstrapError> {
        let known = self.identity().keys();
        let stored = stored_keys(&**self.store(), self.seal(), known.rule()).await?;
        // Merged, because a key that was published a moment ago may be younger than what was read.
        self.identity().set_keys(known.merged(&stored, now));
        Ok(())
    }

    /// Looks for a key that a token names and this server does not know; at most once in some seconds, whatever strangers send.
    pub(crate) async fn find_new_keys(&self, now: Timestamp) -> bool {
        let due = {
            let mut looked =
                self.identity.looked_for_keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let due = looked.is_none_or(|last| now.duration_since(last) >= SignedDuration::from_secs(5));
            if due {
                *looked = Some(now);
            }
            due
        };
        due && match self.reload_keys(now).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the signing keys could not be read again");
                false
            }
        }
    }

    /// Writes entries without a resource. A refusal is the caller's to explain.
    pub(crate) async fn write_entries(
        &self,
        task: &str,
        entries: Vec<EntryWrite>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let context = OpContext { correlation_id: Uuid::nil(), ..OpContext::system(task, now) };
        self.write_entries_as(&context, entries).await
    }

    /// The same in a context of its own: a background task's, with its fence.
    pub(crate) async fn write_entries_as(
        &self,
        context: &OpContext,
        entries: Vec<EntryWrite>,
    ) -> Result<(), CommitError> {
        let guards = context.fence.iter().cloned().collect();
        self.store().commit(Commit { guards, entries, ..self.empty_commit(context) }).await.map(|_| ())
    }
}

/// An entry of sign-in data.
fn entry(kind: &str, key: String, data: &impl serde::Serialize, expires_at: Timestamp) -> Entry {
    let data = serde_json::to_vec(data).expect("sign-in data is plain JSON");
    Entry { kind: kind.to_owned(), key, data, uses: 0, version: 0, expires_at: Some(expires_at) }
}

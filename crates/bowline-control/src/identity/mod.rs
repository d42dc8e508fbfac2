//! Sign-in: the OAuth 2.0 and OpenID Connect issuer of the tenant, over the pure rules of `bowline-auth` and the store's entries.
//!
//! | file | grant |
//! |---|---|
//! | [`caller`] | who sends a request: access token, enrolment token, portal cookie |
//! | [`client`] | `client_credentials` by secret and by assertion (RFC 6749 §4.4, RFC 7523) |
//! | [`device`] | the device flow (RFC 8628) |
//! | [`code`] | authorization code with PKCE, refresh tokens, portal sessions (RFC 6749 §4.1, RFC 7636) |
//! | [`issue`] | the answer of the token endpoint |

pub mod caller;
pub mod client;
pub mod code;
pub mod device;
pub mod issue;
pub mod rotation;

use std::sync::{Arc, Mutex, RwLock};

use bowline_auth::throttle::SignInThrottle;
use bowline_auth::token::{Expected, Issuer, TokenCache};
use bowline_auth::{KeySet, OAuthError};
use bowline_store::{Commit, CommitError, Entry, EntryWrite, StoreError};
use jiff::Timestamp;
use uuid::Uuid;

use crate::context::{Actor, OpContext};
use crate::{Control, Settings};

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
    throttle: Mutex<SignInThrottle>,
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
            throttle: Mutex::default(),
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

    /// The issuer's URL.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    fn throttled<T>(&self, act: impl FnOnce(&mut SignInThrottle) -> T) -> T {
        act(&mut self.throttle.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A failed read, as OAuth clients see it.
fn unavailable(error: &StoreError) -> OAuthError {
    tracing::warn!(%error, "sign-in: the database cannot be read");
    OAuthError::TemporarilyUnavailable
}

impl Control {
    /// Writes entries without a resource. A refusal is the caller's to explain.
    pub(crate) async fn write_entries(
        &self,
        task: &str,
        entries: Vec<EntryWrite>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let context = OpContext {
            actor: Actor::system(task),
            correlation_id: Uuid::nil(),
            now,
            client: None,
            replace: false,
            repeat: None,
        };
        self.store().commit(Commit { entries, ..self.empty_commit(&context) }).await.map(|_| ())
    }
}

/// An entry of sign-in data.
fn entry(kind: &str, key: String, data: &impl serde::Serialize, expires_at: Timestamp) -> Entry {
    let data = serde_json::to_vec(data).expect("sign-in data is plain JSON");
    Entry { kind: kind.to_owned(), key, data, uses: 0, version: 0, expires_at: Some(expires_at) }
}

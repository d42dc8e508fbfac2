//! Access tokens: one is fetched with a client assertion when it is needed, and kept until shortly before it expires.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bowline_link::Moment;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{
    client::{Client, RequestError},
    sign_in,
};
use crate::{
    clock,
    home::{Enrolment, Home, HomeError},
    key::{AgentKey, KeyError},
};

/// A token is renewed this long before it expires.
const MARGIN: Duration = Duration::from_secs(60);
/// A difference of the clocks that explains a refused assertion.
const CLOCK_MATTERS: i64 = 30;
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the agent's key is not in its place: connect it again")]
    NoKey,
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(
        "the server does not accept this agent's key: {message} If its identity lapsed, run connect again; nothing configured is lost"
    )]
    KeyRefused { message: String },
    #[error(transparent)]
    Request(RequestError),
}

/// A bearer token. Never printed.
#[derive(Clone)]
pub struct Bearer(Arc<str>);

impl Bearer {
    /// A token that came from elsewhere.
    pub fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// The token itself, for the header.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(redacted)")
    }
}

/// The answer of the token endpoint.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    #[serde(default = "default_lifetime")]
    pub(crate) expires_in: u64,
}

fn default_lifetime() -> u64 {
    600
}

struct Cached {
    bearer: Bearer,
    renew_at: Moment,
}

/// The agent's tokens. The key is read from its home for each new token, so that connecting again takes effect at once.
pub struct Tokens {
    client: Arc<Client>,
    tenant_id: String,
    principal_id: String,
    home: Arc<dyn Home>,
    cached: Mutex<Option<Cached>>,
    /// The issuer, once it turned out that the server knows itself by another name than the agent reaches it by.
    issuer: OnceLock<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("principal_id", &self.principal_id).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens for the identity of an enrolment.
    pub fn new(client: Arc<Client>, enrolment: &Enrolment, home: Arc<dyn Home>) -> Self {
        let (tenant_id, principal_id) = (enrolment.tenant_id.clone(), enrolment.principal_id.clone());
        Self { client, tenant_id, principal_id, home, cached: Mutex::new(None), issuer: OnceLock::new() }
    }

    /// The current token, or a new one.
    pub async fn bearer(&self) -> Result<Bearer, TokenError> {
        let mut cached = self.cached.lock().await;
        if let Some(token) = cached.as_ref().filter(|token| clock::moment() < token.renew_at) {
            return Ok(token.bearer.clone());
        }
        let key = self.home.key().await?.ok_or(TokenError::NoKey)?;
        let answer = self.fetch(&AgentKey::from_pem(&key)?).await?;
        let lifetime = Duration::from_secs(answer.expires_in);
        let renew_at = clock::moment() + lifetime.saturating_sub(MARGIN).max(lifetime / 2);
        let bearer = Bearer::new(&answer.access_token);
        *cached = Some(Cached { bearer: bearer.clone(), renew_at });
        Ok(bearer)
    }

    /// Forgets the current token: the server refused it, or the key changed.
    pub async fn forget(&self) {
        *self.cached.lock().await = None;
    }

    /// Fetches a token. Of a refusal it first rules out what the agent itself can put right: its clock, and the name that it
    /// calls the server by.
    async fn fetch(&self, key: &AgentKey) -> Result<TokenAnswer, TokenError> {
        let offset = self.client.clock_offset();
        let mut answer = self.fetch_once(key).await;
        if refused(&answer) && (self.client.clock_offset() - offset).abs() >= CLOCK_MATTERS {
            answer = self.fetch_once(key).await;
        }
        if refused(&answer)
            && self.issuer.get().is_none()
            && let Ok(authority) = sign_in::discover(&self.client).await
            && !authority.issuer.starts_with(&self.client.url("/"))
            && self.issuer.set(authority.issuer).is_ok()
        {
            answer = self.fetch_once(key).await;
        }
        answer
    }

    async fn fetch_once(&self, key: &AgentKey) -> Result<TokenAnswer, TokenError> {
        let path = format!("/{}/oauth2/v2.0/token", self.tenant_id);
        let endpoint = self.client.url(&path);
        let audience = self.issuer.get().unwrap_or(&endpoint);
        let assertion =
            key.assertion(&self.principal_id, audience, clock::new_guid(), self.client.server_now())?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.principal_id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &assertion),
        ];
        let request = self.client.request(reqwest::Method::POST, &path).form(&form);
        self.client.call_json(request).await.map_err(|error| match error {
            RequestError::Refused { ref code, ref message, .. }
                if matches!(code.as_str(), "invalid_client" | "unauthorized_client" | "invalid_grant") =>
            {
                TokenError::KeyRefused { message: message.clone() }
            }
            other => TokenError::Request(other),
        })
    }
}

fn refused(answer: &Result<TokenAnswer, TokenError>) -> bool {
    matches!(answer, Err(TokenError::KeyRefused { .. }))
}

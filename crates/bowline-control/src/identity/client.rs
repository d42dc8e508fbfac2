//! `client_credentials`: service principals by secret or key, agents by the key of their resource.

use bowline_auth::token::{IdentityType, Principal};
use bowline_auth::{OAuthError, PublicKey, parse_unverified_client_id, secret, verify_assertion};
use bowline_store::{CommitError, EntryWrite, Record};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::issue::TokenAnswer;
use super::{CLI_CLIENT, PORTAL_CLIENT, entry, unavailable};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline;
use crate::providers::bowline::DIGESTS;
use crate::providers::{expires, promote_next_key, signing_keys};

/// Service principals' tokens live an hour.
const LIFETIME: SignedDuration = SignedDuration::from_secs(3600);

/// How a client proves itself.
pub enum Credential<'a> {
    /// `client_secret`.
    Secret(&'a str),
    /// `client_assertion`.
    Assertion(&'a str),
}

impl Control {
    /// The `client_credentials` grant.
    ///
    /// # Errors
    /// Why the client is refused.
    pub async fn token_for_client(
        &self,
        client_id: Option<&str>,
        credential: Credential<'_>,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let client_id = match (client_id, &credential) {
            (Some(id), _) => id.to_owned(),
            (None, Credential::Assertion(assertion)) => {
                parse_unverified_client_id(assertion).map_err(OAuthError::Assertion)?
            }
            (None, Credential::Secret(_)) => {
                return Err(OAuthError::MissingParameter { parameter: "client_id" });
            }
        };
        if client_id == CLI_CLIENT || client_id == PORTAL_CLIENT {
            return Err(OAuthError::PublicClientWithCredential { client_id });
        }
        let unknown = || OAuthError::UnknownClient { client_id: client_id.clone() };
        let guid: Uuid = client_id.parse().map_err(|_| unknown())?;
        let record = match self.service_principal(guid).await? {
            Some(record) => record,
            None => {
                self.store().get_by_principal(guid).await.map_err(|e| unavailable(&e))?.ok_or_else(unknown)?
            }
        };
        let document: Value = serde_json::from_str(&record.document).map_err(|_| OAuthError::ServerError)?;
        match credential {
            Credential::Secret(secret) => self.check_secret(&record, &document, &client_id, secret, now)?,
            Credential::Assertion(assertion) => {
                self.check_assertion(&record, &document, &client_id, assertion, now).await?;
            }
        }
        let agent =
            self.registry().by_key(&record.resource_type).is_some_and(|p| p.spec().agent_key.is_some());
        let principal = Principal {
            object_id: record.principal.ok_or_else(unknown)?,
            kind: IdentityType::App,
            name: document["properties"]["displayName"].as_str().map(str::to_owned),
            username: None,
            resource_id: agent.then(|| record.id.clone()),
            groups: Vec::new(),
        };
        let lifetime = if agent { self.settings().agent_token_lifetime } else { LIFETIME };
        self.issue_application(&principal, &client_id, lifetime, now)
    }

    async fn service_principal(&self, app_id: Uuid) -> Result<Option<Record>, OAuthError> {
        let key = format!("/providers/microsoft.bowline/serviceprincipals/{app_id}");
        let record = self.store().get(&key).await.map_err(|e| unavailable(&e))?;
        let Some(record) = record else { return Ok(None) };
        let document: Value = serde_json::from_str(&record.document).unwrap_or_default();
        if document["properties"]["accountEnabled"] == false {
            return Err(OAuthError::DisabledAccount);
        }
        Ok(Some(record))
    }

    fn check_secret(
        &self,
        record: &Record,
        document: &Value,
        client_id: &str,
        given: &str,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let client_id = client_id.to_owned();
        if document["properties"]["appId"].is_null() {
            return Err(OAuthError::WrongClientSecret { client_id });
        }
        let secrets = self.open_secrets(record).map_err(|_| OAuthError::ServerError)?;
        let digests = secrets.get(DIGESTS).and_then(Value::as_object);
        let mut expired = false;
        for stored in digests.into_iter().flat_map(|d| d.values()) {
            if !stored["digest"].as_str().is_some_and(|d| secret::matches_digest(given, d)) {
                continue;
            }
            if stored["expiresOn"].as_str().and_then(|t| t.parse::<Timestamp>().ok()).is_some_and(|t| t > now)
            {
                return Ok(());
            }
            expired = true;
        }
        Err(if expired {
            OAuthError::ExpiredClientSecret { client_id }
        } else {
            OAuthError::WrongClientSecret { client_id }
        })
    }

    async fn check_assertion(
        &self,
        record: &Record,
        document: &Value,
        client_id: &str,
        assertion: &str,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let issuer = self.identity().issuer().url.clone();
        let audiences =
            vec![format!("{}/{}/oauth2/v2.0/token", self.settings().public_url, self.tenant()), issuer];
        let texts = if document["properties"]["appId"].is_null() {
            signing_keys(document)
        } else {
            document["properties"]["publicKeys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|k| k.as_str().map(str::to_owned))
                .collect()
        };
        let keys: Vec<PublicKey> = texts.iter().filter_map(|t| PublicKey::parse(t).ok()).collect();
        let claims = verify_assertion(assertion, &keys, &audiences, now).map_err(OAuthError::Assertion)?;
        if let Some(at) = expires(document).filter(|at| *at <= now) {
            return Err(OAuthError::LapsedIdentity { client_id: client_id.to_owned(), at });
        }
        let used = EntryWrite::Insert {
            entry: entry(
                "jti",
                format!("{client_id}/{}", claims.jti),
                &"",
                claims.expires_at + SignedDuration::from_mins(10),
            ),
        };
        self.write_entries("sign-in", vec![used], now).await.map_err(|error| match error {
            CommitError::Refused(_) => OAuthError::ReplayedAssertion,
            error => {
                tracing::warn!(%error, "a client assertion could not be written");
                OAuthError::TemporarilyUnavailable
            }
        })?;
        self.promote_key(record, document, assertion, &audiences, now).await;
        Ok(())
    }

    /// The first assertion with the next key of a rotation makes it the registered one.
    async fn promote_key(
        &self,
        record: &Record,
        document: &Value,
        assertion: &str,
        audiences: &[String],
        now: Timestamp,
    ) {
        let next = &document["_identity"]["next"];
        let Some(key) = next["publicKey"].as_str().and_then(|k| PublicKey::parse(k).ok()) else { return };
        if verify_assertion(assertion, std::slice::from_ref(&key), audiences, now).is_err() {
            return;
        }
        let Some(spec) = self.registry().by_key(&record.resource_type).map(|p| p.spec()) else { return };
        let Some(property) = spec.agent_key else { return };
        let expiry =
            (property == "agentPublicKeyCertificate").then_some("managedIdentityCertificateExpirationTime");
        let context = OpContext::system("key-rotation", now);
        let change = |document: &mut Value| promote_next_key(document, key.thumbprint(), property, expiry);
        if let Err(error) = pipeline::update_status(self, &context, &record.key, record.uid, &change).await {
            // The old key stays valid, so that the next assertion tries again.
            tracing::warn!(resource = %record.key, %error, "the next key could not be made the registered one");
        }
    }
}

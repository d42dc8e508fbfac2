//! `client_credentials`: service principals by secret, key or another issuer's token, agents by the key of their resource, user-assigned
//! identities by another issuer's token alone.

use bowline_auth::federation::Presented;
use bowline_auth::token::{IdentityType, Principal};
use bowline_auth::{OAuthError, PublicKey, parse_unverified_client_id, verify_assertion};
use bowline_store::{CommitError, EntryWrite, Record};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::issue::TokenAnswer;
use super::{Door, clients, entry, unavailable};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline;
use crate::providers::bowline::credentials::{DIGESTS, SecretCheck, check_secret, valid_keys};
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

/// Who asks for a token as itself.
pub(super) struct Client {
    record: Record,
    document: Value,
    kind: ClientKind,
}

enum ClientKind {
    /// Of a cluster or machine.
    Agent,
    /// A user-assigned identity.
    Identity,
    /// A service principal, with its application if that is registered here.
    Application(Option<Box<(Record, Value)>>),
}

impl Client {
    fn application(&self) -> Option<&(Record, Value)> {
        match &self.kind {
            ClientKind::Application(application) => application.as_deref(),
            ClientKind::Agent | ClientKind::Identity => None,
        }
    }

    fn is_agent(&self) -> bool {
        matches!(self.kind, ClientKind::Agent)
    }

    /// The key of the resource whose federated credentials count.
    fn federates(&self) -> Option<&str> {
        match &self.kind {
            ClientKind::Agent => None,
            ClientKind::Identity => Some(&self.record.key),
            ClientKind::Application(_) => self.application().map(|(record, _)| &*record.key),
        }
    }

    /// What the token calls it.
    fn name(&self) -> Option<String> {
        let shown = self.document["properties"]["displayName"].as_str();
        let own = || self.record.id.rsplit('/').next().filter(|_| matches!(self.kind, ClientKind::Identity));
        shown.or_else(own).map(str::to_owned)
    }

    /// The records whose credentials count.
    fn credentials_of(&self) -> impl Iterator<Item = &Record> {
        std::iter::once(&self.record).chain(self.application().map(|(record, _)| record))
    }
}

fn unknown(client_id: &str) -> OAuthError {
    OAuthError::UnknownClient { client_id: client_id.chars().take(64).collect() }
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
        scope: &str,
        address: &str,
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
        if clients::is_public(&client_id) {
            return Err(OAuthError::PublicClientWithCredential { client_id });
        }
        let visit = self.identity().visit(Door::Client, &client_id, address);
        visit.check(now)?;
        let outcome = self.prove_client(&client_id, credential, scope, now).await;
        visit.settle(&outcome, now);
        outcome
    }

    async fn prove_client(
        &self,
        client_id: &str,
        credential: Credential<'_>,
        scope: &str,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let client = self.proven(client_id, credential, now).await?;
        let object_id = client.record.principal.ok_or_else(|| unknown(client_id))?;
        let agent = client.is_agent();
        let principal = Principal {
            object_id,
            kind: IdentityType::App,
            name: client.name(),
            username: None,
            resource_id: agent.then(|| client.record.id.clone()),
            groups: self.authorization().snapshot().await.groups_of(object_id),
        };
        let lifetime = if agent { self.settings().agent_token_lifetime } else { LIFETIME };
        self.issue_application(&principal, client_id, scope, lifetime, now)
    }

    /// The client, after it has proved itself.
    async fn proven(
        &self,
        client_id: &str,
        credential: Credential<'_>,
        now: Timestamp,
    ) -> Result<Client, OAuthError> {
        let guid: Uuid = client_id.parse().map_err(|_| unknown(client_id))?;
        let client = match self.service_principal(guid).await? {
            Some(client) => client,
            None => self.managed_identity(guid).await?.ok_or_else(|| unknown(client_id))?,
        };
        match credential {
            Credential::Secret(secret) => self.prove_secret(&client, client_id, secret, now)?,
            Credential::Assertion(assertion) => {
                self.prove_assertion(&client, client_id, assertion, now).await?;
            }
        }
        Ok(client)
    }

    /// A program with a secret proves itself also when it redeems what a person granted (RFC 6749 §3.2.1).
    pub(super) async fn prove_if_confidential(
        &self,
        confidential: bool,
        client_id: &str,
        credential: Option<Credential<'_>>,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        match credential {
            Some(credential) if confidential => self.proven(client_id, credential, now).await.map(|_| ()),
            None if confidential => {
                Err(OAuthError::MissingCredential { client_id: client_id.chars().take(64).collect() })
            }
            _ => Ok(()),
        }
    }

    /// Whom an assertion may be for: the issuer, or a token endpoint by any of its names.
    fn assertion_audiences(&self) -> Vec<String> {
        let (base, tenant) = (&self.settings().public_url, self.tenant());
        let mut all = vec![self.identity().issuer().url.clone(), base.clone(), format!("{base}/")];
        for authority in [&*tenant.to_string(), "organizations", "common", "adfs", &format!("adfs/{tenant}")]
        {
            for path in ["oauth2/v2.0/token", "oauth2/token", "oauth2/token/"] {
                all.push(format!("{base}/{authority}/{path}"));
            }
        }
        all
    }

    /// A service principal, with the credentials of its application beside its own.
    async fn service_principal(&self, app_id: Uuid) -> Result<Option<Client>, OAuthError> {
        let key = format!("/providers/microsoft.bowline/serviceprincipals/{app_id}");
        let record = self.store().get(&key).await.map_err(|e| unavailable(&e))?;
        let Some(record) = record else { return Ok(None) };
        let document: Value = serde_json::from_str(&record.document).map_err(|_| OAuthError::ServerError)?;
        if document["properties"]["accountEnabled"] == false {
            return Err(OAuthError::DisabledAccount);
        }
        let application = self.application(app_id).await?;
        Ok(Some(Client { record, document, kind: ClientKind::Application(application.map(Box::new)) }))
    }

    /// The registration of an application.
    pub(super) async fn application(&self, app_id: Uuid) -> Result<Option<(Record, Value)>, OAuthError> {
        let key = format!("/providers/microsoft.bowline/applications/{app_id}");
        let record = self.store().get(&key).await.map_err(|e| unavailable(&e))?;
        let Some(record) = record else { return Ok(None) };
        let document = serde_json::from_str(&record.document).map_err(|_| OAuthError::ServerError)?;
        Ok(Some((record, document)))
    }

    /// A resource whose agent proves itself by its key, or an identity that is a resource by itself; users, groups and applications are found by
    /// their object ids too, and are no clients.
    async fn managed_identity(&self, principal: Uuid) -> Result<Option<Client>, OAuthError> {
        let record = self.store().get_by_principal(principal).await.map_err(|e| unavailable(&e))?;
        let kind_of = |r: &Record| {
            let agent =
                self.registry().by_key(&r.resource_type).is_some_and(|p| p.spec().agent_key.is_some());
            match &*r.resource_type {
                "microsoft.managedidentity/userassignedidentities" => Some(ClientKind::Identity),
                _ => agent.then_some(ClientKind::Agent),
            }
        };
        let Some((record, kind)) = record.and_then(|r| kind_of(&r).map(|kind| (r, kind))) else {
            return Ok(None);
        };
        let document = serde_json::from_str(&record.document).map_err(|_| OAuthError::ServerError)?;
        Ok(Some(Client { record, document, kind }))
    }

    /// Proves a client by its secret.
    pub(super) fn prove_secret(
        &self,
        client: &Client,
        client_id: &str,
        given: &str,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let mut expired = false;
        for record in client.credentials_of().filter(|_| !client.is_agent()) {
            let secrets = self.open_secrets(record).map_err(|_| OAuthError::ServerError)?;
            match check_secret(secrets.get(DIGESTS), given, now) {
                SecretCheck::Valid => return Ok(()),
                SecretCheck::Expired => expired = true,
                SecretCheck::Wrong => {}
            }
        }
        let client_id = client_id.to_owned();
        Err(if expired {
            OAuthError::ExpiredClientSecret { client_id }
        } else {
            OAuthError::WrongClientSecret { client_id }
        })
    }

    async fn prove_assertion(
        &self,
        client: &Client,
        client_id: &str,
        assertion: &str,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let (record, document) = (&client.record, &client.document);
        if let Some(presented) = Presented::read(assertion).filter(|_| !client.is_agent()) {
            return self.prove_federated(client.federates(), client_id, assertion, &presented, now).await;
        }
        let audiences = self.assertion_audiences();
        let texts = if client.is_agent() {
            signing_keys(document)
        } else {
            let of_application =
                client.application().into_iter().flat_map(|(_, document)| valid_keys(document, now));
            valid_keys(document, now).into_iter().chain(of_application).collect()
        };
        let keys: Vec<PublicKey> = texts.iter().filter_map(|t| PublicKey::parse(t).ok()).collect();
        let claims = verify_assertion(assertion, &keys, &audiences, now).map_err(OAuthError::Assertion)?;
        if let Some(at) = expires(document).filter(|at| *at <= now) {
            return Err(OAuthError::LapsedIdentity { client_id: client_id.to_owned(), at });
        }
        // The Azure SDKs make one assertion and send it with each request until it ends, as its audience lets them; an agent's is
        // used once, because its protocol is ours and says so.
        if !client.is_agent() {
            return Ok(());
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
        if let Err(error) = pipeline::update_status_told(
            self,
            &context,
            (&record.key, record.uid),
            "rotateKey/action",
            &change,
        )
        .await
        {
            // The old key stays valid, so that the next assertion tries again.
            tracing::warn!(resource = %record.key, %error, "the next key could not be made the registered one");
        }
    }
}

//! Who sends a request: from an access token, an enrolment token or the portal's cookie to an [`Actor`].

use bowline_arm::Error;
use bowline_auth::token::{AccessClaims, IdentityType, TokenError};
use jiff::Timestamp;

use super::Door;
use super::code::PortalSession;
use crate::Control;
use crate::context::{Actor, ActorKind, EnrollmentGrant};
use crate::pipeline::store_error;
use crate::providers::ENROLLMENT_ENTRY;
use crate::providers::bowline::Grant;

/// In ARM's codes: clients that see `ExpiredAuthenticationToken` get a new token and go on.
#[expect(clippy::needless_pass_by_value, reason = "map_err hands the error over")]
fn refused(error: TokenError) -> Error {
    let why = format!("The access token was refused: {error}.");
    match error {
        TokenError::Expired { .. } => Error::unauthenticated_as("ExpiredAuthenticationToken", why),
        TokenError::WrongIssuer { .. } => Error::unauthenticated_as("InvalidAuthenticationTokenTenant", why),
        TokenError::WrongAudience { .. } => {
            Error::unauthenticated_as("InvalidAuthenticationTokenAudience", why)
        }
        _ => Error::unauthenticated_as("InvalidAuthenticationToken", why),
    }
}

impl Control {
    /// The actor of a bearer token, and until when the token holds.
    ///
    /// # Errors
    /// `AuthenticationFailed` (401), saying what is wrong with the token.
    pub async fn authenticate(
        &self,
        bearer: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<(Actor, Timestamp), Error> {
        self.authorization().current()?;
        if bearer.starts_with("bwe_") {
            let visit = self.identity().visit(Door::Enrolment, "", address);
            visit.wait(now).map_err(|wait| {
                let seconds = u32::try_from(wait.retry_after_seconds).unwrap_or(u32::MAX);
                let message =
                    "Too many unknown enrolment tokens came from this address. Wait, then try again.";
                Error::new(429, "TooManyRequests", message).with_retry_after(seconds)
            })?;
            let outcome = self.authenticate_enrollment(bearer, now).await;
            if outcome.as_ref().is_err_and(|error| error.status == 401) {
                visit.failed(now);
            }
            return outcome;
        }
        let identity = self.identity();
        let verify = || identity.cache.verify(&identity.keys(), bearer, &identity.expected, now);
        let claims = match verify() {
            // Another server may have rotated the keys.
            Err(TokenError::UnknownKey { .. }) if self.find_new_keys(now).await => verify(),
            other => other,
        };
        let claims = claims.map_err(refused)?;
        let actor = match &claims.xms_mirid {
            Some(_) => self.resource_actor(&claims).await?,
            None => self.principal_actor(&claims).await?,
        };
        Ok((actor, claims.expires_at()))
    }

    async fn authenticate_enrollment(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Actor, Timestamp), Error> {
        let refused = || {
            Error::unauthenticated(
                "The enrolment token is unknown, expired or withdrawn. Ask for a new one: bowline enrollment-token create.",
            )
        };
        let digest = bowline_auth::secret::digest(token);
        let entry = self
            .store()
            .entry(ENROLLMENT_ENTRY, &digest)
            .await
            .map_err(|e| store_error(&e))?
            .filter(|e| e.is_live(now))
            .ok_or_else(refused)?;
        let grant: Grant = serde_json::from_slice(&entry.data).map_err(Error::internal)?;
        let actor = Actor {
            kind: ActorKind::EnrollmentToken,
            object_id: uuid::Uuid::nil(),
            name: grant.id,
            resource: None,
            enrollment: Some(EnrollmentGrant {
                scope: grant.scope,
                resource_types: grant.resource_types,
                entry: digest,
                max_uses: grant.max_uses,
            }),
        };
        Ok((actor, entry.expires_at.unwrap_or(Timestamp::MAX)))
    }

    /// The identity of a resource lives as long as the resource.
    async fn resource_actor(&self, claims: &AccessClaims) -> Result<Actor, Error> {
        let record = self.store().get_by_principal(claims.oid).await.map_err(|e| store_error(&e))?;
        let record = record.ok_or_else(|| {
            Error::unauthenticated("The resource of this identity was deleted. Connect it again.")
        })?;
        Ok(Actor {
            kind: ActorKind::ManagedIdentity,
            object_id: claims.oid,
            name: record.id,
            resource: Some(record.key),
            enrollment: None,
        })
    }

    /// A user or service principal that was disabled or deleted is refused at its next request.
    async fn principal_actor(&self, claims: &AccessClaims) -> Result<Actor, Error> {
        self.require_account(claims.oid).await?;
        let kind = if claims.idtyp == IdentityType::User { ActorKind::User } else { ActorKind::Application };
        let name = claims
            .preferred_username
            .clone()
            .or_else(|| claims.name.clone())
            .unwrap_or_else(|| claims.oid.to_string());
        Ok(Actor { kind, object_id: claims.oid, name, resource: None, enrollment: None })
    }

    async fn require_account(&self, object_id: uuid::Uuid) -> Result<(), Error> {
        match self.authorization().snapshot().await.principal(object_id) {
            Some(principal) if principal.enabled => Ok(()),
            Some(_) => Err(Error::unauthenticated("The account is disabled. Ask an administrator.")),
            None => {
                Err(Error::unauthenticated("The account of this token was deleted. Sign in with another."))
            }
        }
    }

    /// Whether somebody whose proof still holds may go on with what is open: its account is there and enabled, its resource exists.
    ///
    /// # Errors
    /// Why not.
    pub async fn require_alive(&self, actor: &Actor) -> Result<(), Error> {
        self.authorization().current()?;
        match actor.kind {
            ActorKind::User | ActorKind::Application => self.require_account(actor.object_id).await,
            ActorKind::ManagedIdentity => {
                let record =
                    self.store().get_by_principal(actor.object_id).await.map_err(|e| store_error(&e))?;
                record
                    .map(|_| ())
                    .ok_or_else(|| Error::unauthenticated("The resource of this identity was deleted."))
            }
            ActorKind::EnrollmentToken | ActorKind::System => Ok(()),
        }
    }

    /// The actor of a portal cookie.
    ///
    /// # Errors
    /// `AuthenticationFailed` (401) when the session ended or the account did.
    pub async fn authenticate_cookie(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<(Actor, PortalSession), Error> {
        self.authorization().current()?;
        let ended = || Error::unauthenticated("The portal session has ended. Sign in again.");
        let session = self.portal_session(cookie, now).await?.ok_or_else(ended)?;
        if !self.authorization().snapshot().await.is_enabled(session.object_id) {
            return Err(ended());
        }
        let actor = Actor {
            kind: ActorKind::User,
            object_id: session.object_id,
            name: session.username.clone(),
            resource: None,
            enrollment: None,
        };
        Ok((actor, session))
    }
}

//! Passwords, authorization codes with PKCE, refresh tokens, and the portal's sessions.

use bowline_auth::{OAuthError, Secret, password, pkce, secret};
use bowline_store::{EntryWrite, Record};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::issue::{Refresh, TokenAnswer, user_principal};
use super::{PORTAL_CLIENT, entry, unavailable};
use crate::Control;

/// A code is redeemed at once.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// A portal session ends after a working day.
const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(12);

/// A request of the authorization endpoint that was checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the code goes.
    pub redirect_uri: String,
    /// What is asked for.
    pub scope: String,
    /// PKCE, S256.
    pub code_challenge: String,
    /// OpenID Connect.
    pub nonce: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Code {
    request: AuthorizeRequest,
    object_id: Uuid,
}

/// A signed-in browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PortalSession {
    /// The user.
    pub object_id: Uuid,
    /// For people.
    pub name: String,
    /// What was typed.
    pub username: String,
    /// When the session ends.
    pub expires_on: Timestamp,
}

impl Control {
    /// Proves a user by password; slows down who guesses.
    ///
    /// # Errors
    /// Wrong, disabled, or too many attempts; a name that does not exist is answered as a wrong password, in the same time.
    pub async fn check_password(
        &self,
        username: &str,
        given: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<Record, OAuthError> {
        self.identity()
            .throttled(|t| t.check(username, address, now))
            .map_err(|e| OAuthError::TooManyAttempts { retry_after_seconds: e.retry_after_seconds })?;
        let key = format!("/providers/microsoft.bowline/users/{}", username.trim().to_ascii_lowercase());
        let record =
            if key.len() > 200 { None } else { self.store().get(&key).await.map_err(|e| unavailable(&e))? };
        let hash = match &record {
            Some(record) => self
                .open_secrets(record)
                .map_err(|_| OAuthError::ServerError)?
                .get("/properties/passwordHash")
                .and_then(|h| h.as_str().map(str::to_owned)),
            None => None,
        };
        let given: String = given.chars().take(1024).collect();
        let right = tokio::task::spawn_blocking(move || password::verify_or_burn(hash.as_deref(), &given))
            .await
            .unwrap_or(false);
        match record.filter(|_| right) {
            Some(record) => {
                self.identity().throttled(|t| t.succeeded(username, address));
                user_principal(&record).map(|_| record)
            }
            None => {
                self.identity().throttled(|t| t.failed(username, address, now));
                Err(OAuthError::WrongPassword)
            }
        }
    }

    /// Checks a request of the authorization endpoint before a page is shown.
    ///
    /// # Errors
    /// Why it cannot be answered by a redirect.
    pub fn check_authorize(
        &self,
        request: &AuthorizeRequest,
        method: Option<&str>,
    ) -> Result<(), OAuthError> {
        if request.client_id != PORTAL_CLIENT {
            return Err(OAuthError::UnknownClient {
                client_id: request.client_id.chars().take(64).collect(),
            });
        }
        if request.redirect_uri != format!("{}/portal/callback", self.settings().public_url) {
            return Err(OAuthError::WrongRedirectUri {
                redirect_uri: request.redirect_uri.chars().take(256).collect(),
            });
        }
        pkce::check_challenge(&request.code_challenge, method)?;
        Ok(())
    }

    /// A code for a user who has proved itself.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn issue_code(
        &self,
        request: AuthorizeRequest,
        user: &Record,
        now: Timestamp,
    ) -> Result<Secret, OAuthError> {
        let code = Secret::generate("");
        let data = Code { request, object_id: user.principal.ok_or(OAuthError::ServerError)? };
        let entry = entry("code", code.digest(), &data, now + CODE_LIFETIME);
        self.write_entries("sign-in", vec![EntryWrite::Put { entry }], now)
            .await
            .map_err(|_| OAuthError::TemporarilyUnavailable)?;
        Ok(code)
    }

    /// What an unexpired code or token stands for.
    async fn live_entry<T: serde::de::DeserializeOwned>(
        &self,
        kind: &str,
        digest: &str,
        now: Timestamp,
    ) -> Result<T, OAuthError> {
        let entry = self.store().entry(kind, digest).await.map_err(|e| unavailable(&e))?;
        let live = entry.filter(|e| e.is_live(now)).ok_or(OAuthError::InvalidGrant)?;
        serde_json::from_slice(&live.data).map_err(|_| OAuthError::InvalidGrant)
    }

    async fn take_code(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<(Code, EntryWrite), OAuthError> {
        let digest = secret::digest(code);
        let stored: Code = self.live_entry("code", &digest, now).await?;
        if stored.request.client_id != client_id || stored.request.redirect_uri != redirect_uri {
            return Err(OAuthError::InvalidGrant);
        }
        pkce::verify(&stored.request.code_challenge, verifier)?;
        Ok((stored, EntryWrite::Take { kind: "code".to_owned(), key: digest }))
    }

    /// The `authorization_code` grant.
    ///
    /// # Errors
    /// When the code, its verifier or its client do not fit together.
    pub async fn token_for_code(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let (stored, take) = self.take_code(code, client_id, redirect_uri, verifier, now).await?;
        let user = self.user(stored.object_id).await?;
        self.issue_user(
            &user,
            client_id,
            &stored.request.scope,
            stored.request.nonce.as_deref(),
            vec![take],
            now,
        )
        .await
    }

    /// The `refresh_token` grant; the token is replaced by a new one.
    ///
    /// # Errors
    /// When it is unknown, used or ended.
    pub async fn token_for_refresh(
        &self,
        token: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let digest = secret::digest(token);
        let refresh: Refresh = self.live_entry("refresh", &digest, now).await?;
        if refresh.client_id != client_id {
            return Err(OAuthError::InvalidGrant);
        }
        let user = self.user(refresh.object_id).await?;
        let take = EntryWrite::Take { kind: "refresh".to_owned(), key: digest };
        self.issue_user(&user, client_id, &refresh.scope, None, vec![take], now).await
    }

    async fn user(&self, object_id: Uuid) -> Result<Record, OAuthError> {
        self.store()
            .get_by_principal(object_id)
            .await
            .map_err(|e| unavailable(&e))?
            .ok_or(OAuthError::DisabledAccount)
    }

    /// The portal redeems its code for a session of the browser.
    ///
    /// # Errors
    /// As for [`Self::token_for_code`].
    pub async fn open_portal_session(
        &self,
        code: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<(Secret, PortalSession), OAuthError> {
        let redirect_uri = format!("{}/portal/callback", self.settings().public_url);
        let (stored, take) = self.take_code(code, PORTAL_CLIENT, &redirect_uri, verifier, now).await?;
        let principal = user_principal(&self.user(stored.object_id).await?)?;
        let username = principal.username.unwrap_or_default();
        let session = PortalSession {
            object_id: principal.object_id,
            name: principal.name.unwrap_or_else(|| username.clone()),
            username,
            expires_on: now + SESSION_LIFETIME,
        };
        let cookie = Secret::generate("");
        let put =
            EntryWrite::Put { entry: entry("portalSession", cookie.digest(), &session, session.expires_on) };
        self.write_entries("sign-in", vec![take, put], now).await.map_err(|_| OAuthError::InvalidGrant)?;
        Ok((cookie, session))
    }

    /// The session of a cookie.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn portal_session(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<PortalSession>, bowline_arm::Error> {
        let entry = self
            .store()
            .entry("portalSession", &secret::digest(cookie))
            .await
            .map_err(|e| crate::pipeline::store_error(&e))?;
        Ok(entry.filter(|e| e.is_live(now)).and_then(|e| serde_json::from_slice(&e.data).ok()))
    }

    /// Ends the session of a cookie.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn close_portal_session(&self, cookie: &str, now: Timestamp) -> Result<(), bowline_arm::Error> {
        let remove = EntryWrite::Remove { kind: "portalSession".to_owned(), key: secret::digest(cookie) };
        self.write_entries("sign-in", vec![remove], now).await.map_err(bowline_arm::Error::internal)
    }
}

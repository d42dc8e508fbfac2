//! Authorization codes with PKCE, and the portal's sessions.
//!
//! A code that was redeemed stays until it would have ended: who brings it again has seen it, so that the sign-in it began ends
//! (RFC 6749 §4.1.2).

use bowline_auth::{OAuthError, Secret, pkce, secret};
use bowline_store::{Entry, EntryWrite, Record};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::client::Credential;
use super::clients::Redirect;
use super::issue::{Granted, TokenAnswer, user_principal};
use super::refresh::Family;
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
    /// The sign-in that it began, once it was redeemed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redeemed: Option<Uuid>,
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
    /// Checks a request of the authorization endpoint before a page is shown.
    ///
    /// # Errors
    /// Why it cannot be answered by a redirect.
    pub async fn check_authorize(
        &self,
        request: &AuthorizeRequest,
        method: Option<&str>,
    ) -> Result<(), OAuthError> {
        self.check_redirect(&request.client_id, &request.redirect_uri).await?;
        self.audience(&request.scope)?;
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
        let data =
            Code { request, object_id: user.principal.ok_or(OAuthError::ServerError)?, redeemed: None };
        let entry = entry("code", code.digest(), &data, now + CODE_LIFETIME);
        self.write_entries("sign-in", vec![EntryWrite::Put { entry }], now)
            .await
            .map_err(|_| OAuthError::TemporarilyUnavailable)?;
        Ok(code)
    }

    /// A live code, after its client, its address and its proof key.
    async fn open_code(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<(Entry, Code), OAuthError> {
        let stored = self.store().entry("code", &secret::digest(code)).await.map_err(|e| unavailable(&e))?;
        let live = stored.filter(|e| e.is_live(now)).ok_or(OAuthError::InvalidGrant)?;
        let code: Code = serde_json::from_slice(&live.data).map_err(|_| OAuthError::InvalidGrant)?;
        let request = &code.request;
        if !request.client_id.eq_ignore_ascii_case(client_id) || request.redirect_uri != redirect_uri {
            return Err(OAuthError::InvalidGrant);
        }
        pkce::verify(&request.code_challenge, verifier)?;
        if let Some(family) = code.redeemed {
            self.end_family(family, now).await?;
            return Err(OAuthError::UsedCode);
        }
        Ok((live, code))
    }

    /// The `authorization_code` grant.
    ///
    /// # Errors
    /// When the code, its verifier or its client do not fit together, or it was redeemed before.
    pub async fn token_for_code(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: &str,
        credential: Option<Credential<'_>>,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let confidential = self.redirect(client_id, redirect_uri).await? == Redirect::Confidential;
        self.prove_if_confidential(confidential, client_id, credential, now).await?;
        let (stored, opened) = self.open_code(code, client_id, redirect_uri, verifier, now).await?;
        let user = self.user(opened.object_id).await?;
        let (family, begin) = self.begin_family(opened.object_id, client_id, now).await?;
        let request = opened.request.clone();
        let nonce = request.nonce.as_deref();
        let granted = Granted { client_id, scope: &request.scope, nonce, confidential };
        let redeem = redeemed(stored, opened, &family)?;
        self.issue_user(&user, &granted, &family, vec![redeem, begin], now).await?.ok_or(OAuthError::UsedCode)
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
        let (stored, opened) = self.open_code(code, PORTAL_CLIENT, &redirect_uri, verifier, now).await?;
        let principal = user_principal(&self.user(opened.object_id).await?)?;
        let take = EntryWrite::Take { kind: stored.kind, key: stored.key };
        let username = principal.username.unwrap_or_default();
        let session = PortalSession {
            object_id: principal.object_id,
            name: principal.name.unwrap_or_else(|| username.clone()),
            username,
            expires_on: now + SESSION_LIFETIME,
        };
        let cookie = Secret::generate("");
        let entry = entry("portalSession", cookie.digest(), &session, session.expires_on);
        self.make_room(session.object_id, &entry, now).await?;
        let put = EntryWrite::Put { entry };
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

/// Marks a code as redeemed; refused when somebody else redeemed it meanwhile.
fn redeemed(mut stored: Entry, code: Code, family: &Family) -> Result<EntryWrite, OAuthError> {
    let expected_version = stored.version;
    let code = Code { redeemed: Some(family.id()), ..code };
    stored.data = serde_json::to_vec(&code).map_err(|_| OAuthError::ServerError)?;
    Ok(EntryWrite::Replace { entry: stored, expected_version })
}

//! The answer of the token endpoint: access token, and for users an identity token and a refresh token.

use bowline_auth::token::{AccessClaims, IdentityType, Principal, client_info, id_token};
use bowline_auth::{OAuthError, Secret, audience};
use bowline_store::{EntryWrite, Record};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::refresh::Family;
use crate::Control;

/// The documented lifetime (wire.md §1).
const TOKEN_SECONDS: i64 = 3600;

/// What the token endpoint answers.
#[derive(Debug, Serialize)]
pub struct TokenAnswer {
    token_type: &'static str,
    expires_in: i64,
    ext_expires_in: i64,
    expires_on: String,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_info: Option<String>,
}

/// What a person's sign-in is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Granted<'a> {
    pub client_id: &'a str,
    /// As asked for; clients find their tokens by it.
    pub scope: &'a str,
    pub nonce: Option<&'a str>,
    /// The client proves itself again whenever it renews.
    pub confidential: bool,
}

impl Control {
    /// An answer for an application or an agent.
    pub(super) fn issue_application(
        &self,
        principal: &Principal,
        client_id: &str,
        scope: &str,
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let identity = self.identity();
        let claims = AccessClaims::issue(
            identity.issuer(),
            &self.audience(scope)?,
            client_id,
            principal,
            lifetime,
            now,
        );
        let access_token = identity.keys().sign(&claims, now).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            OAuthError::ServerError
        })?;
        let seconds = lifetime.as_secs();
        Ok(TokenAnswer {
            token_type: "Bearer",
            expires_in: seconds,
            ext_expires_in: seconds,
            expires_on: claims.exp.to_string(),
            access_token,
            scope: None,
            refresh_token: None,
            id_token: None,
            client_info: None,
        })
    }

    /// The audience that a scope means.
    pub(super) fn audience(&self, scope: &str) -> Result<String, OAuthError> {
        audience::resolve(&self.settings().public_url, scope)
    }

    /// An answer for a user, with the next refresh token of its sign-in. None when one of the writes lost against another's.
    pub(super) async fn issue_user(
        &self,
        user: &Record,
        granted: &Granted<'_>,
        family: &Family,
        mut writes: Vec<EntryWrite>,
        now: Timestamp,
    ) -> Result<Option<TokenAnswer>, OAuthError> {
        let mut principal = user_principal(user)?;
        principal.groups = self.authorization().snapshot().await.groups_of(principal.object_id);
        let lifetime = SignedDuration::from_secs(TOKEN_SECONDS);
        let mut answer =
            self.issue_application(&principal, granted.client_id, granted.scope, lifetime, now)?;
        let refresh = Secret::generate("bwr_");
        writes.push(family.keep(refresh.digest(), principal.object_id, granted, now));
        match self.write_entries("sign-in", writes, now).await {
            Ok(()) => {}
            Err(bowline_store::CommitError::Refused(_)) => return Ok(None),
            Err(error) => {
                tracing::warn!(%error, "a sign-in could not be written");
                return Err(OAuthError::TemporarilyUnavailable);
            }
        }
        let identity = self.identity();
        let (keys, issuer) = (identity.keys(), identity.issuer());
        answer.id_token =
            id_token(&keys, issuer, granted.client_id, &principal, granted.nonce, lifetime, now).ok();
        answer.client_info = Some(client_info(principal.object_id, self.tenant()));
        answer.refresh_token = Some(refresh.expose().to_owned());
        answer.scope = Some(granted.scope.to_owned());
        Ok(Some(answer))
    }
}

/// A user's record as the subject of a token.
pub(super) fn user_principal(user: &Record) -> Result<Principal, OAuthError> {
    let document: Value = serde_json::from_str(&user.document).map_err(|_| OAuthError::ServerError)?;
    let properties = &document["properties"];
    if properties["accountEnabled"] == false {
        return Err(OAuthError::DisabledAccount);
    }
    Ok(Principal {
        object_id: user.principal.ok_or(OAuthError::ServerError)?,
        kind: IdentityType::User,
        name: properties["displayName"].as_str().map(str::to_owned),
        username: properties["username"].as_str().map(str::to_owned),
        resource_id: None,
        groups: Vec::new(),
    })
}

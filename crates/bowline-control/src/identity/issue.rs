//! The answer of the token endpoint: access token, and for users an identity token and a refresh token.

use bowline_auth::token::{AccessClaims, IdentityType, Principal, client_info, id_token};
use bowline_auth::{OAuthError, Secret};
use bowline_store::{EntryWrite, Record};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::entry;
use crate::Control;

/// Documented lifetimes (wire.md §1).
const TOKEN_SECONDS: i64 = 3600;
/// A refresh token that is not used for so long ends.
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 14);

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

/// What a refresh token stands for.
#[derive(Serialize, Deserialize)]
pub(super) struct Refresh {
    pub object_id: Uuid,
    pub client_id: String,
    pub scope: String,
}

impl Control {
    /// An answer for an application or an agent.
    pub(super) fn issue_application(
        &self,
        principal: &Principal,
        client_id: &str,
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let identity = self.identity();
        let claims = AccessClaims::issue(
            identity.issuer(),
            &self.settings().public_url,
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

    /// An answer for a user, with a refresh token that replaces the one it came from.
    pub(super) async fn issue_user(
        &self,
        user: &Record,
        client_id: &str,
        scope: &str,
        nonce: Option<&str>,
        consume: Vec<EntryWrite>,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let mut principal = user_principal(user)?;
        principal.groups = self.authorization().snapshot().await.groups_of(principal.object_id);
        let lifetime = SignedDuration::from_secs(TOKEN_SECONDS);
        let mut answer = self.issue_application(&principal, client_id, lifetime, now)?;
        let identity = self.identity();
        let refresh = Secret::generate("bwr_");
        let data = Refresh {
            object_id: principal.object_id,
            client_id: client_id.to_owned(),
            scope: scope.to_owned(),
        };
        let mut entries = consume;
        entries.push(EntryWrite::Put {
            entry: entry("refresh", refresh.digest(), &data, now + REFRESH_LIFETIME),
        });
        self.write_entries("sign-in", entries, now).await.map_err(|error| match error {
            bowline_store::CommitError::Refused(_) => OAuthError::InvalidGrant,
            error => {
                tracing::warn!(%error, "a sign-in could not be written");
                OAuthError::TemporarilyUnavailable
            }
        })?;
        answer.id_token =
            id_token(&identity.keys(), identity.issuer(), client_id, &principal, nonce, lifetime, now).ok();
        answer.client_info = Some(client_info(principal.object_id, self.tenant()));
        answer.refresh_token = Some(refresh.expose().to_owned());
        answer.scope = Some(scope.to_owned());
        Ok(answer)
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

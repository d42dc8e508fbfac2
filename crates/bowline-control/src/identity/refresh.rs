//! Sign-ins that go on: refresh tokens in families, their rotation, and their end.
//!
//! # Design notes
//! One sign-in of a person is one family. Each use of a refresh token makes the next one and marks the old one as spent; who
//! brings a spent one later than a moment has a copy, so that the family ends and both holders must sign in again
//! (RFC 9700 §4.14.2). The moment ([`GRACE`]) is for clients as they are: several `az` commands share one cache
//! and renew at once, and an answer can be lost on its way. A family is one entry that is never changed, only removed;
//! so a renewal that races a sign-out leaves a token whose family is gone, which is worth nothing.

use bowline_auth::{OAuthError, secret};
use bowline_store::{EntryWrite, Record};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::client::Credential;
use super::issue::{Granted, TokenAnswer};
use super::{entry, unavailable};
use crate::Control;

/// A refresh token that is not used for so long ends.
const IDLE: SignedDuration = SignedDuration::from_hours(24 * 14);
/// After so long a person signs in again, however busy the session was.
const LONGEST_DAYS: i64 = 90;
/// How long a spent refresh token is taken once more.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// A renewal that lost against another one starts over; each time somebody else has won.
const ATTEMPTS: usize = 8;
const FAMILY: &str = "signIn";
const TOKEN: &str = "refresh";

/// One sign-in of a person.
#[derive(Clone, Debug)]
pub(super) struct Family {
    id: Uuid,
    began_on: Timestamp,
}

/// What is kept of a family.
#[derive(Serialize, Deserialize)]
struct StoredFamily {
    object_id: Uuid,
    client_id: String,
}

/// What a refresh token stands for.
#[derive(Serialize, Deserialize)]
struct Refresh {
    object_id: Uuid,
    client_id: String,
    scope: String,
    family: Uuid,
    began_on: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spent_on: Option<Timestamp>,
    #[serde(default)]
    confidential: bool,
}

impl Family {
    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    /// Keeps the digest of a new refresh token of this family.
    pub(super) fn keep(
        &self,
        digest: String,
        user: Uuid,
        granted: &Granted<'_>,
        now: Timestamp,
    ) -> EntryWrite {
        let refresh = Refresh {
            object_id: user,
            client_id: granted.client_id.to_owned(),
            scope: granted.scope.to_owned(),
            family: self.id,
            began_on: self.began_on,
            spent_on: None,
            confidential: granted.confidential,
        };
        EntryWrite::Put { entry: entry(TOKEN, digest, &refresh, now + IDLE) }
    }

    /// Ends a sign-in.
    pub(super) fn end(id: Uuid) -> EntryWrite {
        EntryWrite::Remove { kind: FAMILY.to_owned(), key: id.to_string() }
    }
}

impl Control {
    /// A sign-in that begins now, and the write that makes it.
    pub(super) async fn begin_family(
        &self,
        user: Uuid,
        client_id: &str,
        now: Timestamp,
    ) -> Result<(Family, EntryWrite), OAuthError> {
        let family = Family { id: bowline_auth::random::guid(), began_on: now };
        let stored = StoredFamily { object_id: user, client_id: client_id.to_owned() };
        let end = now + SignedDuration::from_hours(24 * LONGEST_DAYS);
        let entry = entry(FAMILY, family.id.to_string(), &stored, end);
        self.make_room(user, &entry, now).await?;
        Ok((family, EntryWrite::Insert { entry }))
    }

    /// The `refresh_token` grant; the token is replaced by a new one.
    ///
    /// # Errors
    /// When it is unknown, ended, revoked or used before.
    pub async fn token_for_refresh(
        &self,
        token: &str,
        client_id: &str,
        credential: Option<Credential<'_>>,
        scope: &str,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let digest = secret::digest(token);
        let (_, refresh) =
            self.refresh_entry(&digest, client_id, now).await?.ok_or(OAuthError::InvalidGrant)?;
        self.prove_if_confidential(refresh.confidential, client_id, credential, now).await?;
        for _ in 0..ATTEMPTS {
            if let Some(answer) = self.try_refresh(&digest, client_id, scope, now).await? {
                return Ok(answer);
            }
        }
        Err(OAuthError::TemporarilyUnavailable)
    }

    /// None when another renewal with the same token was faster: then it is looked at again.
    async fn try_refresh(
        &self,
        digest: &str,
        client_id: &str,
        scope: &str,
        now: Timestamp,
    ) -> Result<Option<TokenAnswer>, OAuthError> {
        let Some((stored, refresh)) = self.refresh_entry(digest, client_id, now).await? else {
            return Err(OAuthError::InvalidGrant);
        };
        if now.duration_since(refresh.began_on) > SignedDuration::from_hours(24 * LONGEST_DAYS) {
            return Err(OAuthError::SignInTooOld { days: LONGEST_DAYS });
        }
        let family =
            self.store().entry(FAMILY, &refresh.family.to_string()).await.map_err(|e| unavailable(&e))?;
        if family.is_none_or(|family| !family.is_live(now)) {
            return Err(OAuthError::RevokedGrant);
        }
        if refresh.spent_on.is_some_and(|spent| now.duration_since(spent) > GRACE) {
            tracing::warn!(object_id = %refresh.object_id, "a spent refresh token was brought again: the sign-in was ended");
            self.end_family(refresh.family, now).await?;
            return Err(OAuthError::ReusedRefreshToken);
        }
        let user = self.user(refresh.object_id).await?;
        if password_changed_since(&user, refresh.began_on) {
            self.end_family(refresh.family, now).await?;
            return Err(OAuthError::RevokedGrant);
        }
        let mut writes = Vec::new();
        if refresh.spent_on.is_none() {
            let version = stored.version;
            let spent = Refresh { spent_on: Some(now), ..refresh };
            let mut entry = stored;
            entry.data = serde_json::to_vec(&spent).map_err(|_| OAuthError::ServerError)?;
            writes.push(EntryWrite::Replace { entry, expected_version: version });
            return self.renew(&user, &spent, scope, writes, now).await;
        }
        self.renew(&user, &refresh, scope, writes, now).await
    }

    async fn renew(
        &self,
        user: &Record,
        refresh: &Refresh,
        scope: &str,
        writes: Vec<EntryWrite>,
        now: Timestamp,
    ) -> Result<Option<TokenAnswer>, OAuthError> {
        let scope = if scope.trim().is_empty() { &refresh.scope } else { scope };
        let confidential = refresh.confidential;
        let granted = Granted { client_id: &refresh.client_id, scope, nonce: None, confidential };
        let family = Family { id: refresh.family, began_on: refresh.began_on };
        self.issue_user(user, &granted, &family, writes, now).await
    }

    async fn refresh_entry(
        &self,
        digest: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Option<(bowline_store::Entry, Refresh)>, OAuthError> {
        let stored = self.store().entry(TOKEN, digest).await.map_err(|e| unavailable(&e))?;
        Ok(stored.filter(|e| e.is_live(now)).and_then(|e| {
            let refresh: Refresh = serde_json::from_slice(&e.data).ok()?;
            refresh.client_id.eq_ignore_ascii_case(client_id).then_some((e, refresh))
        }))
    }

    /// Ends a sign-in: none of its refresh tokens is taken any more.
    pub(super) async fn end_family(&self, id: Uuid, now: Timestamp) -> Result<(), OAuthError> {
        self.write_entries("sign-out", vec![Family::end(id)], now)
            .await
            .map_err(|_| OAuthError::TemporarilyUnavailable)
    }

    /// Revocation (RFC 7009): the sign-in of a refresh token ends. A token that is none of ours needs no revoking.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn revoke(&self, token: &str, client_id: &str, now: Timestamp) -> Result<(), OAuthError> {
        match self.refresh_entry(&secret::digest(token), client_id, now).await? {
            Some((_, refresh)) => self.end_family(refresh.family, now).await,
            None => Ok(()),
        }
    }

    /// The person of a sign-in; who was deleted has none.
    pub(super) async fn user(&self, object_id: Uuid) -> Result<Record, OAuthError> {
        self.store()
            .get_by_principal(object_id)
            .await
            .map_err(|e| unavailable(&e))?
            .ok_or(OAuthError::DeletedAccount)
    }
}

/// Who changes a password means to lock out whoever knew the old one.
fn password_changed_since(user: &Record, began_on: Timestamp) -> bool {
    let document: Value = serde_json::from_str(&user.document).unwrap_or_default();
    document["properties"]["passwordChangedOn"]
        .as_str()
        .and_then(|time| time.parse::<Timestamp>().ok())
        .is_some_and(|changed| changed > began_on)
}

//! The device flow (RFC 8628): a code on one screen, the password on another.

use bowline_auth::device::{DeviceGrant, LIFETIME_SECONDS, Poll, normalise_user_code, show_user_code};
use bowline_auth::{OAuthError, secret};
use bowline_store::{Entry, EntryWrite};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::issue::{Granted, TokenAnswer};
use super::{Door, clients, entry, unavailable};
use crate::Control;

/// What the device shows.
#[derive(Debug, Serialize)]
pub struct DeviceAnswer {
    user_code: String,
    device_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
    message: String,
}

impl Control {
    /// Starts a sign-in.
    ///
    /// # Errors
    /// When the client is not one that people sign in with.
    pub async fn start_device(
        &self,
        client_id: &str,
        scope: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<DeviceAnswer, OAuthError> {
        let visit = self.identity().visit(Door::DeviceStart, "", address);
        visit.check(now)?;
        visit.failed(now);
        if !clients::is_public(client_id) {
            return Err(OAuthError::UnknownClient { client_id: client_id.chars().take(64).collect() });
        }
        self.audience(scope)?;
        let (grant, device_code) =
            DeviceGrant::start(client_id, &scope.chars().take(1024).collect::<String>(), now);
        let by_user = EntryWrite::Insert {
            entry: entry("deviceUser", grant.user_code.clone(), &grant.device_code_digest, grant.expires_at),
        };
        // The grant outlives its code a little, so that a late poll is told that it expired.
        let by_device = EntryWrite::Insert {
            entry: entry(
                "device",
                grant.device_code_digest.clone(),
                &grant,
                grant.expires_at + SignedDuration::from_mins(5),
            ),
        };
        self.write_entries("sign-in", vec![by_user, by_device], now)
            .await
            .map_err(|_| OAuthError::TemporarilyUnavailable)?;
        let user_code = show_user_code(&grant.user_code);
        let verification_uri = format!("{}/device", self.settings().public_url);
        Ok(DeviceAnswer {
            message: format!(
                "To sign in, use a web browser to open the page {verification_uri} and enter the code {user_code} to authenticate."
            ),
            verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
            user_code,
            device_code: device_code.expose().to_owned(),
            verification_uri,
            expires_in: LIFETIME_SECONDS,
            interval: grant.interval_seconds,
        })
    }

    async fn device_grant(&self, digest: &str) -> Result<Option<(Entry, DeviceGrant)>, OAuthError> {
        let entry = self.store().entry("device", digest).await.map_err(|e| unavailable(&e))?;
        Ok(entry.and_then(|e| serde_json::from_slice(&e.data).ok().map(|g| (e, g))))
    }

    /// The person's answer; `approved_by` is none for a refusal.
    ///
    /// # Errors
    /// When the code is unknown, expired or was answered before.
    pub async fn decide_device(
        &self,
        user_code: &str,
        approved_by: Option<Uuid>,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let code = normalise_user_code(user_code).ok_or(OAuthError::UnknownDeviceCode)?;
        let entry = self
            .store()
            .entry("deviceUser", &code)
            .await
            .map_err(|e| unavailable(&e))?
            .filter(|e| e.is_live(now))
            .ok_or(OAuthError::UnknownDeviceCode)?;
        let digest: String = serde_json::from_slice(&entry.data).map_err(|_| OAuthError::ServerError)?;
        let (stored, mut grant) = self.device_grant(&digest).await?.ok_or(OAuthError::UnknownDeviceCode)?;
        grant.decide(approved_by, now).map_err(|_| OAuthError::ExpiredDeviceCode)?;
        self.replace_grant(
            &stored,
            &grant,
            vec![EntryWrite::Take { kind: "deviceUser".to_owned(), key: code }],
            now,
        )
        .await
    }

    async fn replace_grant(
        &self,
        stored: &Entry,
        grant: &DeviceGrant,
        mut more: Vec<EntryWrite>,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let mut entry = stored.clone();
        entry.data = serde_json::to_vec(grant).map_err(|_| OAuthError::ServerError)?;
        more.push(EntryWrite::Replace { entry, expected_version: stored.version });
        self.write_entries("sign-in", more, now).await.map_err(|_| OAuthError::TemporarilyUnavailable)
    }

    /// The device asks whether the person has answered.
    ///
    /// # Errors
    /// `authorization_pending`, `slow_down` and the final refusals.
    pub async fn token_for_device(
        &self,
        client_id: &str,
        device_code: &str,
        scope: &str,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let digest = secret::digest(device_code);
        let (stored, mut grant) = self.device_grant(&digest).await?.ok_or(OAuthError::UnknownDeviceCode)?;
        if grant.client_id != client_id {
            return Err(OAuthError::UnknownDeviceCode);
        }
        match grant.poll(now) {
            Poll::Expired => Err(OAuthError::ExpiredDeviceCode),
            Poll::Denied => Err(OAuthError::AccessDenied),
            Poll::Approved { object_id } => {
                let user = self.user(object_id).await?;
                let (family, begin) = self.begin_family(object_id, client_id, now).await?;
                let take = EntryWrite::Take { kind: "device".to_owned(), key: digest };
                let scope = if scope.trim().is_empty() { &grant.scope } else { scope };
                let granted = Granted { client_id, scope, nonce: None, confidential: false };
                self.issue_user(&user, &granted, &family, vec![take, begin], now)
                    .await?
                    .ok_or(OAuthError::UnknownDeviceCode)
            }
            pending => {
                // A poll that lost to the person's answer is simply asked again.
                let _ = self.replace_grant(&stored, &grant, Vec::new(), now).await;
                Err(if pending == Poll::SlowDown {
                    OAuthError::SlowDown
                } else {
                    OAuthError::AuthorizationPending
                })
            }
        }
    }
}

//! Rotates the issuer's signing key when it is due, and takes over what other servers of the same store published: every server reads, one writes.
//!
//! Design notes: the store decides. Two servers that rotate at once name the same entry, one of them wins, and both read the winner's
//! key. The period is a quarter of the time by which a successor is published before it signs, so that every server knows a key long
//! before the first token under it; a token under a key that is not known yet makes a server look at once ([`Control::reload_keys`]).

use std::time::Duration;

use bowline_store::{CommitError, Entry, EntryWrite};
use tokio_util::sync::CancellationToken;

use super::pause;
use crate::Control;
use crate::bootstrap::seal_key;
use crate::clock::Clock;
use crate::context::OpContext;
use crate::duties::KEYS;

pub(super) async fn run(control: &Control, clock: &Clock, cancel: &CancellationToken) {
    let lead = control.identity().keys().rule().lead;
    let period = Duration::try_from(lead / 4).unwrap_or_default();
    let period = period.clamp(Duration::from_secs(1), Duration::from_secs(3600));
    loop {
        let now = clock.now();
        let looked_after = match control.fleet().duties().of(KEYS) {
            Some(duty) => control.rotate_keys_as(&duty.context("key-rotation", now)).await,
            None => control.reload_keys(now).await,
        };
        if let Err(error) = looked_after {
            tracing::warn!(%error, "the signing keys could not be looked after; trying again later");
        }
        if !pause(cancel, period).await {
            return;
        }
    }
}

impl Control {
    /// Reads the keys, and publishes a successor when one is due.
    ///
    /// # Errors
    /// When the store cannot be read or written, or holds a key that cannot be opened.
    pub async fn rotate_keys(&self, now: jiff::Timestamp) -> Result<(), crate::bootstrap::BootstrapError> {
        self.rotate_keys_as(&OpContext::system("key-rotation", now)).await
    }

    async fn rotate_keys_as(&self, context: &OpContext) -> Result<(), crate::bootstrap::BootstrapError> {
        let now = context.now;
        self.reload_keys(now).await?;
        let keys = self.identity().keys();
        let Some(next) = keys.rotate(now) else { return Ok(()) };
        let entry = Entry {
            kind: "signingKey".to_owned(),
            // A successor begins when its predecessor ends, so that servers agree on its name; overdue ones agree nearly always.
            key: next
                .times()
                .signs_from
                .as_second()
                .div_euclid(keys.rule().lead.as_secs().max(1))
                .to_string(),
            data: hex::encode(seal_key(self.seal(), &next)).into_bytes(),
            uses: 0,
            version: 0,
            expires_at: Some(next.times().published_until),
        };
        match self.write_entries_as(context, vec![EntryWrite::Insert { entry }]).await {
            Ok(()) => {
                tracing::info!(kid = next.kid(), signs_from = %next.times().signs_from, "a new signing key was published");
                self.identity().set_keys(keys.with(next));
                Ok(())
            }
            // Another server was faster: its key is read the next time.
            Err(CommitError::Refused(_)) => self.reload_keys(now).await,
            Err(error) => {
                tracing::warn!(%error, "the new signing key could not be kept");
                Ok(())
            }
        }
    }
}

//! Rotates the issuer's signing key when it is due.

use std::time::Duration;

use bowline_store::{Entry, EntryWrite};
use tokio_util::sync::CancellationToken;

use super::{Clock, pause};
use crate::Control;
use crate::bootstrap::seal_key;

pub(super) async fn run(control: &Control, clock: Clock, cancel: &CancellationToken) {
    loop {
        let now = clock();
        let keys = control.identity().keys();
        if let Some(next) = keys.rotate(now) {
            // The number of the rotation is the entry's key, so that two servers that rotate at once agree on one.
            let data = hex::encode(seal_key(control.seal(), &next)).into_bytes();
            let entry = Entry {
                kind: "signingKey".to_owned(),
                key: next.times().signs_from.as_second().div_euclid(86_400).to_string(),
                data,
                uses: 0,
                version: 0,
                expires_at: Some(next.times().published_until),
            };
            match control.write_entries("key-rotation", vec![EntryWrite::Insert { entry }], now).await {
                Ok(()) => {
                    tracing::info!(kid = next.kid(), signs_from = %next.times().signs_from, "a new signing key was published");
                    control.identity().set_keys(keys.with(next));
                }
                Err(error) => {
                    tracing::warn!(%error, "the new signing key could not be kept; trying again later");
                }
            }
        }
        if !pause(cancel, Duration::from_secs(3600)).await {
            return;
        }
    }
}

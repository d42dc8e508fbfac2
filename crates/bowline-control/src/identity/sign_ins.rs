//! How many sign-ins a person has at once: an entry for each person names them, the oldest first.
//!
//! # Design notes
//! Beyond the ceiling the oldest ends and the newest is let in. A refusal would shut people out of their own account because
//! a script of theirs signs in anew each time it runs; what such a script leaves behind is what goes. A sign-in is named before it
//! is made, so that there are never more than are named. One that has ended stays named until the list is full; then it
//! goes before any that is in use.

use bowline_auth::OAuthError;
use bowline_store::{CommitError, Entry, EntryWrite};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{entry, unavailable};
use crate::Control;

/// Sign-ins of one person, on devices and in browsers, that go on at once.
pub const MOST: usize = 100;
const NAMES: &str = "signIns";
/// One that was named within this time counts, whether it was made or not.
const BEGINNING: SignedDuration = SignedDuration::from_mins(1);
/// Others of the same person may be faster; each time one of them has won.
const ATTEMPTS: usize = 32;

/// A sign-in, by the name of the entry that it lives by.
#[derive(Serialize, Deserialize)]
struct Named {
    kind: String,
    key: String,
    named_on: Timestamp,
    ends_on: Timestamp,
}

impl Named {
    fn of(begun: &Entry, now: Timestamp) -> Self {
        let ends_on = begun.expires_at.unwrap_or(now);
        Self { kind: begun.kind.clone(), key: begun.key.clone(), named_on: now, ends_on }
    }
}

impl Control {
    /// Names a sign-in that is about to begin, and ends the oldest where there are too many.
    pub(super) async fn make_room(
        &self,
        user: Uuid,
        begun: &Entry,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        for _ in 0..ATTEMPTS {
            let stored =
                self.store().entry(NAMES, &user.to_string()).await.map_err(|error| unavailable(&error))?;
            let stored = stored.filter(|entry| entry.is_live(now));
            let known = stored.as_ref().and_then(|entry| serde_json::from_slice(&entry.data).ok());
            let mut named: Vec<Named> = known.unwrap_or_default();
            if named.len() >= MOST {
                named = self.in_use(named, now).await?;
            }
            let surplus = (named.len() + 1).saturating_sub(MOST);
            let mut writes: Vec<_> = named
                .drain(..surplus)
                .map(|oldest| EntryWrite::Remove { kind: oldest.kind, key: oldest.key })
                .collect();
            named.push(Named::of(begun, now));
            let ends_on = named.iter().map(|named| named.ends_on).max().unwrap_or(now);
            let entry = entry(NAMES, user.to_string(), &named, ends_on);
            writes.push(match stored {
                Some(stored) => EntryWrite::Replace { entry, expected_version: stored.version },
                None => EntryWrite::Insert { entry },
            });
            match self.write_entries("sign-in", writes, now).await {
                Ok(()) if surplus == 0 => return Ok(()),
                Ok(()) => {
                    tracing::info!(object_id = %user, "a person signed in once more than {MOST} times: the oldest sign-in was ended");
                    return Ok(());
                }
                Err(CommitError::Refused(_)) => {}
                Err(error) => {
                    tracing::warn!(%error, "a sign-in could not be written");
                    break;
                }
            }
        }
        Err(OAuthError::TemporarilyUnavailable)
    }

    /// Those that have not ended.
    async fn in_use(&self, named: Vec<Named>, now: Timestamp) -> Result<Vec<Named>, OAuthError> {
        let mut in_use = Vec::with_capacity(named.len());
        for named in named {
            let entry =
                self.store().entry(&named.kind, &named.key).await.map_err(|error| unavailable(&error))?;
            let begins = now.duration_since(named.named_on) < BEGINNING;
            if begins || entry.is_some_and(|entry| entry.is_live(now)) {
                in_use.push(named);
            }
        }
        Ok(in_use)
    }
}

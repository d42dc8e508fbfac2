//! The device grant (RFC 8628): the code a person types, and the state of one sign-in as data to be stored.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::random;
use crate::secret::Secret;

/// RFC 8628 §6.1: no vowels, so no words; no digits, so nothing to confuse. 34.5 bits in eight letters.
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const LETTERS: usize = 8;
/// How long a code may be typed.
pub const LIFETIME_SECONDS: i64 = 900;
/// How often a device may ask, until told otherwise.
pub const INTERVAL_SECONDS: i64 = 5;
/// RFC 8628 §3.5: each `slow_down` adds this.
const SLOW_DOWN_SECONDS: i64 = 5;
const MAX_INTERVAL_SECONDS: i64 = 60;
/// Requests that left in time may arrive this much early.
const JITTER: SignedDuration = SignedDuration::from_millis(500);

/// A new user code in its stored form: eight letters without the dash.
pub fn generate_user_code() -> String {
    random::text(ALPHABET, LETTERS)
}

/// The form that people see: `XXXX-XXXX`.
pub fn show_user_code(code: &str) -> String {
    match code.split_at_checked(LETTERS / 2) {
        Some((left, right)) => format!("{left}-{right}"),
        None => code.to_owned(),
    }
}

/// What a person typed, as it is stored: any case, with or without dash and blanks. None when it can be no code.
pub fn normalise_user_code(typed: &str) -> Option<String> {
    if typed.len() > 64 {
        return None;
    }
    let separator = |c: &char| c.is_whitespace() || matches!(c, '-' | '–' | '_' | '.');
    let code: String = typed.chars().filter(|c| !separator(c)).map(|c| c.to_ascii_uppercase()).collect();
    (code.len() == LETTERS && code.bytes().all(|b| ALPHABET.contains(&b))).then_some(code)
}

/// Where a sign-in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "status")]
pub enum DeviceState {
    Pending,
    Approved { object_id: Uuid },
    Denied,
}

/// One sign-in, as it is stored: found by the digest of its device code or by its user code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceGrant {
    pub device_code_digest: String,
    pub user_code: String,
    pub client_id: String,
    pub scope: String,
    pub expires_at: Timestamp,
    pub interval_seconds: i64,
    #[serde(default)]
    pub polled_at: Option<Timestamp>,
    pub state: DeviceState,
}

/// What a polling device is told. Redeem an approved grant once, then delete it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    Pending,
    SlowDown,
    Approved { object_id: Uuid },
    Denied,
    Expired,
}

/// Why the person's answer came to nothing.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum DecideError {
    #[error("the code has expired; start the sign-in on the device again")]
    Expired,
    #[error("the code was already used; start the sign-in on the device again")]
    AlreadyDecided,
}

impl DeviceGrant {
    /// A new sign-in, and the device code that only the device gets.
    pub fn start(client_id: &str, scope: &str, now: Timestamp) -> (Self, Secret) {
        let device_code = Secret::generate("");
        let grant = Self {
            device_code_digest: device_code.digest(),
            user_code: generate_user_code(),
            client_id: client_id.to_owned(),
            scope: scope.to_owned(),
            expires_at: now + SignedDuration::from_secs(LIFETIME_SECONDS),
            interval_seconds: INTERVAL_SECONDS,
            polled_at: None,
            state: DeviceState::Pending,
        };
        (grant, device_code)
    }

    /// The person's answer; only the first one counts.
    pub fn decide(&mut self, approved_by: Option<Uuid>, now: Timestamp) -> Result<(), DecideError> {
        if now >= self.expires_at {
            return Err(DecideError::Expired);
        }
        if self.state != DeviceState::Pending {
            return Err(DecideError::AlreadyDecided);
        }
        self.state = match approved_by {
            Some(object_id) => DeviceState::Approved { object_id },
            None => DeviceState::Denied,
        };
        Ok(())
    }

    /// The device asks. A device that asks too early is told so and must wait five seconds longer from then on.
    pub fn poll(&mut self, now: Timestamp) -> Poll {
        if now >= self.expires_at {
            return Poll::Expired;
        }
        let too_early = self.polled_at.is_some_and(|last| {
            now.duration_since(last) + JITTER < SignedDuration::from_secs(self.interval_seconds)
        });
        self.polled_at = Some(now);
        match self.state {
            DeviceState::Approved { object_id } => Poll::Approved { object_id },
            DeviceState::Denied => Poll::Denied,
            DeviceState::Pending if too_early => {
                self.interval_seconds = (self.interval_seconds + SLOW_DOWN_SECONDS).min(MAX_INTERVAL_SECONDS);
                Poll::SlowDown
            }
            DeviceState::Pending => Poll::Pending,
        }
    }
}

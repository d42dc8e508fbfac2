//! Where strangers knock: each kind of proof counts its failures by itself, by address and by account.

use std::sync::{Mutex, PoisonError};

use bowline_auth::OAuthError;
use bowline_auth::throttle::{SignInThrottle, TooManyAttempts};
use jiff::Timestamp;

use super::Identity;

/// A kind of proof, or of request that costs something before anybody has proved anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A user name and a password.
    Password,
    /// A client id with a secret or an assertion.
    Client,
    /// A code, a device code or a refresh token.
    Grant,
    /// The start of a device sign-in: it writes before anybody is known, so each one counts.
    DeviceStart,
    /// An enrolment token.
    Enrolment,
}

/// The counts of all doors.
pub(super) struct Doors([Mutex<SignInThrottle>; 5]);

impl Default for Doors {
    fn default() -> Self {
        let programs = || Mutex::new(SignInThrottle::for_programs());
        Self([Mutex::new(SignInThrottle::for_passwords()), programs(), programs(), programs(), programs()])
    }
}

/// One attempt at a door.
pub struct Visit<'a> {
    throttle: &'a Mutex<SignInThrottle>,
    door: Door,
    account: &'a str,
    address: &'a str,
}

impl Identity {
    /// An attempt of an account (a user name, a client id; empty when none is named) from an address.
    #[must_use]
    pub fn visit<'a>(&'a self, door: Door, account: &'a str, address: &'a str) -> Visit<'a> {
        Visit { throttle: &self.doors.0[door as usize], door, account, address }
    }
}

impl Visit<'_> {
    fn with<T>(&self, act: impl FnOnce(&mut SignInThrottle) -> T) -> T {
        act(&mut self.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long this attempt must wait, if it must.
    ///
    /// # Errors
    /// The time to wait.
    pub fn wait(&self, now: Timestamp) -> Result<(), TooManyAttempts> {
        self.with(|t| t.check(self.account, self.address, now))
    }

    /// Refuses an attempt that must wait.
    ///
    /// # Errors
    /// In the words of the door.
    pub fn check(&self, now: Timestamp) -> Result<(), OAuthError> {
        self.wait(now).map_err(|TooManyAttempts { retry_after_seconds }| match self.door {
            Door::Password => OAuthError::TooManyAttempts { retry_after_seconds },
            _ => OAuthError::TooManyRequests { retry_after_seconds },
        })
    }

    /// Counts a failure.
    pub fn failed(&self, now: Timestamp) {
        self.with(|t| t.failed(self.account, self.address, now));
    }

    /// Forgives the account's failures from this address.
    pub fn succeeded(&self) {
        self.with(|t| t.succeeded(self.account, self.address));
    }

    /// Counts what came out of the attempt. What is not the caller's fault, and a device that polls, count as nothing.
    pub fn settle<T>(&self, outcome: &Result<T, OAuthError>, now: Timestamp) {
        match outcome {
            Ok(_) => self.succeeded(),
            Err(
                OAuthError::AuthorizationPending
                | OAuthError::SlowDown
                | OAuthError::TooManyRequests { .. }
                | OAuthError::ForeignIssuer { .. }
                | OAuthError::TemporarilyUnavailable
                | OAuthError::ServerError,
            ) => {}
            Err(_) => self.failed(now),
        }
    }
}

//! The tests of `bowline-auth`: case files under `tests/cases`, one check per area, and a foreign party
//! (openssl, ring) that signs what we must accept.

mod assertions;
mod blessed;
mod device;
mod foreign;
mod oauth_errors;
mod password;
mod public_keys;
mod roles;
mod seal;
mod secrets;
mod speed;
mod throttle;
mod tokens;
mod upstream;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

/// The moment at which all tests play.
fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().expect("a valid time")
}

fn after(seconds: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_secs(seconds)
}

/// Reads the cases of one area.
fn cases<T: DeserializeOwned>(text: &str) -> Vec<T> {
    serde_json::from_str(text).expect("the case file fits its check")
}

/// The name of an error's variant: what case files expect.
fn variant(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

//! Secrets that machines carry: client secrets, refresh tokens, codes, session cookies, enrolment tokens.
//!
//! They have 256 random bits, so a plain SHA-256 is enough to store them by: there is nothing to guess, and
//! the digest is the key by which they are found.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{jws, random};

/// The prefix of enrolment tokens.
pub const ENROLLMENT_PREFIX: &str = "bwe_";

/// A secret in the clear, for the one answer that shows it. It is wiped from memory when dropped, and neither `Debug`
/// nor a log shows it; `Serialize` does, because that answer is JSON.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// `prefix` and 43 characters of base64url.
    pub fn generate(prefix: &str) -> Self {
        let random = Zeroizing::new(random::bytes::<32>());
        let text = Zeroizing::new(jws::encode(random.as_ref()));
        let mut whole = Zeroizing::new(String::with_capacity(prefix.len() + text.len()));
        whole.push_str(prefix);
        whole.push_str(&text);
        Self(whole)
    }

    /// Takes a secret that came from outside.
    pub fn from_text(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored in its place.
    pub fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// SHA-256 in hexadecimal: the form in which secrets are stored and looked up.
pub fn digest(secret: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, secret.as_bytes()))
}

/// Whether the secret has this stored digest; takes the same time wherever they differ.
pub fn matches_digest(secret: &str, stored: &str) -> bool {
    equal(&digest(secret), stored)
}

/// Compares two texts in a time that depends on their lengths only.
pub fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

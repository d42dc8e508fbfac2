//! Proof Key for Code Exchange (RFC 7636), method S256 only.

use aws_lc_rs::digest;

use crate::{jws, secret};

/// Why a challenge or a verifier is refused.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum PkceError {
    #[error("code_challenge_method must be S256")]
    MethodNotS256,
    #[error("code_challenge must be the base64url of a SHA-256 (43 characters)")]
    BadChallenge,
    #[error("code_verifier must have 43 to 128 characters of A-Z a-z 0-9 - . _ ~")]
    BadVerifier,
    #[error("code_verifier does not fit the code_challenge of the authorization request")]
    Mismatch,
}

/// Checks what an authorization request brings, before a code is bound to it.
pub fn check_challenge(challenge: &str, method: Option<&str>) -> Result<(), PkceError> {
    // Without a method RFC 7636 §4.3 means `plain`, which we do not take either.
    if method != Some("S256") {
        return Err(PkceError::MethodNotS256);
    }
    match jws::decode(challenge) {
        Some(bytes) if bytes.len() == 32 => Ok(()),
        _ => Err(PkceError::BadChallenge),
    }
}

/// The challenge that belongs to a verifier.
pub fn challenge(verifier: &str) -> String {
    jws::encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref())
}

/// Checks the verifier of a token request against the challenge the code is bound to.
pub fn verify(stored_challenge: &str, verifier: &str) -> Result<(), PkceError> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return Err(PkceError::BadVerifier);
    }
    match secret::equal(&challenge(verifier), stored_challenge) {
        true => Ok(()),
        false => Err(PkceError::Mismatch),
    }
}

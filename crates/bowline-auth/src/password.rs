//! Passwords of people: argon2id (RFC 9106), with the parameters inside the stored string.
//!
//! # Design notes
//! The parameters are the first of OWASP's equivalent choices (19 MiB, 2 passes, 1 lane): as strong per second
//! of an attacker's time as RFC 9106's second option, at a third of the memory per sign-in. A hash takes tens of
//! milliseconds of one core, so run it on a blocking thread, behind a semaphore: that is the bound on memory.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::random;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const MIN_CHARACTERS: usize = 12;
const MAX_BYTES: usize = 1024;
/// Without characters that people confuse: 32 of them, so five bits each.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Stored parameters beyond these are not ours; refusing them keeps a changed row from eating the memory.
const MOST_MEMORY_KIB: u32 = 64 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// Why a password is not accepted as a new one.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    #[error("the password has {characters} characters; use at least {MIN_CHARACTERS}")]
    TooShort { characters: usize },
    #[error("the password is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("the password contains the user name; choose another")]
    ContainsUsername,
    #[error("the password repeats fewer than five different characters; choose another")]
    TooUniform,
}

/// Checks a new password: long enough, not the user name, not one key held down.
pub fn check_policy(username: &str, password: &str) -> Result<(), PasswordError> {
    let characters = password.chars().count();
    if characters < MIN_CHARACTERS {
        return Err(PasswordError::TooShort { characters });
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    let local_part = username.split('@').next().unwrap_or_default().to_lowercase();
    if local_part.chars().count() >= 3 && password.to_lowercase().contains(&local_part) {
        return Err(PasswordError::ContainsUsername);
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 {
        return Err(PasswordError::TooUniform);
    }
    Ok(())
}

/// Hashes a password that passed [`check_policy`], to the string to be stored.
pub fn hash(password: &str) -> String {
    let salt = random::bytes::<16>();
    let hash: PasswordHash = argon2()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("argon2 with fixed parameters and a 16-byte salt accepts every password of bounded length");
    hash.to_string()
}

/// Whether the password is the stored one. A stored string that is damaged or not argon2id never matches.
pub fn verify(stored: &str, password: &str) -> bool {
    let Some((hash, _)) = read(stored) else { return false };
    password.len() <= MAX_BYTES && argon2().verify_password(password.as_bytes(), &hash).is_ok()
}

/// [`verify`], at the same cost when there is no such user, so that the time does not tell who exists.
pub fn verify_or_burn(stored: Option<&str>, password: &str) -> bool {
    match stored {
        Some(stored) => verify(stored, password),
        None => {
            let bounded = &password.as_bytes()[..password.len().min(MAX_BYTES)];
            let mut out = Zeroizing::new([0u8; 32]);
            let burnt = argon2().hash_password_into(bounded, &[0; 16], out.as_mut());
            debug_assert!(burnt.is_ok());
            false
        }
    }
}

/// Whether the stored string has other parameters than today's: hash anew after the next successful sign-in.
pub fn needs_rehash(stored: &str) -> bool {
    let today = (MEMORY_KIB, PASSES, LANES);
    read(stored).is_none_or(|(_, params)| (params.m_cost(), params.t_cost(), params.p_cost()) != today)
}

/// A password for the first administrator: 100 bits in five groups that can be read aloud.
pub fn generate_password() -> Zeroizing<String> {
    let letters = Zeroizing::new(random::text(ALPHABET, 20));
    let mut out = Zeroizing::new(String::with_capacity(24));
    for (i, letter) in letters.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('-');
        }
        out.push(letter);
    }
    out
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("the fixed parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn read(stored: &str) -> Option<(PasswordHash, Params)> {
    let hash = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let ours = hash.algorithm == argon2::ARGON2ID_IDENT
        && params.m_cost() <= MOST_MEMORY_KIB
        && params.t_cost() <= MOST_PASSES
        && params.p_cost() <= MOST_LANES;
    ours.then_some((hash, params))
}

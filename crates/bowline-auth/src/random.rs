//! The crate's only source of randomness: the operating system's, through aws-lc-rs.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

/// Fills the buffer with random bytes.
pub fn fill(out: &mut [u8]) {
    SystemRandom::new().fill(out).expect("the operating system always has randomness after boot");
}

/// A random GUID (version 4): ids of principals, tokens and assignments.
pub fn guid() -> Uuid {
    uuid::Builder::from_random_bytes(bytes()).into_uuid()
}

/// `count` characters drawn evenly from `alphabet`, which has at most 256 single-byte characters.
///
/// Bytes beyond the largest multiple of the alphabet's length are drawn again, so that no character is likelier.
pub fn text(alphabet: &[u8], count: usize) -> String {
    assert!((1..=256).contains(&alphabet.len()), "an alphabet has between 1 and 256 characters");
    let fair = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(count);
    while out.len() < count {
        for byte in bytes::<32>() {
            if usize::from(byte) < fair && out.len() < count {
                out.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
            }
        }
    }
    out
}

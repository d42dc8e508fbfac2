//! Public keys in JSON (RFC 7517, RFC 7518 §6, RFC 8037): how other issuers publish theirs.

use serde_json::Value;

use super::{PublicKey, PublicKeyError};
use crate::jws;

impl PublicKey {
    /// Reads a JWK for RSA, P-256 or Ed25519.
    pub fn from_jwk(jwk: &Value) -> Result<Self, PublicKeyError> {
        let number = |name: &str| -> Result<Vec<u8>, PublicKeyError> {
            let text = jwk[name]
                .as_str()
                .filter(|t| t.len() <= super::MAX_TEXT_BYTES)
                .ok_or(PublicKeyError::Empty)?;
            jws::decode(text).ok_or(PublicKeyError::NotBase64)
        };
        match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
            (Some("RSA"), _) => Self::rsa(&pkcs1(&number("n")?, &number("e")?)?),
            (Some("EC"), Some("P-256")) => {
                let (x, y) = (number("x")?, number("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(PublicKeyError::Invalid { kind: "P-256" });
                }
                Self::p256(&[&[4][..], &x, &y].concat())
            }
            (Some("OKP"), Some("Ed25519")) => Self::ed25519(&number("x")?),
            (kty, crv) => {
                let words = [kty, crv].into_iter().flatten().collect::<Vec<_>>().join(" ");
                Err(PublicKeyError::UnsupportedAlgorithm { oid: words.chars().take(32).collect() })
            }
        }
    }
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 §A.1.1).
fn pkcs1(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, PublicKeyError> {
    let numbers = [integer(modulus)?, integer(exponent)?].concat();
    tagged(0x30, &numbers)
}

fn integer(number: &[u8]) -> Result<Vec<u8>, PublicKeyError> {
    let start = number.iter().position(|byte| *byte != 0).ok_or(PublicKeyError::Invalid { kind: "RSA" })?;
    let number = &number[start..];
    let sign: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
    tagged(0x02, &[sign, number].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Result<Vec<u8>, PublicKeyError> {
    let length = u16::try_from(content.len()).map_err(|_| PublicKeyError::TooLong)?;
    let [high, low] = length.to_be_bytes();
    let head: &[u8] = match (high, low) {
        (0, 0..=0x7f) => &[tag, low],
        (0, _) => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    Ok([head, content].concat())
}

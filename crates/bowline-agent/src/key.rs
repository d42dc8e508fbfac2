//! The agent's key: the one credential. The server knows its public half; the private half never leaves the host.

use std::fmt;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{SignedDuration, Timestamp};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use serde_json::json;
use uuid::Uuid;

use crate::home::KeyPem;

/// How long an assertion is valid. It is used at once; the rest covers a slow link.
const ASSERTION_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// What precedes the point in a SubjectPublicKeyInfo of a P-256 key (RFC 5480).
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// What precedes the key in a SubjectPublicKeyInfo of an Ed25519 key (RFC 8410).
const ED25519_SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the private key is not PEM with a PRIVATE KEY or RSA PRIVATE KEY block")]
    NotPem,
    #[error("the private key is none of P-256, Ed25519 or RSA with at least 2048 bits")]
    Unsupported,
    #[error("the key could not sign")]
    Sign,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A private key that can sign.
pub struct AgentKey(Pair);

impl fmt::Debug for AgentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentKey({}, redacted)", self.algorithm())
    }
}

impl AgentKey {
    /// A new P-256 key, and its PEM.
    pub fn generate() -> (Self, KeyPem) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .expect("generating a P-256 key fails only without a random source");
        let pem = KeyPem(to_pem("PRIVATE KEY", pkcs8.as_ref()));
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
            .expect("a key that was just generated can be read");
        (Self(Pair::P256(pair)), pem)
    }

    /// Reads a key: PKCS#8 (P-256, Ed25519, RSA) or PKCS#1 (RSA, as other clients of ARM make them).
    pub fn from_pem(pem: &KeyPem) -> Result<Self, KeyError> {
        let (label, der) = from_pem(&pem.0).ok_or(KeyError::NotPem)?;
        let random = SystemRandom::new();
        if label == "RSA PRIVATE KEY" {
            return RsaKeyPair::from_der(&der)
                .map(|pair| Self(Pair::Rsa(pair)))
                .map_err(|_| KeyError::Unsupported);
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random) {
            return Ok(Self(Pair::P256(pair)));
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            return Ok(Self(Pair::Ed25519(pair)));
        }
        RsaKeyPair::from_pkcs8(&der).map(|pair| Self(Pair::Rsa(pair))).map_err(|_| KeyError::Unsupported)
    }

    /// Whether this is the kind of key that this agent makes for itself. Another kind came from outside and is replaced
    /// at first contact.
    pub fn is_own_kind(&self) -> bool {
        matches!(self.0, Pair::P256(_))
    }

    /// The public key as the server registers it: base64 of DER (SubjectPublicKeyInfo; PKCS#1 for RSA).
    pub fn public_key(&self) -> String {
        let der = match &self.0 {
            Pair::P256(pair) => [&P256_SPKI_PREFIX, pair.public_key().as_ref()].concat(),
            Pair::Ed25519(pair) => [&ED25519_SPKI_PREFIX, pair.public_key().as_ref()].concat(),
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
        };
        STANDARD.encode(der)
    }

    /// A client assertion (RFC 7523) for one token request. `now` is the server's clock as far as the agent knows it.
    pub fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        jti: Uuid,
        now: Timestamp,
    ) -> Result<String, KeyError> {
        let header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience, "jti": jti,
            "iat": now.as_second(), "nbf": now.as_second(), "exp": (now + ASSERTION_LIFETIME).as_second(),
        });
        let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn algorithm(&self) -> &'static str {
        match &self.0 {
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
            Pair::Rsa(_) => "RS256",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.0 {
            Pair::P256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| KeyError::Sign),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| KeyError::Sign)?;
                Ok(signature)
            }
        }
    }
}

fn to_pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

fn from_pem(pem: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    Some((label.to_owned(), STANDARD.decode(body).ok()?))
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn an_assertion_verifies_with_the_public_key_that_is_registered() {
        let (key, pem) = AgentKey::generate();
        let read = AgentKey::from_pem(&pem).expect("own PEM is readable");
        assert_eq!(read.public_key(), key.public_key());
        let now: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a timestamp");
        let assertion = read.assertion("client", "https://server/token", Uuid::nil(), now).expect("signs");
        let (signed, signature) = assertion.rsplit_once('.').expect("three parts");
        let spki = STANDARD.decode(key.public_key()).expect("base64");
        let point = &spki[P256_SPKI_PREFIX.len()..];
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &signature)
            .expect("verifies");
        let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).expect("claims")).expect("base64");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["exp"].as_i64(), Some(now.as_second() + 300));
        assert_eq!(claims["iss"], claims["sub"]);
    }

    #[test]
    fn a_key_is_never_printed() {
        let (key, pem) = AgentKey::generate();
        let printed = format!("{key:?} {pem:?}");
        assert!(!printed.contains("BEGIN"), "{printed}");
        assert!(printed.contains("redacted"));
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        assert!(matches!(AgentKey::from_pem(&KeyPem("hello".into())), Err(KeyError::NotPem)));
        let empty = KeyPem(to_pem("PRIVATE KEY", b"nothing"));
        assert!(matches!(AgentKey::from_pem(&empty), Err(KeyError::Unsupported)));
    }
}

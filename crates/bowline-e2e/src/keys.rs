//! An agent's or a service principal's key pair, and the client assertions (RFC 7523) that it signs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// The DER of a P-256 SubjectPublicKeyInfo up to its point (RFC 5480).
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The assertion type of RFC 7523.
pub const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An ES256 key.
#[derive(Debug)]
pub struct Key {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Default for Key {
    fn default() -> Self {
        Self::generate()
    }
}

impl Key {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { pair, random }
    }

    /// Base64 of its SubjectPublicKeyInfo, as resources carry it.
    #[must_use]
    pub fn public(&self) -> String {
        STANDARD.encode([&SPKI[..], self.pair.public_key().as_ref()].concat())
    }

    /// As an issuer publishes it (RFC 7517).
    #[must_use]
    pub fn jwk(&self, kid: &str) -> Value {
        let point = &self.pair.public_key().as_ref()[1..];
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": number(&point[..32]), "y": number(&point[32..])})
    }

    /// The claims of a good assertion.
    #[must_use]
    pub fn claims(client_id: &str, audience: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 300,
            "jti": uuid::Uuid::new_v4().to_string()})
    }

    /// Signs claims.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(claims, None)
    }

    /// Signs claims under the name that an issuer gives its key.
    #[must_use]
    pub fn sign_as(&self, claims: &Value, kid: Option<&str>) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut header = json!({"alg": "ES256", "typ": "JWT"});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = self.pair.sign(&self.random, text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

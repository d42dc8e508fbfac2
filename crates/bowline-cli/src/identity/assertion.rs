//! Client assertions (RFC 7523): a service principal proves itself with a private key instead of a secret.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::failure::{Failure, Kind, Result};

/// How long an assertion may be used; the server takes at most 10 min.
const LIFETIME_SECONDS: i64 = 300;

/// A private key that can sign assertions.
pub(crate) enum AssertionKey {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl AssertionKey {
    /// Reads a PEM file's content: P-256, Ed25519 or RSA, as PKCS#8 (RSA also as PKCS#1).
    pub(crate) fn from_pem(pem: &str) -> Result<Self> {
        let refused = |why: &str| {
            Failure::usage("the client assertion key cannot be used")
                .why(why.to_owned())
                .next("make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")
                .next("or convert yours: openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem")
        };
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| refused("the file holds no private key in PEM form"))?;
        match key {
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
                    .map(Self::P256)
                    .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519))
                    .or_else(|_| RsaKeyPair::from_pkcs8(der).map(Self::Rsa))
                    .map_err(|_| refused("it is not a P-256, Ed25519 or RSA (2048 bits or more) key"))
            }
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der())
                .map(Self::Rsa)
                .map_err(|_| refused("it is not an RSA key of 2048 bits or more")),
            _ => Err(refused("it is an EC key in the older SEC 1 form")),
        }
    }

    /// An assertion for `client_id`, addressed to the issuer.
    pub(crate) fn sign(&self, client_id: &str, audience: &str, id: &str, now: Timestamp) -> Result<String> {
        let algorithm = match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
            Self::Rsa(_) => "RS256",
        };
        let header = json!({"alg": algorithm, "typ": "JWT"});
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience, "jti": id,
            "iat": now.as_second(), "nbf": now.as_second(), "exp": now.as_second() + LIFETIME_SECONDS,
        });
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Failure::new(Kind::Service, "the client assertion could not be signed");
        let random = SystemRandom::new();
        match self {
            Self::P256(key) => key.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(failed),
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    };
    use std::process::Command;

    fn key_from_openssl(arguments: &[&str]) -> AssertionKey {
        let output =
            Command::new("openssl").arg("genpkey").args(arguments).output().expect("openssl is installed");
        AssertionKey::from_pem(&String::from_utf8(output.stdout).unwrap()).unwrap()
    }

    fn verify(key: &AssertionKey, assertion: &str) -> bool {
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        let message = signed.as_bytes();
        let ok = match key {
            AssertionKey::P256(k) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, k.public_key()).verify(message, &signature)
            }
            AssertionKey::Ed25519(k) => {
                UnparsedPublicKey::new(&ED25519, k.public_key()).verify(message, &signature)
            }
            AssertionKey::Rsa(k) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, k.public_key())
                .verify(message, &signature),
        };
        ok.is_ok()
    }

    #[test]
    fn each_kind_of_key_signs_what_its_public_half_verifies() {
        let now: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        for arguments in [
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
            &["-algorithm", "ED25519"],
            &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        ] {
            let key = key_from_openssl(arguments);
            let assertion = key.sign("client", "https://issuer", "id-1", now).unwrap();
            assert!(verify(&key, &assertion), "{arguments:?}");
            let claims = assertion.split('.').nth(1).unwrap();
            let claims: serde_json::Value =
                serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
            assert_eq!(
                (claims["iss"].as_str(), claims["aud"].as_str()),
                (Some("client"), Some("https://issuer"))
            );
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        }
    }

    #[test]
    fn other_files_are_refused() {
        for text in ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert!(AssertionKey::from_pem(text).is_err(), "{text}");
        }
    }
}

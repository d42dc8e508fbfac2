//! Statements that outlive every token: compact JWS (ES256) by a key that lies in a file of its own.
//!
//! # Design notes
//! Not one of [`crate::keys`]: those are kept sealed in the database, change every 90 days and are forgotten; this one must be out of reach of
//! whoever can write the database, and what it signed is verified years later, elsewhere.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::keys::{KeyError, KeyTimes, SigningKey};
use crate::public_key::{Algorithm, PublicKey};
use crate::{jws, keys};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key that signs statements.
pub struct StatementKey(SigningKey);

impl fmt::Debug for StatementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StatementKey").field(&self.0.kid()).finish()
    }
}

/// Why a statement is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    #[error("it is no compact JWS")]
    Malformed,
    #[error("none of the given public keys signed it")]
    UnknownSigner,
    #[error("its content is not what such a statement says")]
    Content,
}

impl StatementKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(SigningKey::generate(Timestamp::UNIX_EPOCH))
    }

    /// Reads PKCS#8 in PEM form, P-256.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let body = pem.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
        let text: String = body.ok_or(KeyError::NotPkcs8)?.0.split_whitespace().collect();
        let der = Zeroizing::new(STANDARD.decode(text).map_err(|_| KeyError::NotPkcs8)?);
        let never = KeyTimes {
            signs_from: Timestamp::MIN,
            signs_until: Timestamp::MAX,
            published_until: Timestamp::MAX,
        };
        Ok(Self(SigningKey::from_pkcs8(&der, never)?))
    }

    /// The private key as PEM, for a file that only the server may read.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(STANDARD.encode(&*self.0.to_pkcs8()));
        let lines = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default());
        let body = Zeroizing::new(lines.collect::<Vec<_>>().join("\n"));
        Zeroizing::new(format!("{BEGIN}\n{}\n{END}\n", *body))
    }

    /// Its id: the RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        self.0.kid()
    }

    /// The public half as a JWK.
    pub fn jwk(&self) -> Value {
        self.0.jwk()
    }

    /// Signs.
    ///
    /// # Errors
    /// When the content cannot be written as JSON.
    pub fn sign(&self, content: &impl Serialize) -> Result<String, KeyError> {
        keys::sign(&self.0, content)
    }
}

/// The content of a statement that one of the keys signed, and the id of that key.
///
/// # Errors
/// See [`StatementError`].
pub fn verify_statement<T: DeserializeOwned>(
    statement: &str,
    keys: &[PublicKey],
) -> Result<(T, String), StatementError> {
    let parts = jws::split(statement.trim()).map_err(|_| StatementError::Malformed)?;
    let algorithm = Algorithm::from_jws_name(&parts.header.alg).ok_or(StatementError::Malformed)?;
    let signer = keys.iter().find(|key| key.verify(algorithm, parts.signed, &parts.signature));
    let signer = signer.ok_or(StatementError::UnknownSigner)?;
    let content = serde_json::from_slice(&parts.payload).map_err(|_| StatementError::Content)?;
    Ok((content, signer.thumbprint().to_owned()))
}

/// Reads public keys from a file: a JWK, a JWKS, or PEM as `openssl pkey -pubout` writes it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn read_public_keys(text: &str) -> Result<Vec<PublicKey>, String> {
    if text.trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let keys = value["keys"].as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        return keys.iter().map(|jwk| PublicKey::from_jwk(jwk).map_err(|error| error.to_string())).collect();
    }
    let pem = text.split("-----").find(|part| !part.trim().is_empty() && !part.contains("PUBLIC KEY"));
    let base64: String = pem.unwrap_or_default().split_whitespace().collect();
    PublicKey::parse(&base64).map(|key| vec![key]).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_key_signed_is_verified_with_its_public_half_alone() {
        let key = StatementKey::from_pem(&StatementKey::generate().to_pem()).unwrap();
        let signed = key.sign(&json!({"seq": 7})).unwrap();
        let public = read_public_keys(&key.jwk().to_string()).unwrap();
        let (content, signer): (Value, String) = verify_statement(&signed, &public).unwrap();
        assert_eq!((content["seq"].as_u64(), signer.as_str()), (Some(7), key.kid()));
        let set = json!({"keys": [StatementKey::generate().jwk(), key.jwk()]}).to_string();
        assert!(verify_statement::<Value>(&signed, &read_public_keys(&set).unwrap()).is_ok());
        let other = read_public_keys(&StatementKey::generate().jwk().to_string()).unwrap();
        assert_eq!(verify_statement::<Value>(&signed, &other), Err(StatementError::UnknownSigner));
        let (head, _) = signed.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let forged =
            format!("{header}.{}.{}", jws::encode(b"{\"seq\":8}"), signed.rsplit_once('.').unwrap().1);
        assert_eq!(verify_statement::<Value>(&forged, &public), Err(StatementError::UnknownSigner));
        assert_eq!(verify_statement::<Value>("x", &public), Err(StatementError::Malformed));
        assert_eq!(verify_statement::<u64>(&signed, &public), Err(StatementError::Content));
    }

    #[test]
    fn a_key_file_that_is_no_key_is_refused() {
        for text in ["", "x", &format!("{BEGIN}\n????\n{END}"), &format!("{BEGIN}\nAAAA\n{END}")] {
            assert_eq!(StatementKey::from_pem(text).unwrap_err(), KeyError::NotPkcs8);
        }
        assert!(read_public_keys("").is_err());
        // openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout
        let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmDNKReoDNwowniswu1ZVnC7SPpBA\n7creg68JGmyfOtJ5MeAbsOFZbv1K4zwcY9z3qBrt1aH2vuU2haqWyCfMSg==\n-----END PUBLIC KEY-----\n";
        assert_eq!(read_public_keys(pem).unwrap().len(), 1);
    }
}

//! Public keys that agents and service principals register: base64 of the DER, either PKCS#1 (RSA),
//! SubjectPublicKeyInfo (P-256, Ed25519, RSA) or an X.509 certificate, of which only key and end count.
//!
//! # Design notes
//! The DER is read strictly and to its last byte, so that one key has one form and one thumbprint. What the
//! bytes mean as a key (a point on the curve, a sane modulus) is left to aws-lc-rs.
//! A certificate is a wrapping with an end: who registers it vouches for it, so its issuer and signature say nothing here.
//! An RSA key verifies with both paddings, because the Azure SDKs choose between them by the authority they sign in at;
//! neither is a downgrade of the other.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;

use crate::jws;

mod der;
mod jwk;

/// Base64 of an 8192-bit RSA key takes about 1,420 characters, a certificate with it about 4,000.
const MAX_TEXT_BYTES: usize = 8192;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a text is not a public key that may be registered.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum PublicKeyError {
    #[error("the public key is empty; give the base64 of its DER form")]
    Empty,
    #[error(
        "the public key is longer than {MAX_TEXT_BYTES} characters; the largest accepted is RSA with 8192 bits"
    )]
    TooLong,
    #[error("the public key is in PEM form; give the base64 alone, without the BEGIN and END lines")]
    Pem,
    #[error("the public key is not base64")]
    NotBase64,
    #[error("the public key is neither PKCS#1 (RSA), SubjectPublicKeyInfo nor a certificate in DER form")]
    NotDer,
    #[error("the public key's algorithm {oid} is not accepted; use P-256, Ed25519 or RSA")]
    UnsupportedAlgorithm { oid: String },
    #[error("the public key's curve {oid} is not accepted; use P-256")]
    UnsupportedCurve { oid: String },
    #[error("the RSA key has {bits} bits; between 2048 and 8192 are accepted")]
    RsaSize { bits: usize },
    #[error("the public key has the right form, but its numbers are not a valid {kind} key")]
    Invalid { kind: &'static str },
}

/// The signature algorithm a key is used with (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Es256,
    Rs256,
    Ps256,
    EdDsa,
}

impl Algorithm {
    pub(crate) fn from_jws_name(alg: &str) -> Option<Self> {
        match alg {
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
        })
    }
}

/// A parsed key, ready to verify.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    parsed: ParsedPublicKey,
    /// The same RSA key for the other padding.
    pss: Option<ParsedPublicKey>,
    thumbprint: String,
    valid_until: Option<Timestamp>,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("algorithm", &self.algorithm)
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// Reads the base64 of a DER public key, as `agentPublicKeyCertificate` and `clientPublicKey` hold it.
    pub fn parse(text: &str) -> Result<Self, PublicKeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PublicKeyError::Empty);
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(PublicKeyError::TooLong);
        }
        if text.starts_with("-----") {
            return Err(PublicKeyError::Pem);
        }
        let der = BASE64.decode(text).map_err(|_| PublicKeyError::NotBase64)?;
        Self::from_der(&der)
    }

    /// Reads the DER form itself.
    pub fn from_der(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        let der::Found { key, valid_until } = der::read(bytes)?;
        let parsed = match key {
            der::Key::P256(point) => Self::p256(point),
            der::Key::Ed25519(key) => Self::ed25519(key),
            der::Key::Rsa(pkcs1) => Self::rsa(pkcs1),
        };
        parsed.map(|key| Self { valid_until, ..key })
    }

    /// Whether assertions with this algorithm can be from this key.
    pub fn accepts(&self, algorithm: Algorithm) -> bool {
        algorithm == self.algorithm || (algorithm == Algorithm::Ps256 && self.pss.is_some())
    }

    /// The end of the certificate that it came in, if it came in one.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// The RFC 7638 thumbprint (SHA-256, base64url): names the key whatever its DER wrapping was.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    pub(crate) fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let key = match algorithm {
            Algorithm::Ps256 => self.pss.as_ref(),
            other => Some(&self.parsed).filter(|_| other == self.algorithm),
        };
        key.is_some_and(|key| key.verify_sig(signed, signature).is_ok())
    }

    fn new(algorithm: Algorithm, parsed: ParsedPublicKey, thumbprint: String) -> Self {
        Self { algorithm, parsed, pss: None, thumbprint, valid_until: None }
    }

    fn p256(point: &[u8]) -> Result<Self, PublicKeyError> {
        let invalid = PublicKeyError::Invalid { kind: "P-256" };
        if point.len() != 65 || point[0] != 4 {
            return Err(invalid);
        }
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| invalid)?;
        Ok(Self::new(Algorithm::Es256, parsed, p256_thumbprint(point)))
    }

    fn ed25519(key: &[u8]) -> Result<Self, PublicKeyError> {
        let invalid = PublicKeyError::Invalid { kind: "Ed25519" };
        if key.len() != 32 {
            return Err(invalid);
        }
        let parsed = ParsedPublicKey::new(&ED25519, key).map_err(|_| invalid)?;
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, jws::encode(key));
        Ok(Self::new(Algorithm::EdDsa, parsed, thumbprint(&jwk)))
    }

    fn rsa(pkcs1: &[u8]) -> Result<Self, PublicKeyError> {
        let (modulus, exponent) = der::rsa_numbers(pkcs1)?;
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(PublicKeyError::RsaSize { bits });
        }
        let invalid = PublicKeyError::Invalid { kind: "RSA" };
        rsa::PublicKey::from_der(pkcs1).map_err(|_| invalid.clone())?;
        let parse = |padding| ParsedPublicKey::new(padding, pkcs1).map_err(|_| invalid.clone());
        let parsed = parse(&RSA_PKCS1_2048_8192_SHA256)?;
        let pss = Some(parse(&RSA_PSS_2048_8192_SHA256)?);
        let jwk =
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, jws::encode(exponent), jws::encode(modulus));
        Ok(Self { pss, ..Self::new(Algorithm::Rs256, parsed, thumbprint(&jwk)) })
    }
}

/// The thumbprint of an uncompressed P-256 point (65 bytes).
pub(crate) fn p256_thumbprint(point: &[u8]) -> String {
    let (x, y) = point[1..].split_at(32);
    thumbprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, jws::encode(x), jws::encode(y)))
}

fn thumbprint(jwk: &str) -> String {
    jws::encode(digest::digest(&digest::SHA256, jwk.as_bytes()).as_ref())
}

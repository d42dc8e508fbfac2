//! Client assertions (RFC 7523): a short-lived JWT by which a client proves that it holds a registered key.
//!
//! # Design notes
//! The key decides the algorithm: an assertion whose `alg` is not that of a registered key is refused before
//! any cryptography, so that neither `none` nor an HMAC with the public key as its secret can pass.
//! The time of issue is `iat`, or `nbf` where a client sends only that (some of the Azure SDKs do). The clock is judged
//! before the expiry: an agent whose clock is an hour slow must learn that, not that its assertion has expired.
//! `exp` may lie fifteen minutes after the later of now and the time of issue, so that a clock within the
//! tolerance never makes an assertion of the usual ten minutes too long; some clients round their two times apart.
//! Single use by `jti` is the caller's: remember it until [`AssertionClaims::expires_at`].

use jiff::Timestamp;
use serde::Deserialize;

use crate::jws;
use crate::public_key::{Algorithm, PublicKey};

/// How far the client's clock may be off.
pub const CLOCK_TOLERANCE_SECONDS: i64 = 300;
/// How long an assertion may live.
pub const MAX_LIFETIME_SECONDS: i64 = 900;
/// `jti` is stored until it expires, so its length is bounded.
const MAX_JTI_BYTES: usize = 256;

/// What a verified assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionClaims {
    pub sub: String,
    pub jti: String,
    pub expires_at: Timestamp,
    /// The key that verified it: shows which of several registered keys is in use.
    pub thumbprint: String,
}

/// Why an assertion is refused.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum AssertionError {
    #[error("the client assertion is not a JWT: {why}")]
    Malformed { why: &'static str },
    #[error("the client assertion's algorithm {alg:?} is not accepted; use ES256, PS256, RS256 or EdDSA")]
    UnsupportedAlgorithm { alg: String },
    #[error("the client assertion is signed with {alg}, but no registered key of this client is for {alg}")]
    NoKeyForAlgorithm { alg: Algorithm },
    #[error("the client assertion's signature fits none of the client's registered keys")]
    BadSignature,
    #[error("the client's certificate ended at {at}; register a new one")]
    ExpiredCertificate { at: Timestamp },
    #[error("the client assertion has no {claim}")]
    MissingClaim { claim: &'static str },
    #[error("the client assertion's iss and sub differ; both must be the client id")]
    IssuerIsNotSubject,
    #[error("the client assertion is for {audience:?}; it must be for the token endpoint or the issuer")]
    WrongAudience { audience: String },
    #[error(
        "the client's clock is {seconds} s away from the server's; set it, or measure the server's Date header"
    )]
    ClockSkew { seconds: i64 },
    #[error("the client assertion expired at {at}")]
    Expired { at: Timestamp },
    #[error("the client assertion lives for {seconds} s; at most {MAX_LIFETIME_SECONDS} s are accepted")]
    LivesTooLong { seconds: i64 },
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    jti: Option<String>,
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// The client id an assertion claims, to find the keys to verify it with. Trust it only after [`verify_assertion`].
pub fn parse_unverified_client_id(assertion: &str) -> Result<String, AssertionError> {
    let parts = split(assertion)?;
    let claims = parse_claims(&parts.payload)?;
    claims.sub.ok_or(AssertionError::MissingClaim { claim: "sub" })
}

/// Checks the signature with the registered keys, then who it is from, whom it is for, and its times.
pub fn verify_assertion(
    assertion: &str,
    keys: &[PublicKey],
    audiences: &[String],
    now: Timestamp,
) -> Result<AssertionClaims, AssertionError> {
    let parts = split(assertion)?;
    let key = verifying_key(&parts, keys)?;
    if let Some(at) = key.valid_until().filter(|at| *at <= now) {
        return Err(AssertionError::ExpiredCertificate { at });
    }
    let claims = parse_claims(&parts.payload)?;
    check_parties(&claims, audiences)?;
    let expires_at = check_times(&claims, now)?;
    let jti =
        claims.jti.filter(|jti| !jti.is_empty()).ok_or(AssertionError::MissingClaim { claim: "jti" })?;
    if jti.len() > MAX_JTI_BYTES {
        return Err(AssertionError::Malformed { why: "its jti is longer than 256 bytes" });
    }
    let sub = claims.sub.ok_or(AssertionError::MissingClaim { claim: "sub" })?;
    Ok(AssertionClaims { sub, jti, expires_at, thumbprint: key.thumbprint().to_owned() })
}

fn split(assertion: &str) -> Result<jws::Parts<'_>, AssertionError> {
    jws::split(assertion).map_err(|jws::NotJws(why)| AssertionError::Malformed { why })
}

fn parse_claims(payload: &[u8]) -> Result<Claims, AssertionError> {
    serde_json::from_slice(payload)
        .map_err(|_| AssertionError::Malformed { why: "its claims are not a JSON object of the usual types" })
}

fn verifying_key<'a>(parts: &jws::Parts<'_>, keys: &'a [PublicKey]) -> Result<&'a PublicKey, AssertionError> {
    let Some(alg) = Algorithm::from_jws_name(&parts.header.alg) else {
        return Err(AssertionError::UnsupportedAlgorithm { alg: parts.header.alg.clone() });
    };
    let mut fitting = keys.iter().filter(|key| key.accepts(alg)).peekable();
    if fitting.peek().is_none() {
        return Err(AssertionError::NoKeyForAlgorithm { alg });
    }
    fitting.find(|key| key.verify(alg, parts.signed, &parts.signature)).ok_or(AssertionError::BadSignature)
}

fn check_parties(claims: &Claims, audiences: &[String]) -> Result<(), AssertionError> {
    let missing = |claim| AssertionError::MissingClaim { claim };
    let iss = claims.iss.as_ref().ok_or(missing("iss"))?;
    let sub = claims.sub.as_ref().ok_or(missing("sub"))?;
    if iss != sub {
        return Err(AssertionError::IssuerIsNotSubject);
    }
    let found = claims.aud.as_ref().ok_or(missing("aud"))?.values();
    if !found.iter().any(|value| audiences.contains(value)) {
        return Err(AssertionError::WrongAudience { audience: found.join(", ") });
    }
    Ok(())
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, AssertionError> {
    let missing = |claim| AssertionError::MissingClaim { claim };
    let issued = seconds(claims.iat.or(claims.nbf).ok_or(missing("iat"))?);
    let exp = seconds(claims.exp.ok_or(missing("exp"))?);
    let now = now.as_second();
    let skew = issued.saturating_sub(now);
    if skew.saturating_abs() > CLOCK_TOLERANCE_SECONDS {
        return Err(AssertionError::ClockSkew { seconds: skew });
    }
    let expires_at = Timestamp::from_second(exp).unwrap_or(Timestamp::MAX);
    if exp <= now {
        return Err(AssertionError::Expired { at: expires_at });
    }
    let lifetime = exp.saturating_sub(issued.max(now));
    if lifetime > MAX_LIFETIME_SECONDS {
        return Err(AssertionError::LivesTooLong { seconds: lifetime });
    }
    Ok(expires_at)
}

/// NumericDate may have a fraction (RFC 7519 §2); the cast saturates, so absurd values stay refusable.
fn seconds(numeric_date: f64) -> i64 {
    numeric_date.floor() as i64
}

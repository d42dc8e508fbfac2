//! Tokens of other issuers as client assertions (RFC 7523 §3): a workload shows what its platform says it is, and needs no secret of ours.
//!
//! # Design notes
//! Which issuer, subject and audience are trusted is the caller's to look up, by what the token claims, before any key is fetched: an
//! issuer that nobody named is never asked. Such a token may be shown until it ends, because the platforms hand out one for many uses.

use jiff::Timestamp;

use crate::jws;
use crate::upstream::{
    LEEWAY_SECONDS, UpstreamError, UpstreamKeys, audiences, parse_claims, seconds, signed_claims,
};

/// What an assertion claims; nothing of it is verified before [`verify_presented`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    pub issuer: String,
    pub subject: String,
    pub audiences: Vec<String>,
}

impl Presented {
    /// Reads an assertion of another issuer; none for one that a client signed for itself, whose issuer is no address.
    #[must_use]
    pub fn read(assertion: &str) -> Option<Self> {
        let claims = parse_claims(&jws::split(assertion).ok()?.payload).ok()?;
        let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let issuer = text("iss").filter(|issuer| issuer.starts_with("https://"))?;
        Some(Self {
            issuer,
            subject: text("sub").unwrap_or_default(),
            audiences: audiences(&claims).into_iter().map(str::to_owned).collect(),
        })
    }
}

/// Whether the issuer signed an assertion, and it holds now.
///
/// # Errors
/// Why not; `UnknownKey` when the issuer may have changed its keys since they were read.
pub fn verify_presented(assertion: &str, keys: &UpstreamKeys, now: Timestamp) -> Result<(), UpstreamError> {
    let claims = signed_claims(assertion, keys)?;
    let now = now.as_second();
    if seconds(&claims, "exp").ok_or(UpstreamError::Claim { claim: "exp" })? <= now - LEEWAY_SECONDS {
        return Err(UpstreamError::Expired);
    }
    for claim in ["nbf", "iat"] {
        if seconds(&claims, claim).is_some_and(|from| from > now + LEEWAY_SECONDS) {
            return Err(UpstreamError::NotYet { claim });
        }
    }
    Ok(())
}

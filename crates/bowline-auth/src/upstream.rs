//! Sign-in at another issuer (OpenID Connect Core 1.0): whether its description and its identity token are to be believed.
//!
//! # Design notes
//! As everywhere here, the algorithm is a property of the key: a token is verified with a key of the issuer's JWKS whose kind its `alg` fits, so
//! that neither `none` nor an HMAC with a public key passes. Nothing is fetched here; documents arrive as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::jws;
use crate::public_key::{Algorithm, PublicKey};

/// How far the issuer's clock may be off.
pub(crate) const LEEWAY_SECONDS: i64 = 60;
/// More keys than any issuer publishes.
const MAX_KEYS: usize = 64;

/// Why the upstream issuer's answer is refused. `Display` is for the person who signs in and the operator who set it up.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum UpstreamError {
    #[error(
        "its discovery document names the issuer {found:?}, not {expected:?}; the setting must be what it calls itself"
    )]
    OtherIssuer { found: String, expected: String },
    #[error("its discovery document has no {member}, or one that is not https")]
    Incomplete { member: &'static str },
    #[error("its identity token is not a JWT: {0}")]
    Malformed(&'static str),
    #[error("its identity token is signed with {alg:?}; ES256, RS256, PS256 and EdDSA are accepted")]
    Algorithm { alg: String },
    #[error("its identity token is signed with a key that it does not publish")]
    UnknownKey,
    #[error("the signature of its identity token is wrong")]
    BadSignature,
    #[error("its identity token has no {claim}, or a wrong one")]
    Claim { claim: &'static str },
    #[error("its identity token has expired; compare the clocks of the two servers")]
    Expired,
    #[error("its identity token holds only later ({claim}); compare the clocks of the two servers")]
    NotYet { claim: &'static str },
}

/// What an issuer says of itself (OpenID Connect Discovery 1.0 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    /// The client's secret goes into the form instead of the header.
    pub secret_in_form: bool,
}

impl Discovered {
    /// Reads a discovery document of the issuer that is trusted.
    pub fn read(issuer: &str, document: &Value) -> Result<Self, UpstreamError> {
        let jwks_uri = jwks_uri(issuer, document)?;
        let methods = document["token_endpoint_auth_methods_supported"].as_array();
        let offers = |wanted: &str| methods.is_some_and(|methods| methods.iter().any(|m| m == wanted));
        Ok(Self {
            authorization_endpoint: endpoint(document, "authorization_endpoint")?,
            token_endpoint: endpoint(document, "token_endpoint")?,
            jwks_uri,
            // Without a list the header is what every issuer must take.
            secret_in_form: offers("client_secret_post") && !offers("client_secret_basic"),
        })
    }
}

/// Where an issuer publishes its keys; all that is asked of one whose tokens are assertions.
pub fn jwks_uri(issuer: &str, document: &Value) -> Result<String, UpstreamError> {
    let found = document["issuer"].as_str().unwrap_or_default();
    if found != issuer {
        return Err(UpstreamError::OtherIssuer {
            found: found.chars().take(256).collect(),
            expected: issuer.to_owned(),
        });
    }
    endpoint(document, "jwks_uri")
}

fn endpoint(document: &Value, member: &'static str) -> Result<String, UpstreamError> {
    let url = document[member].as_str().filter(|url| url.starts_with("https://") && url.len() <= 2048);
    url.map(str::to_owned).ok_or(UpstreamError::Incomplete { member })
}

/// The keys of an issuer.
#[derive(Debug, Clone, Default)]
pub struct UpstreamKeys(Vec<(Option<String>, PublicKey)>);

impl UpstreamKeys {
    /// Reads a JWKS; keys of other kinds and for other uses are passed over.
    pub fn read(jwks: &Value) -> Self {
        let keys = jwks["keys"].as_array().into_iter().flatten().take(MAX_KEYS);
        let signs = |key: &&Value| key["use"].as_str().is_none_or(|purpose| purpose == "sig");
        let read =
            |key: &Value| Some((key["kid"].as_str().map(str::to_owned), PublicKey::from_jwk(key).ok()?));
        Self(keys.filter(signs).filter_map(read).collect())
    }

    fn fitting(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &PublicKey> {
        let named = move |key: &&(Option<String>, PublicKey)| kid.is_none() || key.0.as_deref() == kid;
        self.0.iter().filter(named).map(|(_, key)| key).filter(move |key| key.accepts(algorithm))
    }
}

/// Whom an identity token must be from and for.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedIdentity<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
}

/// The claims of an identity token that is to be believed (OpenID Connect Core 1.0 §3.1.3.7).
pub fn verify_id_token(
    token: &str,
    keys: &UpstreamKeys,
    expected: ExpectedIdentity<'_>,
    now: Timestamp,
) -> Result<Map<String, Value>, UpstreamError> {
    let claims = signed_claims(token, keys)?;
    check_claims(&claims, expected, now)?;
    Ok(claims)
}

/// What a token says whose signature fits one of the keys.
pub(crate) fn signed_claims(token: &str, keys: &UpstreamKeys) -> Result<Map<String, Value>, UpstreamError> {
    let parts = jws::split(token).map_err(|jws::NotJws(why)| UpstreamError::Malformed(why))?;
    let algorithm = Algorithm::from_jws_name(&parts.header.alg)
        .ok_or_else(|| UpstreamError::Algorithm { alg: parts.header.alg.chars().take(16).collect() })?;
    let mut fitting = keys.fitting(parts.header.kid.as_deref(), algorithm).peekable();
    if fitting.peek().is_none() {
        return Err(UpstreamError::UnknownKey);
    }
    if !fitting.any(|key| key.verify(algorithm, parts.signed, &parts.signature)) {
        return Err(UpstreamError::BadSignature);
    }
    parse_claims(&parts.payload)
}

pub(crate) fn parse_claims(payload: &[u8]) -> Result<Map<String, Value>, UpstreamError> {
    serde_json::from_slice(payload).map_err(|_| UpstreamError::Malformed("its claims are not a JSON object"))
}

/// Whom a token names as its audience.
pub(crate) fn audiences(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A time of a token; it may have a fraction (RFC 7519 §2).
pub(crate) fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    claims.get(name).and_then(Value::as_f64).map(|number| number.floor() as i64)
}

fn check_claims(
    claims: &Map<String, Value>,
    expected: ExpectedIdentity<'_>,
    now: Timestamp,
) -> Result<(), UpstreamError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let wrong = |claim: &'static str| UpstreamError::Claim { claim };
    if text("iss") != Some(expected.issuer) {
        return Err(wrong("iss"));
    }
    let audiences = audiences(claims);
    if !audiences.contains(&expected.client_id) {
        return Err(wrong("aud"));
    }
    if (audiences.len() > 1 || claims.contains_key("azp")) && text("azp") != Some(expected.client_id) {
        return Err(wrong("azp"));
    }
    if !text("nonce").is_some_and(|nonce| crate::secret::equal(nonce, expected.nonce)) {
        return Err(wrong("nonce"));
    }
    if text("sub").is_none_or(|sub| sub.is_empty() || sub.len() > 255) {
        return Err(wrong("sub"));
    }
    let now = now.as_second();
    if seconds(claims, "exp").ok_or(wrong("exp"))? <= now - LEEWAY_SECONDS {
        return Err(UpstreamError::Expired);
    }
    if seconds(claims, "iat").ok_or(wrong("iat"))? > now + LEEWAY_SECONDS {
        return Err(wrong("iat"));
    }
    Ok(())
}

//! Access tokens and identity tokens: what they say, how they are made and how they are checked.
//!
//! # Design notes
//! `exp` has no leeway, because sessions end at it; `nbf` has 30 s, because several servers issue tokens and
//! their clocks differ. Audiences are compared without a trailing slash: the `az` CLI asks for `B//.default`,
//! the SDKs for `B/.default`, and both mean the same server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::keys::{KeyError, KeySet};
use crate::{jws, random};

/// How far a token may start in the future.
const NOT_BEFORE_LEEWAY_SECONDS: i64 = 30;

/// The most groups that a token names. Who is in more gets `hasgroups` instead, and the reader asks the directory.
pub const MAX_GROUPS_IN_TOKEN: usize = 200;

/// What an access token says. Members that this binary does not know are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    pub tid: Uuid,
    pub oid: Uuid,
    pub sub: String,
    pub azp: String,
    pub idtyp: IdentityType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// The resource id of a managed identity: agents have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xms_mirid: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Uuid>,
    /// There are more than [`MAX_GROUPS_IN_TOKEN`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hasgroups: bool,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub jti: Uuid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityType {
    User,
    App,
}

/// Who issues: `url` is `{public-url}/{tenant-guid}/v2.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    pub url: String,
    pub tenant_id: Uuid,
}

/// Whom a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub object_id: Uuid,
    pub kind: IdentityType,
    pub name: Option<String>,
    /// Users only.
    pub username: Option<String>,
    /// Agents only: the id of the resource whose identity this is.
    pub resource_id: Option<String>,
    pub groups: Vec<Uuid>,
}

impl Principal {
    fn has_more_groups(&self) -> bool {
        self.groups.len() > MAX_GROUPS_IN_TOKEN
    }

    fn groups_in_token(&self) -> &[Uuid] {
        if self.has_more_groups() { &[] } else { &self.groups }
    }
}

impl AccessClaims {
    /// The claims of a new token, with a fresh `jti`.
    pub fn issue(
        issuer: &Issuer,
        audience: &str,
        client_id: &str,
        principal: &Principal,
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Self {
        Self {
            iss: issuer.url.clone(),
            aud: audience.to_owned(),
            tid: issuer.tenant_id,
            oid: principal.object_id,
            sub: principal.object_id.to_string(),
            azp: client_id.to_owned(),
            idtyp: principal.kind,
            name: principal.name.clone(),
            preferred_username: principal.username.clone(),
            xms_mirid: principal.resource_id.clone(),
            groups: principal.groups_in_token().to_vec(),
            hasgroups: principal.has_more_groups(),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second() + lifetime.as_secs(),
            jti: random::guid(),
        }
    }

    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_second(self.exp).unwrap_or(Timestamp::MAX)
    }
}

/// The identity token (OpenID Connect Core §2) that MSAL wants beside a user's access token.
pub fn id_token(
    keys: &KeySet,
    issuer: &Issuer,
    client_id: &str,
    principal: &Principal,
    nonce: Option<&str>,
    lifetime: SignedDuration,
    now: Timestamp,
) -> Result<String, KeyError> {
    let mut claims = json!({
        "iss": issuer.url, "aud": client_id, "tid": issuer.tenant_id, "ver": "2.0",
        "oid": principal.object_id, "sub": principal.object_id.to_string(),
        "name": principal.name, "preferred_username": principal.username,
        "iat": now.as_second(), "nbf": now.as_second(), "exp": now.as_second() + lifetime.as_secs(),
    });
    if principal.has_more_groups() {
        claims["hasgroups"] = true.into();
    } else if !principal.groups.is_empty() {
        claims["groups"] = json!(principal.groups);
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    keys.sign(&claims, now)
}

/// The `client_info` member by which MSAL keys its cache of accounts.
pub fn client_info(object_id: Uuid, tenant_id: Uuid) -> String {
    jws::encode(json!({"uid": object_id, "utid": tenant_id}).to_string().as_bytes())
}

/// What a token must say to be accepted here.
#[derive(Debug, Clone)]
pub struct Expected {
    pub issuer: String,
    pub audiences: Vec<String>,
}

/// Why a token is refused.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    #[error("the token is not a JWT of this server: {why}")]
    Malformed { why: &'static str },
    #[error("the token's algorithm {alg:?} is not accepted; this server signs with ES256")]
    WrongAlgorithm { alg: String },
    #[error("the token was signed with a key that this server does not have ({kid:?}); sign in again")]
    UnknownKey { kid: String },
    #[error("the token's signature is wrong; it was changed, or made by somebody else")]
    BadSignature,
    #[error("the token expired at {at}; sign in again")]
    Expired { at: Timestamp },
    #[error("the token is valid only from {from} on; compare this machine's clock with the server's")]
    NotYetValid { from: Timestamp },
    #[error("the token was issued by {issuer:?}, not by this server")]
    WrongIssuer { issuer: String },
    #[error("the token is for {audience:?}, not for this server; ask for the scope <server>/.default")]
    WrongAudience { audience: String },
}

/// Checks signature, issuer, audience and times. The algorithm is ES256 whatever the token says.
pub fn verify_access_token(
    keys: &KeySet,
    token: &str,
    expected: &Expected,
    now: Timestamp,
) -> Result<AccessClaims, TokenError> {
    let (claims, _) = verify_signature(keys, token, now)?;
    check_claims(&claims, expected, now)?;
    Ok(claims)
}

fn verify_signature(
    keys: &KeySet,
    token: &str,
    now: Timestamp,
) -> Result<(AccessClaims, String), TokenError> {
    let parts = jws::split(token).map_err(|jws::NotJws(why)| TokenError::Malformed { why })?;
    if parts.header.alg != "ES256" {
        return Err(TokenError::WrongAlgorithm { alg: parts.header.alg });
    }
    let kid = parts.header.kid.ok_or(TokenError::Malformed { why: "its header has no kid" })?;
    let Some(key) = keys.find(&kid, now) else { return Err(TokenError::UnknownKey { kid }) };
    if !key.verify(parts.signed, &parts.signature) {
        return Err(TokenError::BadSignature);
    }
    let claims = serde_json::from_slice(&parts.payload)
        .map_err(|_| TokenError::Malformed { why: "its claims are not those of an access token" })?;
    Ok((claims, kid))
}

fn check_claims(claims: &AccessClaims, expected: &Expected, now: Timestamp) -> Result<(), TokenError> {
    if claims.iss != expected.issuer {
        return Err(TokenError::WrongIssuer { issuer: claims.iss.clone() });
    }
    let audience = claims.aud.trim_end_matches('/');
    if !expected.audiences.iter().any(|known| known.trim_end_matches('/') == audience) {
        return Err(TokenError::WrongAudience { audience: claims.aud.clone() });
    }
    if claims.exp <= now.as_second() {
        return Err(TokenError::Expired { at: claims.expires_at() });
    }
    if claims.nbf > now.as_second() + NOT_BEFORE_LEEWAY_SECONDS {
        return Err(TokenError::NotYetValid {
            from: Timestamp::from_second(claims.nbf).unwrap_or(Timestamp::MAX),
        });
    }
    Ok(())
}

/// Remembers whose signatures were already checked, because the signature is nearly all of a check's cost.
///
/// Issuer, audience, times and the key's presence are checked each time, so that a cached token ends when it
/// would have ended. Bounded: two generations of half the capacity each; when the young one is full it becomes
/// the old one, and what was not used since goes.
pub struct TokenCache {
    half: usize,
    generations: Mutex<Generations>,
}

type Generation = HashMap<[u8; 32], Arc<Verified>>;

#[derive(Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

struct Verified {
    kid: String,
    claims: Arc<AccessClaims>,
}

impl TokenCache {
    pub fn new(capacity: usize) -> Self {
        Self { half: capacity.div_ceil(2).max(1), generations: Mutex::default() }
    }

    /// As [`verify_access_token`], at the cost of one SHA-256 for a token that was seen before.
    pub fn verify(
        &self,
        keys: &KeySet,
        token: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<Arc<AccessClaims>, TokenError> {
        if token.len() > jws::MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed { why: "it is longer than 16 KiB" });
        }
        let key = sha256(token);
        if let Some(seen) = self.find(&key)
            && keys.find(&seen.kid, now).is_some()
        {
            check_claims(&seen.claims, expected, now)?;
            return Ok(Arc::clone(&seen.claims));
        }
        let (claims, kid) = verify_signature(keys, token, now)?;
        check_claims(&claims, expected, now)?;
        let claims = Arc::new(claims);
        self.insert(key, Arc::new(Verified { kid, claims: Arc::clone(&claims) }));
        Ok(claims)
    }

    /// How many tokens are remembered; at most the capacity, rounded up to an even number.
    pub fn len(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, key: &[u8; 32]) -> Option<Arc<Verified>> {
        let mut generations = self.lock();
        if let Some(seen) = generations.young.get(key) {
            return Some(Arc::clone(seen));
        }
        let seen = generations.old.remove(key)?;
        self.put(&mut generations, *key, Arc::clone(&seen));
        Some(seen)
    }

    fn insert(&self, key: [u8; 32], verified: Arc<Verified>) {
        let mut generations = self.lock();
        self.put(&mut generations, key, verified);
    }

    fn put(&self, generations: &mut Generations, key: [u8; 32], verified: Arc<Verified>) {
        if generations.young.len() >= self.half {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key, verified);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        // The maps are whole between any two statements, so a panic elsewhere leaves nothing half done.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

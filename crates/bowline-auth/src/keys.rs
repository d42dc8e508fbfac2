//! The issuer's signing keys: one signs, its successor is already published, its predecessors still verify.
//!
//! # Design notes
//! A [`KeySet`] is an immutable snapshot; servers load the stored keys and build a new one when they change.
//! A successor is published [`RotationRule::lead`] before it signs, so that every server and every client that
//! caches the JWKS has it when the first token signed with it arrives. A retired key stays published until
//! the last token it signed has expired.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{jws, public_key};

/// How long keys sign and stay published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationRule {
    /// A key signs for this long.
    pub signs_for: SignedDuration,
    /// A successor is published this long before it signs.
    pub lead: SignedDuration,
    /// The longest life of a token: a key is published this long after it stopped signing.
    pub longest_token: SignedDuration,
}

impl Default for RotationRule {
    fn default() -> Self {
        Self {
            signs_for: SignedDuration::from_hours(90 * 24),
            lead: SignedDuration::from_hours(24),
            longest_token: SignedDuration::from_hours(2),
        }
    }
}

impl RotationRule {
    /// Keys that sign for so long; the successor is known a third of that before it signs, at most a day.
    pub fn every(signs_for: SignedDuration) -> Self {
        let usual = Self::default();
        Self { signs_for, lead: usual.lead.min(signs_for / 3), ..usual }
    }
}

/// The times of one key, stored beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyTimes {
    pub signs_from: Timestamp,
    pub signs_until: Timestamp,
    pub published_until: Timestamp,
}

impl KeyTimes {
    fn starting(signs_from: Timestamp, rule: RotationRule) -> Self {
        let signs_until = signs_from + rule.signs_for;
        Self { signs_from, signs_until, published_until: signs_until + rule.longest_token }
    }
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    #[error(
        "the stored signing key is not a P-256 private key in PKCS#8; restore it from a backup or delete it"
    )]
    NotPkcs8,
    #[error("there is no signing key for {now}: all have ended; rotate the keys")]
    NoActiveKey { now: Timestamp },
    #[error("the claims cannot be written as JSON")]
    Claims,
}

/// One ES256 key pair of the issuer.
pub struct SigningKey {
    kid: String,
    times: KeyTimes,
    pair: EcdsaKeyPair,
    public: ParsedPublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key that signs from `now` on, by the default rule. For the first start of an issuer.
    pub fn generate(now: Timestamp) -> Self {
        Self::generate_starting(now, RotationRule::default())
    }

    /// A new key that signs from `signs_from` on.
    pub fn generate_starting(signs_from: Timestamp, rule: RotationRule) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("generating a P-256 key fails only without randomness");
        Self::from_pair(pair, KeyTimes::starting(signs_from, rule))
    }

    /// Reads what [`Self::to_pkcs8`] wrote.
    pub fn from_pkcs8(pkcs8: &[u8], times: KeyTimes) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| KeyError::NotPkcs8)?;
        Ok(Self::from_pair(pair, times))
    }

    /// The private key, to be sealed before it is stored.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let document = self.pair.to_pkcs8v1().expect("a P-256 key pair always has a PKCS#8 form");
        Zeroizing::new(document.as_ref().to_vec())
    }

    /// The key id: the RFC 7638 thumbprint, so that it need not be stored and cannot clash.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn times(&self) -> KeyTimes {
        self.times
    }

    fn from_pair(pair: EcdsaKeyPair, times: KeyTimes) -> Self {
        let point = pair.public_key().as_ref().to_vec();
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .expect("the public half of a key pair is a valid point");
        Self { kid: public_key::p256_thumbprint(&point), times, pair, public }
    }

    fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(signed, signature).is_ok()
    }

    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.point()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
               "x": jws::encode(x), "y": jws::encode(y)})
    }
}

/// A compact JWS of the claims.
pub(crate) fn sign(key: &SigningKey, claims: &impl Serialize) -> Result<String, KeyError> {
    let input = jws::signing_input("ES256", &key.kid, claims).map_err(|_| KeyError::Claims)?;
    let signature = key
        .pair
        .sign(&SystemRandom::new(), input.as_bytes())
        .expect("signing with a valid P-256 key fails only without randomness");
    Ok(format!("{input}.{}", jws::encode(signature.as_ref())))
}

/// All keys that verify, and the one that signs.
#[derive(Debug, Clone)]
pub struct KeySet {
    /// Newest first.
    keys: Vec<Arc<SigningKey>>,
    rule: RotationRule,
}

impl KeySet {
    pub fn new(keys: impl IntoIterator<Item = SigningKey>, rule: RotationRule) -> Self {
        Self::sorted(keys.into_iter().map(Arc::new).collect(), rule)
    }

    /// The same set with one more key.
    #[must_use]
    pub fn with(&self, key: SigningKey) -> Self {
        let mut keys = self.keys.clone();
        keys.push(Arc::new(key));
        Self::sorted(keys, self.rule)
    }

    fn sorted(mut keys: Vec<Arc<SigningKey>>, rule: RotationRule) -> Self {
        keys.sort_by_key(|key| std::cmp::Reverse(key.times.signs_from));
        Self { keys, rule }
    }

    /// How long keys sign and stay published.
    pub fn rule(&self) -> RotationRule {
        self.rule
    }

    /// The keys of both sets, without those that have ended.
    #[must_use]
    pub fn merged(&self, other: &Self, now: Timestamp) -> Self {
        let mut keys = self.keys.clone();
        keys.extend(
            other.keys.iter().filter(|key| self.keys.iter().all(|known| known.kid != key.kid)).cloned(),
        );
        keys.retain(|key| key.times.published_until > now);
        Self::sorted(keys, self.rule)
    }

    /// The successor to store and add with [`Self::with`], once it is due: there is no key yet, or the newest
    /// one stops signing within the lead. The successor starts when its predecessor stops, at once if that has passed.
    pub fn rotate(&self, now: Timestamp) -> Option<SigningKey> {
        let starts = match self.keys.first() {
            None => now,
            Some(newest) if newest.times.signs_until > now + self.rule.lead => return None,
            Some(newest) => newest.times.signs_until.max(now),
        };
        Some(SigningKey::generate_starting(starts, self.rule))
    }

    /// Ids of keys whose last token has expired: they can be deleted.
    pub fn ended(&self, now: Timestamp) -> Vec<&str> {
        self.keys.iter().filter(|key| key.times.published_until <= now).map(|key| key.kid()).collect()
    }

    /// The JWKS document (RFC 7517): every key whose tokens may be alive, and the successor.
    pub fn jwks(&self, now: Timestamp) -> Value {
        let live = self.keys.iter().filter(|key| key.times.published_until > now);
        json!({"keys": live.map(|key| key.jwk()).collect::<Vec<_>>()})
    }

    /// Signs with the newest key that may sign at `now`. Before the first one starts (the clock was put back) that one signs: it is known to
    /// whoever knows any.
    pub fn sign(&self, claims: &impl Serialize, now: Timestamp) -> Result<String, KeyError> {
        let signs = |key: &&Arc<SigningKey>| key.times.signs_from <= now && now < key.times.signs_until;
        let starts_later = |key: &&Arc<SigningKey>| now < key.times.signs_from;
        let mut oldest_first = self.keys.iter().rev();
        let key = self.keys.iter().find(signs).or_else(|| oldest_first.find(starts_later));
        let key = key.ok_or(KeyError::NoActiveKey { now })?;
        sign(key, claims)
    }

    /// The key by its id, while its tokens may be alive.
    pub(crate) fn find(&self, kid: &str, now: Timestamp) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid == kid && key.times.published_until > now).map(AsRef::as_ref)
    }
}

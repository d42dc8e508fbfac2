//! Access tokens, the keys that sign them, and the cache.

use bowline_auth::keys::{KeySet, RotationRule, SigningKey};
use bowline_auth::token::{IdentityType, Issuer, Principal, client_info, id_token};
use bowline_auth::{AccessClaims, Expected, TokenCache, TokenError, random, verify_access_token};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{after, foreign, now, variant};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn issuer() -> Issuer {
    Issuer { url: "https://localhost:8443/t/v2.0".into(), tenant_id: Uuid::from_u128(7) }
}

fn principal() -> Principal {
    Principal {
        object_id: Uuid::from_u128(1),
        kind: IdentityType::User,
        name: Some("Ada".into()),
        username: Some("ada@example.org".into()),
        resource_id: None,
        groups: vec![Uuid::from_u128(2)],
    }
}

#[test]
fn a_token_names_groups_up_to_a_number_and_then_says_that_there_are_more() {
    let keys = key_set();
    let claims_of = |count: u128| {
        let groups = (0..count).map(Uuid::from_u128).collect();
        let principal = Principal { groups, ..principal() };
        let lifetime = SignedDuration::from_secs(HOUR);
        let claims = AccessClaims::issue(&issuer(), "a", "client", &principal, lifetime, now());
        let identity = id_token(&keys, &issuer(), "client", &principal, None, lifetime, now());
        (
            payload(&keys.sign(&claims, now()).expect("a key signs now")),
            payload(&identity.expect("a key signs now")),
        )
    };
    for (count, named, more) in [(0, None, None), (200, Some(200), None), (201, None, Some(true))] {
        let (access, identity) = claims_of(count);
        for token in [access, identity] {
            assert_eq!(token["groups"].as_array().map(Vec::len), named, "{count} groups");
            assert_eq!(token["hasgroups"].as_bool(), more, "{count} groups");
        }
    }
}

fn expected() -> Expected {
    Expected { issuer: issuer().url, audiences: vec!["https://localhost:8443".into()] }
}

fn claims() -> AccessClaims {
    let lifetime = SignedDuration::from_secs(HOUR);
    AccessClaims::issue(&issuer(), "https://localhost:8443", "client", &principal(), lifetime, now())
}

fn key_set() -> KeySet {
    KeySet::new([SigningKey::generate(now())], RotationRule::default())
}

fn payload(token: &str) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(1).expect("three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn what_is_issued_is_what_is_read() {
    let keys = key_set();
    let token = keys.sign(&claims(), now()).expect("a key signs now");
    let read = verify_access_token(&keys, &token, &expected(), now()).expect("our own token");
    assert_eq!(read, AccessClaims { jti: read.jti, ..claims() });
    assert_eq!(read.exp - read.iat, HOUR);
    let json = payload(&token);
    assert_eq!(json["idtyp"], "user");
    assert!(json.get("xms_mirid").is_none(), "what a token does not say is absent, not null: {json}");
}

#[test]
fn a_foreign_party_verifies_with_the_jwks_alone() {
    let keys = key_set();
    let token = keys.sign(&claims(), now()).expect("a key signs now");
    let (signed, signature) = token.rsplit_once('.').expect("a JWS");
    let jwk = &keys.jwks(now())["keys"][0];
    let member = |name: &str| {
        use base64::Engine;
        let text = jwk[name].as_str().unwrap_or_default();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
    };
    let point = [vec![4], member("x"), member("y")].concat();
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point);
    use base64::Engine;
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    key.verify(signed.as_bytes(), &signature).expect("ring agrees with aws-lc");
    assert_eq!((&jwk["kty"], &jwk["alg"], &jwk["use"]), (&json!("EC"), &json!("ES256"), &json!("sig")));
}

#[test]
fn each_refusal_has_its_name() {
    let keys = key_set();
    let token = |change: fn(&mut AccessClaims)| {
        let mut claims = claims();
        change(&mut claims);
        keys.sign(&claims, now()).expect("a key signs now")
    };
    let refusal = |token: &str, at| {
        verify_access_token(&keys, token, &expected(), at)
            .map_or_else(|error| variant(&error), |_| "accepted".into())
    };
    let plain = token(|_| {});
    assert_eq!(refusal(&plain, after(HOUR - 1)), "accepted");
    assert_eq!(refusal(&plain, after(HOUR)), "Expired", "a token ends at exp, without leeway");
    assert_eq!(refusal(&token(|c| c.nbf += 31), now()), "NotYetValid");
    assert_eq!(refusal(&token(|c| c.nbf += 30), now()), "accepted");
    assert_eq!(refusal(&token(|c| c.iss = "https://elsewhere".into()), now()), "WrongIssuer");
    assert_eq!(refusal(&token(|c| c.aud = "https://elsewhere".into()), now()), "WrongAudience");
    assert_eq!(refusal(&token(|c| c.aud.push('/')), now()), "accepted", "az asks with a trailing slash");
    assert_eq!(refusal("e30.e30.e30", now()), "Malformed");

    let (start, end) = plain.split_at(plain.rfind('.').expect("a JWS") + 5);
    let swapped = format!("{start}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    assert_eq!(refusal(&swapped, now()), "BadSignature");
    let other = key_set().sign(&claims(), now()).expect("a key signs now");
    assert_eq!(refusal(&other, now()), "UnknownKey");
}

#[test]
fn the_token_cannot_choose_its_algorithm() {
    let keys = key_set();
    let kid = keys.jwks(now())["keys"][0]["kid"].clone();
    let body = serde_json::to_value(claims()).expect("JSON");
    for alg in ["none", "HS256", "RS256", "EdDSA"] {
        let token = foreign::jwt(&json!({"alg": alg, "kid": kid}), &body, |_| Vec::new());
        let error = verify_access_token(&keys, &token, &expected(), now()).expect_err(alg);
        assert_eq!(error, TokenError::WrongAlgorithm { alg: alg.into() });
    }
    let unsigned = foreign::jwt(&json!({"alg": "ES256", "kid": kid}), &body, |_| vec![0; 64]);
    assert_eq!(verify_access_token(&keys, &unsigned, &expected(), now()), Err(TokenError::BadSignature));
    let no_kid = foreign::jwt(&json!({"alg": "ES256"}), &body, |_| vec![0; 64]);
    assert_eq!(
        variant(&verify_access_token(&keys, &no_kid, &expected(), now()).expect_err("no kid")),
        "Malformed"
    );
}

#[test]
fn keys_rotate_without_a_gap_and_retire_after_their_last_token() {
    let keys = key_set();
    assert!(keys.rotate(after(88 * DAY)).is_none(), "not due before the lead");
    let successor = keys.rotate(after(89 * DAY)).expect("due one day before the end");
    assert_eq!(successor.times().signs_from, after(90 * DAY), "it starts when the first one stops");
    let (first_kid, second_kid) = (kid_that_signs(&keys, now()), successor.kid().to_owned());
    let keys = keys.with(successor);
    assert!(keys.rotate(after(89 * DAY)).is_none(), "the successor is there");

    assert_eq!(kid_that_signs(&keys, after(90 * DAY - 1)), first_kid);
    assert_eq!(kid_that_signs(&keys, after(90 * DAY)), second_kid);
    let published = |at| keys.jwks(at)["keys"].as_array().map_or(0, Vec::len);
    assert_eq!(published(after(89 * DAY)), 2, "the successor is published before it signs");
    assert_eq!(published(after(90 * DAY + 2 * HOUR - 1)), 2, "the first one's tokens may be alive");
    assert_eq!(published(after(90 * DAY + 2 * HOUR)), 1);
    assert_eq!(keys.ended(after(90 * DAY + 2 * HOUR)), [first_kid.as_str()]);

    let last_of_first = {
        let at = after(90 * DAY - 1);
        let lifetime = SignedDuration::from_secs(HOUR);
        let claims =
            AccessClaims::issue(&issuer(), "https://localhost:8443", "c", &principal(), lifetime, at);
        keys.sign(&claims, at).expect("a key signs")
    };
    verify_access_token(&keys, &last_of_first, &expected(), after(90 * DAY + HOUR - 2)).expect("still alive");
}

fn kid_that_signs(keys: &KeySet, at: jiff::Timestamp) -> String {
    use base64::Engine;
    let token = keys.sign(&json!({}), at).expect("a key signs");
    let header = token.split('.').next().expect("a header");
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url");
    serde_json::from_slice::<Value>(&header).expect("JSON")["kid"].as_str().expect("a kid").to_owned()
}

#[test]
fn sets_of_two_servers_are_merged_without_what_has_ended() {
    let (first, second) = (key_set(), key_set());
    let both = first.merged(&second, now()).merged(&first, now());
    assert_eq!(both.jwks(now())["keys"].as_array().map(Vec::len), Some(2), "each key once");
    let gone = first.merged(&second, after(200 * DAY));
    assert_eq!(gone.jwks(now())["keys"].as_array().map(Vec::len), Some(0), "both have ended");
}

#[test]
fn a_server_that_slept_through_a_rotation_starts_a_key_at_once() {
    let keys = key_set();
    let late = after(200 * DAY);
    assert!(keys.sign(&json!({}), late).is_err(), "no key signs then");
    assert!(keys.sign(&json!({}), after(90 * DAY)).is_err(), "a key that only verifies does not sign");
    let successor = keys.rotate(late).expect("overdue");
    assert_eq!(successor.times().signs_from, late);
    keys.with(successor).sign(&json!({}), late).expect("signs again");
}

#[test]
fn a_key_survives_storage() {
    let key = SigningKey::generate(now());
    let times = serde_json::from_value(serde_json::to_value(key.times()).expect("JSON")).expect("the same");
    let restored = SigningKey::from_pkcs8(&key.to_pkcs8(), times).expect("our own PKCS#8");
    assert_eq!((restored.kid(), restored.times()), (key.kid(), key.times()));
    let token = KeySet::new([restored], RotationRule::default()).sign(&claims(), now()).expect("signs");
    let keys = KeySet::new([key], RotationRule::default());
    verify_access_token(&keys, &token, &expected(), now()).expect("the same key");
    assert!(SigningKey::from_pkcs8(b"rubbish", times).is_err());
}

#[test]
fn before_the_first_key_starts_that_one_signs() {
    let keys = key_set().with(SigningKey::generate(after(DAY)));
    let token = keys.sign(&claims(), after(-7200)).expect("a clock that was put back stops nobody");
    verify_access_token(&keys, &token, &expected(), now()).expect("by the key that signs first");
    let older = KeySet::new([SigningKey::generate(now())], RotationRule::default());
    assert!(older.sign(&claims(), after(91 * DAY)).is_err(), "a key that has ended never signs");
}

#[test]
fn debug_shows_no_private_key() {
    let key = SigningKey::generate(now());
    let pkcs8 = key.to_pkcs8();
    let text = format!("{key:?}");
    assert!(
        !text.contains(&foreign::base64url(&pkcs8[36..68]))
            && !text.contains(&format!("{:?}", &pkcs8[36..40]))
    );
    assert!(text.len() < 300, "{text}");
}

#[test]
fn the_cache_forgets_no_check_but_the_signature() {
    let (keys, cache) = (key_set(), TokenCache::new(10));
    let token = keys.sign(&claims(), now()).expect("a key signs now");
    let first = cache.verify(&keys, &token, &expected(), now()).expect("our token");
    let second = cache.verify(&keys, &token, &expected(), after(10)).expect("our token");
    assert!(std::sync::Arc::ptr_eq(&first, &second), "the second answer comes from the cache");

    let expired = cache.verify(&keys, &token, &expected(), after(HOUR)).expect_err("it ended");
    assert_eq!(variant(&expired), "Expired");
    let elsewhere = Expected { audiences: vec!["https://elsewhere".into()], ..expected() };
    let foreign = cache.verify(&keys, &token, &elsewhere, now()).expect_err("not for them");
    assert_eq!(variant(&foreign), "WrongAudience");
    let replaced = cache.verify(&key_set(), &token, &expected(), now()).expect_err("its key is gone");
    assert_eq!(variant(&replaced), "UnknownKey");
}

#[test]
fn the_cache_is_bounded_and_keeps_what_is_used() {
    let (keys, cache) = (key_set(), TokenCache::new(8));
    let token = |jti: u128| {
        let claims = AccessClaims { jti: Uuid::from_u128(jti), ..claims() };
        keys.sign(&claims, now()).expect("a key signs now")
    };
    let hot = token(0);
    let first = cache.verify(&keys, &hot, &expected(), now()).expect("our token");
    for jti in 1..100 {
        cache.verify(&keys, &token(jti), &expected(), now()).expect("our token");
        let again = cache.verify(&keys, &hot, &expected(), now()).expect("our token");
        assert!(std::sync::Arc::ptr_eq(&first, &again), "a token in use stays, also after {jti} others");
        assert!(cache.len() <= 8, "{} tokens", cache.len());
    }
    cache.verify(&keys, "e30.e30.e30", &expected(), now()).expect_err("refused");
    assert!(cache.len() <= 8, "refused tokens are not remembered");
}

#[test]
fn msal_finds_what_it_looks_for() {
    let keys = key_set();
    let lifetime = SignedDuration::from_secs(HOUR);
    let token =
        id_token(&keys, &issuer(), "client", &principal(), Some("n"), lifetime, now()).expect("signs");
    let claims = payload(&token);
    for name in ["aud", "tid", "oid", "sub", "preferred_username", "iat", "exp", "nonce", "ver", "name"] {
        assert!(claims.get(name).is_some_and(|v| !v.is_null()), "{name} is missing in {claims}");
    }
    assert_eq!(claims["aud"], "client");
    let access =
        verify_access_token(&keys, &token, &expected(), now()).expect_err("an identity token opens nothing");
    assert_eq!(variant(&access), "Malformed");

    let info = format!("x.{}.x", client_info(Uuid::from_u128(1), Uuid::from_u128(7)));
    assert_eq!(payload(&info), json!({"uid": Uuid::from_u128(1), "utid": Uuid::from_u128(7)}));
}

#[test]
fn ids_are_random_guids() {
    let (a, b) = (random::guid(), random::guid());
    assert_ne!(a, b);
    assert_eq!(a.get_version_num(), 4);
}

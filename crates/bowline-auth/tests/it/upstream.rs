//! Identity tokens of another issuer: one that is right, and each way in which one can be wrong.

use bowline_auth::upstream::{Discovered, ExpectedIdentity, UpstreamError, UpstreamKeys, verify_id_token};
use bowline_auth::{KeySet, PublicKey, RotationRule, SigningKey};
use serde_json::{Value, json};

use super::{after, now};

const ISSUER: &str = "https://id.example/realm";
const EXPECTED: ExpectedIdentity<'_> =
    ExpectedIdentity { issuer: ISSUER, client_id: "bowline", nonce: "n-1" };

fn claims() -> Value {
    let now = now().as_second();
    json!({"iss": ISSUER, "aud": "bowline", "sub": "42", "nonce": "n-1", "iat": now, "exp": now + 300})
}

fn keys() -> KeySet {
    KeySet::new([SigningKey::generate(now())], RotationRule::default())
}

#[test]
fn a_token_is_believed_only_if_everything_is_right() {
    let signer = keys();
    let published = UpstreamKeys::read(&signer.jwks(now()));
    let verify = |change: &[(&str, Value)]| {
        let mut claims = claims();
        for (name, value) in change {
            if value.is_null() {
                claims.as_object_mut().expect("claims are an object").remove(*name);
            } else {
                claims[*name] = value.clone();
            }
        }
        verify_id_token(&signer.sign(&claims, now()).expect("a key signs now"), &published, EXPECTED, now())
    };
    assert_eq!(verify(&[]).expect("all is right")["sub"], "42");
    assert!(verify(&[("aud", json!(["other", "bowline"])), ("azp", json!("bowline"))]).is_ok());
    assert!(verify(&[("exp", json!(now().as_second() - 30))]).is_ok(), "clocks differ a little");
    let wrong = |claim: &'static str| Err(UpstreamError::Claim { claim });
    for (change, expected) in [
        (vec![("iss", json!("https://evil.example"))], wrong("iss")),
        (vec![("aud", json!("other"))], wrong("aud")),
        (vec![("aud", json!(["other", "bowline"]))], wrong("azp")),
        (vec![("azp", json!("other"))], wrong("azp")),
        (vec![("nonce", json!("n-2"))], wrong("nonce")),
        (vec![("nonce", Value::Null)], wrong("nonce")),
        (vec![("sub", json!(""))], wrong("sub")),
        (vec![("sub", json!("x".repeat(256)))], wrong("sub")),
        (vec![("exp", Value::Null)], wrong("exp")),
        (vec![("iat", json!(now().as_second() + 3600))], wrong("iat")),
        (vec![("exp", json!(now().as_second() - 61))], Err(UpstreamError::Expired)),
    ] {
        assert_eq!(verify(&change), expected, "{change:?}");
    }
}

#[test]
fn the_key_decides_and_not_the_token() {
    let signer = keys();
    let token = signer.sign(&claims(), now()).expect("a key signs now");
    let verify =
        |token: &str, keys: &UpstreamKeys| verify_id_token(token, keys, EXPECTED, after(1)).map(|_| ());
    assert_eq!(
        verify(&token, &UpstreamKeys::read(&keys().jwks(now()))),
        Err(UpstreamError::UnknownKey),
        "another issuer's keys"
    );
    let mut renamed = keys().jwks(now());
    renamed["keys"][0]["kid"] = signer.jwks(now())["keys"][0]["kid"].clone();
    assert_eq!(
        verify(&token, &UpstreamKeys::read(&renamed)),
        Err(UpstreamError::BadSignature),
        "another key under the name"
    );
    let published = UpstreamKeys::read(&signer.jwks(now()));
    let with_alg = |alg: &str| {
        use base64::Engine;
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json!({"alg": alg}).to_string());
        format!("{header}.{}", token.split_once('.').expect("a token has dots").1)
    };
    assert_eq!(verify(&with_alg("none"), &published), Err(UpstreamError::Algorithm { alg: "none".into() }));
    assert_eq!(verify(&with_alg("HS256"), &published), Err(UpstreamError::Algorithm { alg: "HS256".into() }));
    assert_eq!(
        verify(&with_alg("RS256"), &published),
        Err(UpstreamError::UnknownKey),
        "the key is for ES256"
    );
    let mut encryption = signer.jwks(now());
    encryption["keys"][0]["use"] = json!("enc");
    assert_eq!(verify(&token, &UpstreamKeys::read(&encryption)), Err(UpstreamError::UnknownKey));
}

#[test]
fn keys_in_json_are_the_keys_in_der() {
    // RFC 7638 §3.1 gives the thumbprint of this key.
    let jwk = json!({"kty": "RSA", "e": "AQAB", "alg": "RS256", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
    assert_eq!(
        PublicKey::from_jwk(&jwk).expect("an RSA key").thumbprint(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    // RFC 8037 §A.3 likewise for Ed25519.
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    assert_eq!(
        PublicKey::from_jwk(&jwk).expect("an Ed25519 key").thumbprint(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    for bad in [
        json!({}),
        json!({"kty": "oct", "k": "AAAA"}),
        json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        json!({"kty": "RSA", "n": "AA", "e": "AQAB"}),
    ] {
        assert!(PublicKey::from_jwk(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_discovery_document_is_of_the_issuer_that_was_set() {
    let document = json!({"issuer": ISSUER, "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t", "jwks_uri": "https://id.example/k", "token_endpoint_auth_methods_supported": ["client_secret_post"]});
    assert!(Discovered::read(ISSUER, &document).expect("complete").secret_in_form);
    assert!(matches!(
        Discovered::read("https://id.example/realm/", &document),
        Err(UpstreamError::OtherIssuer { .. })
    ));
    let mut plain = document.clone();
    plain["token_endpoint"] = json!("http://id.example/t");
    assert_eq!(Discovered::read(ISSUER, &plain), Err(UpstreamError::Incomplete { member: "token_endpoint" }));
}

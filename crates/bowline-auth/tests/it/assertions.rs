//! Client assertions: what a foreign party signs is accepted, and each way to cheat is refused by its name.

use bowline_auth::{PublicKey, parse_unverified_client_id, verify_assertion};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::foreign::{self, Signer};
use crate::{after, cases, now, variant};

const CLIENT: &str = "5f3b9f0e-0000-4000-8000-000000000001";
const TOKEN_ENDPOINT: &str = "https://localhost:8443/t/oauth2/v2.0/token";
const ISSUER: &str = "https://localhost:8443/t/v2.0";

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The registered keys; the first one signs unless `sign` says otherwise.
    keys: Vec<String>,
    /// `other-p256` … a key that is not registered; `hmac-with-public-key`; `none`; `changed-payload`.
    #[serde(default)]
    sign: Option<String>,
    #[serde(default)]
    header: Map<String, Value>,
    /// Times are seconds from now; null removes a claim.
    #[serde(default)]
    claims: Map<String, Value>,
    expect: String,
}

fn signer(name: &str) -> Signer {
    match name.trim_start_matches("other-") {
        "p256" => foreign::p256(),
        "ed25519" => foreign::ed25519(),
        "rsa" => foreign::rsa(),
        other => panic!("no key {other}"),
    }
}

fn registered(signer: &Signer) -> PublicKey {
    PublicKey::parse(&foreign::base64(&signer.public_der())).expect("a key that may be registered")
}

fn claims(overrides: &Map<String, Value>) -> Value {
    let mut claims = json!({"iss": CLIENT, "sub": CLIENT, "aud": TOKEN_ENDPOINT, "jti": "once",
                            "iat": 0, "exp": 300});
    for (name, value) in overrides {
        claims[name] = value.clone();
    }
    let map = claims.as_object_mut().expect("claims are an object");
    map.retain(|_, value| !value.is_null());
    for name in ["iat", "nbf", "exp"] {
        if let Some(offset) = map.get(name).and_then(Value::as_f64) {
            map[name] = json!(offset + now().as_second() as f64);
        }
    }
    claims
}

fn build(case: &Case, signers: &[Signer]) -> String {
    let claims = claims(&case.claims);
    let first = &signers[0];
    let mut header = json!({"alg": first.alg(), "typ": "JWT"});
    for (name, value) in &case.header {
        header[name] = value.clone();
    }
    match case.sign.as_deref() {
        None => foreign::jwt(&header, &claims, |message| first.sign(message)),
        Some("none") => foreign::jwt(&header, &claims, |_| Vec::new()),
        Some("hmac-with-public-key") => foreign::jwt(&header, &claims, |message| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &first.public_der());
            ring::hmac::sign(&key, message).as_ref().to_vec()
        }),
        Some("changed-payload") => {
            let token = foreign::jwt(&header, &claims, |message| first.sign(message));
            let mut parts: Vec<&str> = token.split('.').collect();
            let forged = foreign::base64url(json!({"iss": "x", "sub": "x"}).to_string());
            parts[1] = &forged;
            parts.join(".")
        }
        Some(name) => {
            let other = signer(name);
            foreign::jwt(&header, &claims, |message| other.sign(message))
        }
    }
}

#[test]
fn cases_are_answered_as_written() {
    let audiences = [TOKEN_ENDPOINT.to_owned(), ISSUER.to_owned()];
    let mut failures = Vec::new();
    for case in cases::<Case>(include_str!("../cases/assertions.json")) {
        let signers: Vec<Signer> = case.keys.iter().map(|name| signer(name)).collect();
        let keys: Vec<PublicKey> = signers.iter().map(registered).collect();
        let assertion = build(&case, &signers);
        let answer = match verify_assertion(&assertion, &keys, &audiences, now()) {
            Ok(claims) => {
                assert_eq!((claims.sub.as_str(), claims.jti.as_str()), (CLIENT, "once"), "{}", case.name);
                "accepted".to_owned()
            }
            Err(error) => variant(&error),
        };
        if answer != case.expect {
            failures.push(format!("{}: expected {}, got {answer}", case.name, case.expect));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_skewed_clock_is_told_by_how_much() {
    let signer = foreign::p256();
    let mut skewed = Map::new();
    skewed.insert("iat".into(), json!(-7200));
    skewed.insert("exp".into(), json!(-6900));
    let assertion = foreign::jwt(&json!({"alg": "ES256"}), &claims(&skewed), |message| signer.sign(message));
    let error = verify_assertion(&assertion, &[registered(&signer)], &[TOKEN_ENDPOINT.to_owned()], now())
        .expect_err("two hours are too far");
    assert_eq!(
        error.to_string(),
        "the client's clock is -7200 s away from the server's; set it, or measure the server's Date header"
    );
}

#[test]
fn the_key_that_verified_is_named_and_the_expiry_is_told() {
    let (old, new) = (foreign::p256(), foreign::p256());
    let keys = [registered(&old), registered(&new)];
    let assertion = foreign::jwt(&json!({"alg": "ES256"}), &claims(&Map::new()), |message| new.sign(message));
    let verified =
        verify_assertion(&assertion, &keys, &[TOKEN_ENDPOINT.to_owned()], now()).expect("accepted");
    assert_eq!(verified.thumbprint, keys[1].thumbprint());
    assert_eq!(verified.expires_at, after(300));
    assert_eq!(parse_unverified_client_id(&assertion).as_deref(), Ok(CLIENT));
}

#[test]
fn what_is_not_a_jwt_is_refused_without_harm() {
    let long = "a".repeat(17 * 1024);
    let three = "e30.e30.e30";
    for text in ["", ".", "..", "...", "a.b", "é.é.é", three, "e30.e30.e30.e30", &long, "bm90anNvbg.e30."]
    {
        let error = verify_assertion(text, &[], &[], now()).expect_err(text);
        assert_eq!(variant(&error), "Malformed", "{text}");
        if text != three {
            parse_unverified_client_id(text).expect_err(text);
        }
    }
}

#[test]
fn openssl_signs_for_all_algorithms() {
    let dir = tempdir();
    for (generate, alg) in [
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "ES256"),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072", "RS256"),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", "PS256"),
        ("genpkey -algorithm ED25519", "EdDSA"),
    ] {
        let pem = foreign::openssl(generate, b"");
        let key_file = dir.write("key.pem", &pem);
        let spki = foreign::openssl("pkey -pubout -outform DER", &pem);
        let key = PublicKey::parse(&foreign::base64(&spki)).expect("openssl's public key");
        let assertion = foreign::jwt(&json!({"alg": alg, "typ": "JWT"}), &claims(&Map::new()), |message| {
            let input = dir.write("message", message);
            match alg {
                "EdDSA" => {
                    foreign::openssl(&format!("pkeyutl -sign -inkey {key_file} -rawin -in {input}"), b"")
                }
                "ES256" => raw_ecdsa(&foreign::openssl(&format!("dgst -sha256 -sign {key_file}"), message)),
                "PS256" => foreign::openssl(
                    &format!(
                        "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign {key_file}"
                    ),
                    message,
                ),
                _ => foreign::openssl(&format!("dgst -sha256 -sign {key_file}"), message),
            }
        });
        verify_assertion(&assertion, &[key], &[TOKEN_ENDPOINT.to_owned()], now())
            .unwrap_or_else(|error| panic!("{alg}: {error}"));
    }
}

/// A certificate stands for its key until its end, in both ways of writing a time (up to 2049 and after it).
#[test]
fn a_certificate_stands_for_its_key_until_its_end() {
    let dir = tempdir();
    let pem = foreign::openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", b"");
    let key_file = dir.write("key.pem", &pem);
    let spki = PublicKey::from_der(&foreign::openssl("pkey -pubout -outform DER", &pem)).expect("SPKI");
    for days in ["365", "36500"] {
        let request = format!("req -x509 -new -key {key_file} -subj /CN=ci -days {days} -outform DER");
        let der = foreign::openssl(&request, b"");
        let key = PublicKey::parse(&foreign::base64(&der)).expect("a certificate");
        assert_eq!(key, spki, "the same key, however it is wrapped");
        let end = key.valid_until().expect("a certificate ends");
        let sign = |now: jiff::Timestamp| {
            let at = now.as_second();
            let claims = json!({"iss": CLIENT, "sub": CLIENT, "aud": TOKEN_ENDPOINT, "jti": "once", "iat": at, "exp": at + 300});
            foreign::jwt(&json!({"alg": "ES256"}), &claims, |message| {
                raw_ecdsa(&foreign::openssl(&format!("dgst -sha256 -sign {key_file}"), message))
            })
        };
        let verify = |now: jiff::Timestamp| {
            verify_assertion(&sign(now), std::slice::from_ref(&key), &[TOKEN_ENDPOINT.to_owned()], now)
        };
        let before = end - jiff::SignedDuration::from_secs(1);
        verify(before).expect("it holds until its end");
        assert_eq!(variant(&verify(end).expect_err("it ended")), "ExpiredCertificate");
    }
    for cut in [1, 20, 60] {
        let der = foreign::openssl(&format!("req -x509 -new -key {key_file} -subj /CN=ci -outform DER"), b"");
        PublicKey::from_der(&der[..der.len() - cut]).expect_err("cut off");
    }
}

/// openssl writes ECDSA signatures as DER; JWS wants the two numbers, 32 bytes each.
fn raw_ecdsa(der: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut rest = &der[2..];
    for _ in 0..2 {
        let (number, after) = rest[2..].split_at(usize::from(rest[1]));
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        raw.extend(std::iter::repeat_n(0, 32 - number.len()));
        raw.extend(number);
        rest = after;
    }
    raw
}

struct Folder(tempfile::TempDir);

fn tempdir() -> Folder {
    Folder(tempfile::tempdir().expect("a temporary folder"))
}

impl Folder {
    #[expect(clippy::disallowed_methods, reason = "openssl reads keys and messages from files")]
    fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("the temporary folder takes a file");
        path.to_str().expect("a plain path").to_owned()
    }
}

//! Public keys in each form that is accepted, and the refusal of each that is not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_auth::PublicKey;
use bowline_auth::public_key::PublicKeyError;

use crate::foreign::{base64, openssl};
use crate::variant;

fn public(generate: &str, form: &str) -> Vec<u8> {
    openssl(form, &openssl(generate, b""))
}

#[test]
fn openssls_keys_are_read_in_each_form() {
    let rsa = openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", b"");
    let spki = PublicKey::parse(&base64(&openssl("pkey -pubout -outform DER", &rsa))).expect("SPKI");
    let pkcs1 =
        PublicKey::parse(&base64(&openssl("rsa -RSAPublicKey_out -outform DER", &rsa))).expect("PKCS#1");
    assert_eq!(spki.thumbprint(), pkcs1.thumbprint(), "one key has one thumbprint, however it is wrapped");
    assert_eq!(spki, pkcs1);
    for generate in ["genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "genpkey -algorithm ED25519"] {
        PublicKey::from_der(&public(generate, "pkey -pubout -outform DER")).expect(generate);
    }
}

#[test]
fn keys_that_may_not_be_registered_say_why() {
    let spki = "pkey -pubout -outform DER";
    let refused = [
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            "the public key's curve 1.3.132.0.34 is not accepted; use P-256",
        ),
        (
            "genpkey -algorithm X25519",
            "the public key's algorithm 1.3.101.110 is not accepted; use P-256, Ed25519 or RSA",
        ),
        (
            "genpkey -algorithm ED448",
            "the public key's algorithm 1.3.101.113 is not accepted; use P-256, Ed25519 or RSA",
        ),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
            "the RSA key has 1024 bits; between 2048 and 8192 are accepted",
        ),
    ];
    for (generate, sentence) in refused {
        let error = PublicKey::from_der(&public(generate, spki)).expect_err(generate);
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn texts_that_are_no_keys_are_refused() {
    let good = public("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "pkey -pubout -outform DER");
    PublicKey::parse(&format!("  {}\n", base64(&good))).expect("white space around it does no harm");
    PublicKey::parse(base64(&good).trim_end_matches('=')).expect("padding is optional");

    assert_eq!(PublicKey::parse("  ").expect_err("empty"), PublicKeyError::Empty);
    assert_eq!(PublicKey::parse("-----BEGIN PUBLIC KEY-----").expect_err("PEM"), PublicKeyError::Pem);
    assert_eq!(PublicKey::parse("!!").expect_err("not base64"), PublicKeyError::NotBase64);
    assert_eq!(PublicKey::parse(&"A".repeat(9000)).expect_err("long"), PublicKeyError::TooLong);
    assert_eq!(PublicKey::parse("AAAA").expect_err("not DER"), PublicKeyError::NotDer);
    let private = openssl("genpkey -algorithm ED25519 -outform DER", b"");
    assert_eq!(PublicKey::from_der(&private).expect_err("a private key"), PublicKeyError::NotDer);

    let trailing = [good.clone(), vec![0]].concat();
    assert_eq!(PublicKey::from_der(&trailing).expect_err("trailing byte"), PublicKeyError::NotDer);
    let mut off_curve = good.clone();
    *off_curve.last_mut().expect("not empty") ^= 1;
    let error = PublicKey::from_der(&off_curve).expect_err("a point off the curve");
    assert_eq!(
        error.to_string(),
        "the public key has the right form, but its numbers are not a valid P-256 key"
    );
}

#[test]
fn every_cut_and_every_flipped_bit_is_handled() {
    for generate in [
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "genpkey -algorithm ED25519",
    ] {
        let der = public(generate, "pkey -pubout -outform DER");
        let original = PublicKey::from_der(&der).expect(generate);
        for cut in 0..der.len() {
            PublicKey::from_der(&der[..cut]).expect_err("a cut key");
        }
        for bit in 0..der.len() * 8 {
            let mut flipped = der.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = PublicKey::from_der(&flipped) {
                assert_ne!(other.thumbprint(), original.thumbprint(), "bit {bit} of {generate} is not read");
            }
        }
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    // RFC 8037 appendix A.3.
    let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64url");
    let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &x].concat();
    let key = PublicKey::from_der(&spki).expect("the RFC's key");
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");

    // RFC 7638 §3.1; its exponent is 65537.
    let n = URL_SAFE_NO_PAD
        .decode(concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF",
            "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9",
            "c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1",
            "jF44-csFCur-kEgU8awapJzKnqDKgw"
        ))
        .expect("base64url");
    let pkcs1 = [&[0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0][..], &n, &[2, 3, 1, 0, 1]].concat();
    let key = PublicKey::from_der(&pkcs1).expect("the RFC's key");
    assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn an_even_exponent_or_modulus_is_no_rsa_key() {
    let mut der =
        public("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", "rsa -RSAPublicKey_out -outform DER");
    *der.last_mut().expect("not empty") = 0;
    assert_eq!(variant(&PublicKey::from_der(&der).expect_err("exponent 65536")), "Invalid");
}

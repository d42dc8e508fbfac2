//! Machine secrets, PKCE and fair random text.

use std::collections::BTreeSet;

use bowline_auth::pkce::{PkceError, challenge, check_challenge, verify};
use bowline_auth::{Secret, random, secret};

#[test]
fn secrets_are_long_prefixed_and_never_shown_by_accident() {
    let secret = Secret::generate(secret::ENROLLMENT_PREFIX);
    assert!(secret.expose().starts_with("bwe_") && secret.expose().len() == 4 + 43, "{}", secret.expose());
    assert_ne!(secret.expose(), Secret::generate("bwe_").expose());
    assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    assert_eq!(serde_json::to_value(&secret).expect("JSON"), secret.expose());
    assert!(secret::matches_digest(secret.expose(), &secret.digest()));
    assert!(!secret::matches_digest("bwe_other", &secret.digest()));
    assert!(!secret::matches_digest(secret.expose(), ""));
    // FIPS 180-2, appendix B.1.
    assert_eq!(secret::digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(secret::equal("a", "a") && !secret::equal("a", "b") && !secret::equal("a", "ab"));
}

#[test]
fn pkce_is_that_of_the_rfc() {
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let rfc = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    assert_eq!(challenge(verifier), rfc);
    assert_eq!(check_challenge(rfc, Some("S256")), Ok(()));
    assert_eq!(verify(rfc, verifier), Ok(()));
    assert_eq!(verify(rfc, &verifier.replace('d', "e")), Err(PkceError::Mismatch));
    assert_eq!(verify(rfc, "short"), Err(PkceError::BadVerifier));
    assert_eq!(verify(rfc, &"a".repeat(129)), Err(PkceError::BadVerifier));
    assert_eq!(verify(rfc, &"!".repeat(50)), Err(PkceError::BadVerifier));
    assert_eq!(check_challenge(rfc, Some("plain")), Err(PkceError::MethodNotS256));
    assert_eq!(check_challenge(rfc, None), Err(PkceError::MethodNotS256), "no method means plain");
    assert_eq!(check_challenge("short", Some("S256")), Err(PkceError::BadChallenge));
    assert_eq!(verify(verifier, verifier), Err(PkceError::Mismatch), "a plain challenge does not pass");
}

#[test]
fn random_text_uses_the_whole_alphabet_evenly() {
    let alphabet = b"BCDFGHJKLMNPQRSTVWXZ";
    let text = random::text(alphabet, 20_000);
    assert_eq!(text.len(), 20_000);
    let letters: BTreeSet<u8> = text.bytes().collect();
    assert_eq!(letters.len(), alphabet.len());
    for letter in letters {
        let count = text.bytes().filter(|b| *b == letter).count();
        // 1000 are expected; eight standard deviations are 247, which chance never reaches.
        assert!((750..1250).contains(&count), "{} came {count} times", char::from(letter));
    }
}

//! Passwords: hashed as argon2id, checked, and refused when they are weak.

use bowline_auth::password::{
    PasswordError, check_policy, generate_password, hash, needs_rehash, verify, verify_or_burn,
};

#[test]
fn a_password_matches_its_hash_only() {
    let stored = hash("correct horse battery");
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert!(verify(&stored, "correct horse battery"));
    assert!(!verify(&stored, "correct horse batterz") && !verify(&stored, ""));
    assert_ne!(stored, hash("correct horse battery"), "each hash has its own salt");
    assert!(!needs_rehash(&stored));
    assert!(verify_or_burn(Some(&stored), "correct horse battery"));
    assert!(!verify_or_burn(None, "correct horse battery"));
}

#[test]
fn other_parameters_verify_and_ask_for_a_new_hash() {
    let stored = foreign_hash(64, 1, 1);
    assert!(verify(&stored, "password1234") && !verify(&stored, "password1235"));
    assert!(needs_rehash(&stored));
    assert!(verify(&foreign_hash(64 * 1024, 1, 1), "password1234"), "the most memory that is accepted");
}

/// `password1234` as somebody else would store it.
fn foreign_hash(memory_kib: u32, passes: u32, lanes: u32) -> String {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(memory_kib, passes, lanes, None).expect("valid");
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash: argon2::password_hash::phc::PasswordHash =
        argon2.hash_password_with_salt(b"password1234", b"saltsaltsalt").expect("hashed");
    hash.to_string()
}

#[test]
fn a_hash_that_would_cost_too_much_is_not_tried() {
    for (memory_kib, passes, lanes) in [(64 * 1024 + 1, 1, 1), (64, 17, 1), (8 * 17, 1, 17)] {
        let stored = foreign_hash(memory_kib, passes, lanes);
        assert!(!verify(&stored, "password1234"), "{stored} is the right password at a price we do not pay");
        assert!(needs_rehash(&stored));
    }
}

#[test]
fn damaged_hashes_never_match() {
    for stored in [
        "",
        "plain",
        "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert!(!verify(stored, "password1234"), "{stored}");
        assert!(needs_rehash(stored), "{stored}");
    }
    assert!(!verify(&hash("correct horse battery"), &"x".repeat(5000)));
}

#[test]
fn weak_passwords_are_refused_with_the_reason() {
    let check = |password: &str| check_policy("ada.lovelace@example.org", password);
    assert_eq!(check("eleven char"), Err(PasswordError::TooShort { characters: 11 }));
    assert_eq!(check("twelve chars"), Ok(()));
    assert_eq!(check("zwölf Zeichen"), Ok(()), "characters are counted, not bytes");
    assert_eq!(check(&"long enough ".repeat(100)), Err(PasswordError::TooLong));
    assert_eq!(check("my Ada.Lovelace 1"), Err(PasswordError::ContainsUsername));
    assert_eq!(check("aaaaaaaaaaaaaaa"), Err(PasswordError::TooUniform));
    assert_eq!(check("abcdabcdabcd"), Err(PasswordError::TooUniform));
    assert_eq!(check_policy("al", "also allowed here"), Ok(()), "two letters are in every sentence");
    assert_eq!(
        check("short").map_err(|e| e.to_string()),
        Err("the password has 5 characters; use at least 12".into())
    );
}

#[test]
fn generated_passwords_pass_the_policy_and_differ() {
    let (a, b) = (generate_password(), generate_password());
    assert_ne!(*a, *b);
    assert_eq!(a.len(), 24);
    assert_eq!(check_policy("admin", &a), Ok(()));
    assert!(a.chars().all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit()), "{}", *a);
}

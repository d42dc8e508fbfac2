//! Sealing: what is sealed opens in its own place and nowhere else, through both rotations.

use bowline_auth::seal::{Keyring, RootKey, Seal, SealError};

use crate::{foreign, now};

fn unlocked() -> (RootKey, Keyring, Seal) {
    let root = RootKey::generate();
    let keyring = Keyring::create(&root, now());
    let seal = Seal::unlock(&keyring, &root).expect("its own root key");
    (root, keyring, seal)
}

#[test]
fn a_value_opens_in_its_own_place_only() {
    let (_, _, seal) = unlocked();
    let sealed = seal.seal("signing key", b"kid-1", b"the plain text");
    assert_eq!(*seal.open("signing key", b"kid-1", &sealed).expect("its place"), b"the plain text");
    assert_ne!(
        sealed,
        seal.seal("signing key", b"kid-1", b"the plain text"),
        "equal values do not look equal"
    );
    assert!(!sealed.windows(5).any(|w| w == b"plain"));

    let damaged = |purpose: &str| Err(SealError::Damaged { purpose: purpose.into() });
    let open = |purpose: &str, aad: &[u8], sealed: &[u8]| seal.open(purpose, aad, sealed).map(|_| ());
    assert_eq!(open("signing key", b"kid-2", &sealed), damaged("signing key"), "another row");
    assert_eq!(open("client secret", b"kid-1", &sealed), damaged("client secret"), "another purpose");
    assert_eq!(open("signing keyk", b"id-1", &sealed), damaged("signing keyk"), "the border moved");
    for cut in 0..sealed.len() {
        open("signing key", b"kid-1", &sealed[..cut]).expect_err("a cut value");
    }
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        open("signing key", b"kid-1", &flipped).expect_err("a changed value");
    }
}

#[test]
fn a_new_data_key_leaves_old_values_readable() {
    let (root, mut keyring, seal) = unlocked();
    let old = seal.seal("p", b"", b"old");
    assert_eq!(keyring.rotate_data_key(&root, now()), Ok(2));
    let seal = Seal::unlock(&keyring, &root).expect("its own root key");
    let new = seal.seal("p", b"", b"new");
    assert_eq!(*seal.open("p", b"", &old).expect("the old key is kept"), b"old");
    assert!(seal.needs_reseal(&old) && !seal.needs_reseal(&new));

    keyring.keys.retain(|key| key.id == 2);
    let seal = Seal::unlock(&keyring, &root).expect("its own root key");
    let error = seal.open("p", b"", &old).expect_err("its key is gone");
    assert_eq!(error, SealError::MissingDataKey { id: 1 });
    assert!(error.to_string().contains("data key 1"), "{error}");
}

#[test]
fn a_new_root_key_touches_no_sealed_value() {
    let (old_root, keyring, seal) = unlocked();
    let sealed = seal.seal("p", b"row", b"value");
    let new_root = RootKey::generate();
    let rewrapped = keyring.rewrap(&old_root, &new_root).expect("the old root key is given");
    let stored = serde_json::to_string(&rewrapped).expect("JSON");
    let rewrapped: Keyring = serde_json::from_str(&stored).expect("the same");
    let seal = Seal::unlock(&rewrapped, &new_root).expect("the new root key");
    assert_eq!(*seal.open("p", b"row", &sealed).expect("the same data key"), b"value");

    let wrong = SealError::WrongRootKey { given: old_root.id(), needed: new_root.id() };
    assert_eq!(Seal::unlock(&rewrapped, &old_root).map(|_| ()), Err(wrong.clone()));
    assert_eq!(rewrapped.rewrap(&old_root, &new_root).map(|_| ()), Err(wrong));
}

#[test]
fn a_keyring_that_was_changed_is_refused() {
    let (root, keyring, _) = unlocked();
    let mut renamed = keyring.clone();
    renamed.keys[0].id = 2;
    renamed.current = 2;
    let error = Seal::unlock(&renamed, &root).expect_err("a key under another id");
    assert_eq!(error, SealError::Damaged { purpose: "bowline data key 2".into() });
    let headless = Keyring { current: 9, ..keyring };
    assert_eq!(Seal::unlock(&headless, &root).map(|_| ()), Err(SealError::NoCurrentKey { id: 9 }));
}

#[test]
fn root_keys_are_read_raw_or_as_base64_and_never_shown() {
    let root = RootKey::generate();
    let text = root.to_base64();
    assert_eq!(RootKey::read(format!("{}\n", *text).as_bytes()).expect("its base64").id(), root.id());
    let raw = [7u8; 32];
    assert_eq!(
        RootKey::read(&raw).expect("raw").id(),
        RootKey::read(foreign::base64(&raw).as_bytes()).expect("text").id()
    );
    for bad in [&b""[..], b"short", &[7u8; 31], &[7u8; 33], b"AAAA", &[0xff; 44]] {
        assert_eq!(RootKey::read(bad).map(|_| ()), Err(SealError::BadRootKey));
    }
    assert_eq!(format!("{root:?}"), format!("RootKey({})", root.id()));
}

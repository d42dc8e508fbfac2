//! What is stored and must not be read: envelope encryption with AES-256-GCM.
//!
//! A [`RootKey`] (a file, the environment or a command; never the database) wraps data keys; data keys seal
//! values. The wrapped data keys, a [`Keyring`], are stored beside the data. Changing the root key rewraps a
//! handful of data keys and touches no sealed value; changing the data key affects what is sealed from then on.
//!
//! # Design notes
//! A sealed value is `1 | data key id (4, big-endian) | nonce (12) | ciphertext and tag`. The purpose (which
//! column) and the caller's associated data (which row) are authenticated, so that a sealed value moved to
//! another place does not open. Nonces are random: NIST's bound for one key is 2³² values, far above what a
//! control plane's signing keys and secrets come to in the life of a data key.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::random;

const VERSION: u8 = 1;
const HEADER: usize = 1 + 4;
const KEY_BYTES: usize = 32;
const WRAP_PURPOSE: &str = "bowline data key";

/// Why something cannot be sealed or opened.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    #[error("the root key must be 32 bytes, raw or as base64; this is neither")]
    BadRootKey,
    #[error(
        "the root key is another one ({given}) than the keyring was made with ({needed}); give the old root key, or restore its file"
    )]
    WrongRootKey { given: String, needed: String },
    #[error("the data key {id} is not in the keyring; restore the keyring that belongs to this database")]
    MissingDataKey { id: u32 },
    #[error("the keyring has no data key {id}, which it names as its current one")]
    NoCurrentKey { id: u32 },
    #[error("the sealed value for {purpose:?} is damaged or belongs to another place")]
    Damaged { purpose: String },
    #[error("the value for {purpose:?} is not a sealed value of a version this server knows")]
    NotSealed { purpose: String },
}

/// The key that wraps the data keys.
pub struct RootKey(Zeroizing<[u8; KEY_BYTES]>);

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.id())
    }
}

impl RootKey {
    pub fn generate() -> Self {
        Self(Zeroizing::new(random::bytes()))
    }

    /// Reads the content of a root key file: 32 raw bytes, or their base64 with any white space around it.
    pub fn read(content: &[u8]) -> Result<Self, SealError> {
        if let Ok(raw) = <[u8; KEY_BYTES]>::try_from(content) {
            return Ok(Self(Zeroizing::new(raw)));
        }
        let text = str::from_utf8(content).map_err(|_| SealError::BadRootKey)?;
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| SealError::BadRootKey)?);
        let raw = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map_err(|_| SealError::BadRootKey)?;
        Ok(Self(Zeroizing::new(raw)))
    }

    /// What to write into a root key file.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_ref()))
    }

    /// Names the key without telling it: eight bytes of a digest.
    pub fn id(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"bowline root key id\0");
        context.update(self.0.as_ref());
        hex::encode(&context.finish().as_ref()[..8])
    }

    fn cipher(&self) -> LessSafeKey {
        cipher(self.0.as_ref())
    }
}

/// A data key under the root key, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrappedKey {
    pub id: u32,
    pub created_at: Timestamp,
    /// Base64 of nonce, ciphertext and tag.
    pub wrapped: String,
}

/// The wrapped data keys, to be stored beside the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keyring {
    pub root_key_id: String,
    /// The key that new values are sealed with.
    pub current: u32,
    pub keys: Vec<WrappedKey>,
}

impl Keyring {
    /// A keyring with its first data key.
    pub fn create(root: &RootKey, now: Timestamp) -> Self {
        let key = wrap(root, 1, &Zeroizing::new(random::bytes()), now);
        Self { root_key_id: root.id(), current: 1, keys: vec![key] }
    }

    /// Adds a data key and makes it the current one; the earlier ones still open what they sealed.
    pub fn rotate_data_key(&mut self, root: &RootKey, now: Timestamp) -> Result<u32, SealError> {
        self.check_root(root)?;
        let id = self.keys.iter().map(|key| key.id).max().unwrap_or(0) + 1;
        self.keys.push(wrap(root, id, &Zeroizing::new(random::bytes()), now));
        self.current = id;
        Ok(id)
    }

    /// The same data keys under another root key. Store it, and only then forget the old root key.
    pub fn rewrap(&self, old: &RootKey, new: &RootKey) -> Result<Self, SealError> {
        self.check_root(old)?;
        let mut keys = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            keys.push(wrap(new, key.id, &unwrap(old, key)?, key.created_at));
        }
        Ok(Self { root_key_id: new.id(), current: self.current, keys })
    }

    fn check_root(&self, root: &RootKey) -> Result<(), SealError> {
        let given = root.id();
        match given == self.root_key_id {
            true => Ok(()),
            false => Err(SealError::WrongRootKey { given, needed: self.root_key_id.clone() }),
        }
    }
}

/// An opened keyring: seals and opens values.
pub struct Seal {
    current: u32,
    keys: HashMap<u32, LessSafeKey>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("current", &self.current).finish_non_exhaustive()
    }
}

impl Seal {
    pub fn unlock(keyring: &Keyring, root: &RootKey) -> Result<Self, SealError> {
        keyring.check_root(root)?;
        let mut keys = HashMap::new();
        for key in &keyring.keys {
            keys.insert(key.id, cipher(unwrap(root, key)?.as_ref()));
        }
        if !keys.contains_key(&keyring.current) {
            return Err(SealError::NoCurrentKey { id: keyring.current });
        }
        Ok(Self { current: keyring.current, keys })
    }

    /// Seals a value for a purpose (which kind of secret) and a place (`aad`: the row it belongs to).
    pub fn seal(&self, purpose: &str, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = self.keys.get(&self.current).expect("unlock checked that the current key is there");
        let mut out = Vec::with_capacity(HEADER + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        out.push(VERSION);
        out.extend(self.current.to_be_bytes());
        out.extend(encrypt(key, &associated(purpose, aad), plain));
        out
    }

    /// Opens what [`Self::seal`] made for the same purpose and place.
    pub fn open(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let not_sealed = || SealError::NotSealed { purpose: purpose.to_owned() };
        let (&version, rest) = sealed.split_first().ok_or_else(not_sealed)?;
        let (id, body) = rest.split_first_chunk::<4>().ok_or_else(not_sealed)?;
        if version != VERSION {
            return Err(not_sealed());
        }
        let id = u32::from_be_bytes(*id);
        let key = self.keys.get(&id).ok_or(SealError::MissingDataKey { id })?;
        decrypt(key, &associated(purpose, aad), body)
            .ok_or_else(|| SealError::Damaged { purpose: purpose.to_owned() })
    }

    /// Whether a value is sealed with an older data key than the current one.
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        sealed.get(1..HEADER) != Some(&self.current.to_be_bytes()[..])
    }
}

fn wrap(root: &RootKey, id: u32, key: &Zeroizing<[u8; KEY_BYTES]>, created_at: Timestamp) -> WrappedKey {
    let aad = associated(WRAP_PURPOSE, &id.to_be_bytes());
    WrappedKey { id, created_at, wrapped: STANDARD.encode(encrypt(&root.cipher(), &aad, key.as_ref())) }
}

fn unwrap(root: &RootKey, key: &WrappedKey) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
    let damaged = || SealError::Damaged { purpose: format!("{WRAP_PURPOSE} {}", key.id) };
    let body = STANDARD.decode(&key.wrapped).map_err(|_| damaged())?;
    let aad = associated(WRAP_PURPOSE, &key.id.to_be_bytes());
    let plain = decrypt(&root.cipher(), &aad, &body).ok_or_else(damaged)?;
    plain.as_slice().try_into().map(Zeroizing::new).map_err(|_| damaged())
}

/// The purpose's length comes first, so that no two pairs of purpose and place read the same.
fn associated(purpose: &str, aad: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + purpose.len() + aad.len());
    out.extend((purpose.len() as u64).to_be_bytes());
    out.extend(purpose.as_bytes());
    out.extend(aad);
    out
}

fn cipher(key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes"))
}

fn encrypt(key: &LessSafeKey, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = random::bytes::<NONCE_LEN>();
    let mut body = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    body.extend(nonce);
    body.extend(plain);
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut body[NONCE_LEN..],
        )
        .expect("AES-GCM seals every value shorter than 64 GiB");
    body.extend(tag.as_ref());
    body
}

fn decrypt(key: &LessSafeKey, aad: &[u8], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = body.split_first_chunk::<NONCE_LEN>()?;
    let mut buffer = Zeroizing::new(rest.to_vec());
    let plain = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut buffer).ok()?;
    let length = plain.len();
    buffer.truncate(length);
    Some(buffer)
}

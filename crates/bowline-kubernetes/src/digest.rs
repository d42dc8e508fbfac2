//! The content hash of a document: SHA-256 of its canonical JSON (keys sorted, nothing between the tokens).
//!
//! The text is fed to the hash piece by piece, so that hashing a large object needs no second copy of it.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a document in canonical JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Hashes a document.
    pub fn of(value: &Value) -> Self {
        let mut hasher = Sha256::new();
        feed(value, &mut hasher);
        Self(hasher.finalize().into())
    }

    /// The first half: enough to tell two versions of one object apart, at half of the memory.
    pub fn short(&self) -> u128 {
        let mut half = [0_u8; 16];
        half.copy_from_slice(&self.0[..16]);
        u128::from_be_bytes(half)
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

fn feed(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(members) => {
            // serde_json sorts by itself unless some crate of the build asks it to keep the order.
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable();
            hasher.update(b"{");
            for (index, key) in keys.into_iter().enumerate() {
                hasher.update(if index == 0 { &b""[..] } else { b"," });
                feed_scalar(&Value::String(key.clone()), hasher);
                hasher.update(b":");
                feed(&members[key], hasher);
            }
            hasher.update(b"}");
        }
        Value::Array(items) => {
            hasher.update(b"[");
            for (index, item) in items.iter().enumerate() {
                hasher.update(if index == 0 { &b""[..] } else { b"," });
                feed(item, hasher);
            }
            hasher.update(b"]");
        }
        scalar => feed_scalar(scalar, hasher),
    }
}

fn feed_scalar(value: &Value, hasher: &mut Sha256) {
    hasher.update(value.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hash_is_that_of_the_compact_text_with_sorted_keys() {
        let value: Value = serde_json::from_str(r#"{ "b" : [1, {"z":null,"a":"ä\n"}], "a": true }"#).unwrap();
        let expected = Sha256::digest("{\"a\":true,\"b\":[1,{\"a\":\"ä\\n\",\"z\":null}]}".as_bytes());
        assert_eq!(ContentHash::of(&value).to_string(), hex::encode(expected));
    }

    #[test]
    fn any_difference_changes_the_hash() {
        let base = ContentHash::of(&json!({"a": [1, 2]}));
        for other in [json!({"a": [12]}), json!({"a": [2, 1]}), json!({"a": ["1", 2]}), json!({"b": [1, 2]})]
        {
            assert_ne!(ContentHash::of(&other), base);
            assert_ne!(ContentHash::of(&other).short(), base.short());
        }
    }
}

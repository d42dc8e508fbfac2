//! Digests of values.

use bowline_kql::{Type, Value};
use sha2::Digest;
use xxhash_rust::xxh64::xxh64;

use super::Call;
use crate::convert;
use crate::eval::Evaluated;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let text = || convert::to_text(call.value(0));
    Some(Ok(match name {
        "hash_sha256" => Value::String(hex(&sha2::Sha256::digest(text().as_bytes()))),
        "hash_sha1" => Value::String(hex(&sha1::Sha1::digest(text().as_bytes()))),
        "hash_md5" => Value::String(hex(&md5::Md5::digest(text().as_bytes()))),
        "hash" | "hash_xxhash64" => {
            let hash = xxh64(&bytes(call.value(0)), 0).cast_signed();
            match call.long(1) {
                Some(modulo) => hash.checked_rem_euclid(modulo).map_or(Value::Null(Type::Long), Value::Long),
                None => Value::Long(hash),
            }
        }
        _ => return None,
    }))
}

/// A value as it lies in memory: a moment by its ticks, a number by its bits, anything else by its text.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Bool(value) => vec![u8::from(*value)],
        Value::Int(value) => value.to_le_bytes().to_vec(),
        Value::Long(value) | Value::Datetime(value) | Value::Timespan(value) => value.to_le_bytes().to_vec(),
        Value::Real(value) => value.to_le_bytes().to_vec(),
        other => convert::to_text(other).into_bytes(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Digests of values.

use bowline_kql::Value;
use sha2::Digest;

use super::Call;
use crate::convert;
use crate::eval::Evaluated;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let text = || convert::to_text(call.value(0));
    Some(Ok(match name {
        "hash_sha256" => Value::String(hex(&sha2::Sha256::digest(text().as_bytes()))),
        "hash_sha1" => Value::String(hex(&sha1::Sha1::digest(text().as_bytes()))),
        "hash_md5" => Value::String(hex(&md5::Md5::digest(text().as_bytes()))),
        _ => return None,
    }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Texts as other texts: base64, URLs, compression, international names.

use std::io::Read;

use crate::json::Json;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bowline_kql::{Type, Value};
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder, ZlibDecoder, ZlibEncoder};

use super::Call;
use crate::dynamic;
use crate::error::QueryError;
use crate::eval::Evaluated;
use crate::run::Run;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let text = || call.text(0).unwrap_or_default();
    let string = |text: Option<String>| Ok(Value::String(text.unwrap_or_default()));
    Some(match name {
        "base64_encode_tostring" | "base64_encodestring" => string(Some(STANDARD.encode(text()))),
        "base64_decode_tostring" | "base64_decodestring" => {
            string(decoded(&text()).and_then(|bytes| String::from_utf8(bytes).ok()))
        }
        "base64_decode_toarray" => {
            Ok(decoded(&text()).map_or(Value::Null(Type::Dynamic), |bytes| dynamic::of(&bytes.into())))
        }
        "base64_encode_fromarray" => string(bytes(&call.json(0)).map(|bytes| STANDARD.encode(bytes))),
        "base64_decode_toguid" => Ok(call.or_null(guid(&text()))),
        "base64_encode_fromguid" => match call.value(0) {
            Value::Guid(value) => string(Some(STANDARD.encode(swapped(value.to_be_bytes())))),
            _ => string(None),
        },
        "url_encode" => string(Some(url_encoded(&text(), true))),
        "url_encode_component" => string(Some(url_encoded(&text(), false))),
        "url_decode" => string(Some(url_decoded(&text()))),
        "zlib_compress_to_base64_string" => {
            packed(ZlibEncoder::new(text().as_bytes(), Compression::default()))
        }
        "gzip_compress_to_base64_string" => packed(GzEncoder::new(text().as_bytes(), Compression::default())),
        "zlib_decompress_from_base64_string" => {
            unpacked(call.run, &text(), |bytes| Box::new(ZlibDecoder::new(bytes)))
        }
        "gzip_decompress_from_base64_string" => {
            unpacked(call.run, &text(), |bytes| Box::new(GzDecoder::new(bytes)))
        }
        "punycode_from_string" => string(idna::punycode::encode_str(&text())),
        "punycode_to_string" => string(idna::punycode::decode_to_string(&text())),
        "punycode_domain_from_string" => string(Some(labels(&text(), to_unicode))),
        "punycode_domain_to_string" => string(Some(labels(&text(), to_ascii))),
        _ => return None,
    })
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(text.trim()).ok()
}

fn bytes(json: &Json) -> Option<Vec<u8>> {
    json.as_array()?.iter().map(|one| u8::try_from(one.as_u64()?).ok()).collect()
}

fn guid(text: &str) -> Option<Value> {
    let bytes: [u8; 16] = decoded(text)?.try_into().ok()?;
    Some(Value::Guid(u128::from_be_bytes(swapped(bytes))))
}

/// The first three fields of a GUID are little-endian where it is bytes.
fn swapped(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

fn url_encoded(text: &str, plus: bool) -> String {
    let mut made = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => {
                made.push(char::from(byte));
            }
            b' ' if plus => made.push('+'),
            byte => made.push_str(&format!("%{byte:02x}")),
        }
    }
    made
}

fn url_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let source = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = source.get(at) {
        let hex = source.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = hex.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *byte == b'%');
        at += if escaped.is_some() { 3 } else { 1 };
        bytes.push(escaped.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn packed(mut encoder: impl Read) -> Evaluated {
    let mut bytes = Vec::new();
    match encoder.read_to_end(&mut bytes) {
        Ok(_) => Ok(Value::String(STANDARD.encode(bytes))),
        Err(error) => Err(QueryError::failed(format!("a text cannot be compressed: {error}"))),
    }
}

/// The text that was packed; empty where it is none. A small text may unpack to a huge one, so no more is read than a value may have.
fn unpacked(run: &Run<'_>, text: &str, decoder: fn(&[u8]) -> Box<dyn Read + '_>) -> Evaluated {
    let Some(bytes) = decoded(text) else { return Ok(Value::String(String::new())) };
    let mut found = Vec::new();
    let read = decoder(&bytes).take(run.largest_value() as u64 + 1).read_to_end(&mut found);
    let text = read.ok().and_then(|_| String::from_utf8(found).ok()).unwrap_or_default();
    run.bounded(text).map(Value::String)
}

fn labels(domain: &str, each: fn(&str) -> Option<String>) -> String {
    let labels = domain.split('.').map(|label| each(label).unwrap_or_else(|| label.to_owned()));
    labels.collect::<Vec<_>>().join(".")
}

fn to_ascii(label: &str) -> Option<String> {
    if label.is_ascii() { None } else { Some(format!("xn--{}", idna::punycode::encode_str(label)?)) }
}

fn to_unicode(label: &str) -> Option<String> {
    idna::punycode::decode_to_string(label.strip_prefix("xn--")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_go_both_ways_and_broken_escapes_stay() {
        assert_eq!(url_encoded("https://a/b c", true), "https%3a%2f%2fa%2fb+c");
        assert_eq!(url_encoded("ü ", false), "%c3%bc%20");
        assert_eq!(url_decoded("%c3%bc+%2"), "ü %2");
        assert_eq!(url_decoded("%zz%"), "%zz%");
    }

    #[test]
    fn padding_may_be_left_out_and_what_is_no_base64_is_nothing() {
        assert_eq!(decoded("S3VzdG8").as_deref(), Some(b"Kusto".as_slice()));
        assert_eq!(decoded("x0x0x0!"), None);
        assert_eq!(guid("S3VzdG8="), None);
    }
}

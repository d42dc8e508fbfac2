//! The little of DER (X.690) that public keys need: sequences, object ids, integers and bit strings, and the way
//! through a certificate (RFC 5280 §4.1) to its key and its end.

use jiff::Timestamp;

use super::PublicKeyError;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const NULL: u8 = 0x05;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The certificate's version, `[0]`; absent in version 1.
const VERSION: u8 = 0xa0;

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// What the DER holds.
pub(super) enum Key<'a> {
    /// The encoded point.
    P256(&'a [u8]),
    /// The 32 bytes of the key.
    Ed25519(&'a [u8]),
    /// The PKCS#1 RSAPublicKey.
    Rsa(&'a [u8]),
}

/// A key, and until when its certificate holds if it came in one.
pub(super) struct Found<'a> {
    pub(super) key: Key<'a>,
    pub(super) valid_until: Option<Timestamp>,
}

/// Reads PKCS#1, SubjectPublicKeyInfo or a certificate; which of them shows in the first tags inside.
pub(super) fn read(bytes: &[u8]) -> Result<Found<'_>, PublicKeyError> {
    let body = whole(bytes, SEQUENCE)?;
    let bare = |key| Found { key, valid_until: None };
    match body.first() {
        Some(&INTEGER) => Ok(bare(Key::Rsa(bytes))),
        Some(&SEQUENCE) => match take(body, SEQUENCE)?.0.first() {
            Some(&(VERSION | INTEGER)) => read_certificate(body),
            _ => read_spki(body).map(bare),
        },
        _ => Err(PublicKeyError::NotDer),
    }
}

fn read_certificate(body: &[u8]) -> Result<Found<'_>, PublicKeyError> {
    let (signed, rest) = take(body, SEQUENCE)?;
    let (_algorithm, rest) = take(rest, SEQUENCE)?;
    whole(rest, BIT_STRING)?;
    let rest = if signed.first() == Some(&VERSION) { take(signed, VERSION)?.1 } else { signed };
    let (_serial, rest) = take(rest, INTEGER)?;
    let (_algorithm, rest) = take(rest, SEQUENCE)?;
    let (_issuer, rest) = take(rest, SEQUENCE)?;
    let (validity, rest) = take(rest, SEQUENCE)?;
    let (_subject, rest) = take(rest, SEQUENCE)?;
    let (spki, _extensions) = take(rest, SEQUENCE)?;
    let (_start, end) = take_time(validity)?;
    let (until, []) = take_time(end)? else { return Err(PublicKeyError::NotDer) };
    Ok(Found { key: read_spki(spki)?, valid_until: Some(until) })
}

/// A time in UTC, to the second, as RFC 5280 §4.1.2.5 wants it; two digits of a year mean 1950 to 2049.
fn take_time(bytes: &[u8]) -> Result<(Timestamp, &[u8]), PublicKeyError> {
    let long = bytes.first() == Some(&GENERALIZED_TIME);
    let (text, rest) = take(bytes, if long { GENERALIZED_TIME } else { UTC_TIME })?;
    let text = std::str::from_utf8(text).map_err(|_| PublicKeyError::NotDer)?;
    let text = match long {
        true => text.to_owned(),
        false => format!("{}{text}", if text.starts_with(['5', '6', '7', '8', '9']) { "19" } else { "20" }),
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", &text)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|_| PublicKeyError::NotDer)?;
    Ok((time.timestamp(), rest))
}

fn read_spki(body: &[u8]) -> Result<Key<'_>, PublicKeyError> {
    let (algorithm, rest) = take(body, SEQUENCE)?;
    let bits = whole(rest, BIT_STRING)?;
    let (&unused, key) = bits.split_first().ok_or(PublicKeyError::NotDer)?;
    if unused != 0 {
        return Err(PublicKeyError::NotDer);
    }
    let (oid, parameters) = take(algorithm, OBJECT_ID)?;
    match oid {
        RSA_ENCRYPTION => {
            if !whole(parameters, NULL)?.is_empty() {
                return Err(PublicKeyError::NotDer);
            }
            Ok(Key::Rsa(key))
        }
        EC_PUBLIC_KEY => {
            let curve = whole(parameters, OBJECT_ID)?;
            if curve != PRIME256V1 {
                return Err(PublicKeyError::UnsupportedCurve { oid: dotted(curve) });
            }
            Ok(Key::P256(key))
        }
        ED25519 if parameters.is_empty() => Ok(Key::Ed25519(key)),
        ED25519 => Err(PublicKeyError::NotDer),
        other => Err(PublicKeyError::UnsupportedAlgorithm { oid: dotted(other) }),
    }
}

/// Modulus and exponent of a PKCS#1 key, big-endian and without leading zeros.
pub(super) fn rsa_numbers(pkcs1: &[u8]) -> Result<(&[u8], &[u8]), PublicKeyError> {
    let body = whole(pkcs1, SEQUENCE)?;
    let (modulus, rest) = take(body, INTEGER)?;
    Ok((unsigned(modulus)?, unsigned(whole(rest, INTEGER)?)?))
}

/// A positive integer: DER puts one zero byte before a number whose first bit is set, and none elsewhere.
fn unsigned(integer: &[u8]) -> Result<&[u8], PublicKeyError> {
    match integer {
        [0, first, ..] if *first >= 0x80 => Ok(&integer[1..]),
        [first, ..] if (1..0x80).contains(first) => Ok(integer),
        _ => Err(PublicKeyError::NotDer),
    }
}

/// The content of the one value with this tag that `bytes` consists of.
fn whole(bytes: &[u8], tag: u8) -> Result<&[u8], PublicKeyError> {
    match take(bytes, tag)? {
        (content, []) => Ok(content),
        _ => Err(PublicKeyError::NotDer),
    }
}

/// The content of the first value, which must have this tag, and what follows it.
fn take(bytes: &[u8], tag: u8) -> Result<(&[u8], &[u8]), PublicKeyError> {
    let (&found, rest) = bytes.split_first().ok_or(PublicKeyError::NotDer)?;
    if found != tag {
        return Err(PublicKeyError::NotDer);
    }
    let (length, rest) = take_length(rest)?;
    rest.split_at_checked(length).ok_or(PublicKeyError::NotDer)
}

/// A length of at most two bytes in its shortest form; keys need no more.
fn take_length(bytes: &[u8]) -> Result<(usize, &[u8]), PublicKeyError> {
    match bytes {
        [short @ 0..=0x7f, rest @ ..] => Ok((usize::from(*short), rest)),
        [0x81, long @ 0x80..=0xff, rest @ ..] => Ok((usize::from(*long), rest)),
        [0x82, high @ 1..=0xff, low, rest @ ..] => Ok((usize::from(*high) << 8 | usize::from(*low), rest)),
        _ => Err(PublicKeyError::NotDer),
    }
}

/// An object id as people write it, for the refusal; `?` where it is cut off or absurdly long.
fn dotted(oid: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut number = 0u64;
    for &byte in oid.iter().take(32) {
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    let Some((&first, rest)) = numbers.split_first() else { return "?".to_owned() };
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for number in rest {
        text.push_str(&format!(".{number}"));
    }
    text
}

//! Compact JWS (RFC 7515 §7.1): three base64url parts, with the size bounded before anything is decoded.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Longer tokens are refused unread. An access token with 100 groups takes about 5 KiB.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default)]
    pub(crate) kid: Option<String>,
    /// RFC 7515 §4.1.11: a verifier must refuse extensions that it does not know, and we know none.
    #[serde(default)]
    pub(crate) crit: Option<serde_json::Value>,
}

/// A token taken apart; nothing in it is verified yet.
pub(crate) struct Parts<'a> {
    pub(crate) header: Header,
    pub(crate) signed: &'a [u8],
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// Why the text is not a compact JWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJws(pub(crate) &'static str);

pub(crate) fn split(token: &str) -> Result<Parts<'_>, NotJws> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(NotJws("it is longer than 16 KiB"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(NotJws("it has no dots"))?;
    let (header, payload) = signed.split_once('.').ok_or(NotJws("it has fewer than three parts"))?;
    if payload.contains('.') {
        return Err(NotJws("it has more than three parts"));
    }
    let header = decode(header).ok_or(NotJws("its header is not base64url"))?;
    let header: Header =
        serde_json::from_slice(&header).map_err(|_| NotJws("its header is not a JSON object with alg"))?;
    if header.crit.is_some() {
        return Err(NotJws("its header demands an extension (crit)"));
    }
    Ok(Parts {
        header,
        signed: signed.as_bytes(),
        payload: decode(payload).ok_or(NotJws("its payload is not base64url"))?,
        signature: decode(signature).ok_or(NotJws("its signature is not base64url"))?,
    })
}

/// `header.payload`, ready to be signed.
pub(crate) fn signing_input(alg: &str, kid: &str, claims: &impl Serialize) -> serde_json::Result<String> {
    let header = serde_json::to_vec(&serde_json::json!({"alg": alg, "kid": kid, "typ": "JWT"}))?;
    Ok(format!("{}.{}", encode(&header), encode(&serde_json::to_vec(claims)?)))
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

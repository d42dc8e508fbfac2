//! What a request on a resource asks: its path, its api-version and its query, in every shape that real clients send.

use std::borrow::Cow;

use bowline_arm::{ApiVersion, Error, InvalidResourceId, Target, TargetError};
use http::Method;
use http::request::Parts;

/// Everything that the path and the headers say.
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// What it is about.
    pub target: Target,
    /// As asked for.
    pub version: ApiVersion,
    /// Decoded query parameters; names in lower case.
    pub query: Vec<(String, String)>,
    /// Path and query as they came.
    pub path: String,
}

impl Call {
    /// A query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `$top`.
    ///
    /// # Errors
    /// `InvalidTop` (400).
    pub fn top(&self) -> Result<Option<u32>, Error> {
        let refuse = |text: &str| {
            Error::bad_request("InvalidTop", format!("$top must be a number from 1 on, not '{text}'."))
                .with_target("$top")
        };
        self.parameter("$top").map(|t| t.parse().ok().filter(|t| *t > 0).ok_or_else(|| refuse(t))).transpose()
    }

    /// Reads path and query.
    ///
    /// # Errors
    /// 404 for a path that names nothing, 400 for what is malformed.
    pub fn parse(parts: &Parts) -> Result<Self, Error> {
        let path = parts.uri.path();
        let post = parts.method == Method::POST;
        let target = Target::parse(path, post).map_err(|error| bad_path(path, &error))?;
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .map(|(k, v)| (k.to_lowercase(), decode_again(v.into_owned())))
                .collect();
        let version =
            query.iter().find(|(n, _)| n == "api-version").map(|(_, v)| v.as_str()).filter(|v| !v.is_empty());
        let Some(version) = version else {
            return Err(Error::bad_request(
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=YYYY-MM-DD) is required for all requests. GET /providers?api-version=2025-04-01 lists those of each type.",
            ));
        };
        let version: ApiVersion = version.parse().map_err(|error| {
            Error::bad_request("InvalidApiVersionParameter", format!("{error}.")).with_target("api-version")
        })?;
        Ok(Self { method: parts.method.clone(), target, version, query, path: path.to_owned() })
    }
}

/// A path that names nothing here, or that breaks the rules of ids.
fn bad_path(path: &str, error: &TargetError) -> Error {
    match error {
        TargetError::Id(InvalidResourceId::UnknownSegment { .. } | InvalidResourceId::Incomplete(_)) => {
            Error::new(
                404,
                "InvalidRequestPath",
                format!(
                    "Nothing is served at '{}': {error}. GET /providers lists the types that are.",
                    path.chars().take(256).collect::<String>()
                ),
            )
        }
        _ => Error::bad_request("InvalidResourceId", format!("{error}.")),
    }
}

/// Some clients encode values twice (`%253A`). What remains encoded after one pass and holds nothing that the outer pass would have
/// encoded is decoded once more; text that merely contains a percent sign stays.
fn decode_again(value: String) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%+/:$".contains(&b);
    let mut rest = value.as_bytes();
    let mut encoded = false;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let [_, high, low, ..] = &rest[at..] else { return value };
        if !high.is_ascii_hexdigit() || !low.is_ascii_hexdigit() {
            return value;
        }
        encoded = true;
        rest = &rest[at + 3..];
    }
    if !encoded || !value.bytes().all(plain) {
        return value;
    }
    percent_encoding::percent_decode_str(&value).decode_utf8().map_or(value.clone(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::decode_again;

    #[test]
    fn values_that_were_encoded_twice_are_decoded_twice_and_others_stay() {
        for (once, expected) in [
            ("2026-01-01T00%3A00%3A00Z%2F2026-01-02", "2026-01-01T00:00:00Z/2026-01-02"),
            ("2025%2D06%2D01", "2025-06-01"),
            ("name%20eq%20%27a%27", "name eq 'a'"),
            ("name eq 'a%41'", "name eq 'a%41'"),
            ("100%", "100%"),
            ("a%zz", "a%zz"),
            ("%FF", "%FF"),
            ("", ""),
        ] {
            assert_eq!(decode_again(once.to_owned()), expected);
        }
    }
}

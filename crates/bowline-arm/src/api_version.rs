//! Api-versions: `YYYY-MM-DD`, optionally `-preview` (or another suffix), ordered by date.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A well-formed api-version. Versions order by date; at one date a preview comes before the stable version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    year: u16,
    month: u8,
    day: u8,
    /// Stable sorts after any suffix of the same date.
    stable: bool,
    suffix: String,
}

/// Why a text is not an api-version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the api-version '{0}' is not of the form YYYY-MM-DD or YYYY-MM-DD-preview")]
pub struct InvalidApiVersion(pub String);

impl ApiVersion {
    /// A version from its date; for tables in code.
    #[must_use]
    pub const fn stable(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day, stable: true, suffix: String::new() }
    }

    /// Whether this is a preview (any suffix).
    #[must_use]
    pub const fn is_preview(&self) -> bool {
        !self.stable
    }

    /// The version of `modelled` that serves a request for `self`: the newest not later than it, or the oldest of all.
    ///
    /// Clients pin versions that we never modelled; the nearest earlier shape is the one they can read.
    #[must_use]
    pub fn nearest<'a>(&self, modelled: &'a [Self]) -> Option<&'a Self> {
        modelled.iter().filter(|v| *v <= self).max().or_else(|| modelled.iter().min())
    }
}

impl FromStr for ApiVersion {
    type Err = InvalidApiVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidApiVersion(text.chars().take(64).collect());
        if text.len() > 32 || !text.is_ascii() || text.len() < 10 {
            return Err(invalid());
        }
        let (date, rest) = text.split_at(10);
        let digits = |range: std::ops::Range<usize>| -> Option<u16> {
            let part = &date[range];
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
        };
        let bytes = date.as_bytes();
        let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(5..7), digits(8..10)) else {
            return Err(invalid());
        };
        let dashes = bytes[4] == b'-' && bytes[7] == b'-';
        if !dashes || !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 2000 {
            return Err(invalid());
        }
        let suffix = match rest.strip_prefix('-') {
            None if rest.is_empty() => String::new(),
            Some(s) if !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') => {
                s.to_ascii_lowercase()
            }
            _ => return Err(invalid()),
        };
        let (month, day) =
            (u8::try_from(month).map_err(|_| invalid())?, u8::try_from(day).map_err(|_| invalid())?);
        Ok(Self { year, month, day, stable: suffix.is_empty(), suffix })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        if self.stable { Ok(()) } else { write!(f, "-{}", self.suffix) }
    }
}

impl Serialize for ApiVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(text: &str) -> ApiVersion {
        text.parse().unwrap()
    }

    #[test]
    fn order_is_by_date_and_previews_come_first() {
        assert!(v("2024-01-01") < v("2024-07-01-preview"));
        assert!(v("2024-07-01-preview") < v("2024-07-01"));
        assert_eq!(v("2024-07-01-PREVIEW").to_string(), "2024-07-01-preview");
    }

    #[test]
    fn malformed_versions_are_refused() {
        for text in [
            "",
            "2024",
            "2024-13-01",
            "2024-00-10",
            "2024/01/01",
            "2024-01-01-",
            "2024-01-01preview",
            "latest",
            "20240101-x",
            "2024-01-0١",
        ] {
            assert!(text.parse::<ApiVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_unmodelled_version_is_served_by_the_nearest_earlier_one_or_the_oldest() {
        let modelled = [v("2021-10-01"), v("2024-01-01"), v("2026-05-01")];
        let serve = |text: &str| v(text).nearest(&modelled).unwrap().to_string();
        assert_eq!(serve("2024-07-01-preview"), "2024-01-01");
        assert_eq!(serve("2020-01-01-preview"), "2021-10-01");
        assert_eq!(serve("2030-01-01"), "2026-05-01");
        assert_eq!(serve("2026-05-01"), "2026-05-01");
    }
}

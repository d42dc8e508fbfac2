//! Entity tags and the two preconditions on them (RFC 9110 §8.8.3, §13.1).

use std::fmt;

/// An opaque, strong entity tag, kept without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// Wraps a tag that the store made.
    #[must_use]
    pub fn new(tag: impl Into<String>) -> Self {
        Self(tag.into())
    }

    /// The tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// What a writer demands of the current state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// `If-Match`: one of these tags must be current; an empty list stands for `*` (anything that exists).
    pub if_match: Option<Vec<String>>,
    /// `If-None-Match`: none of these tags may be current; an empty list stands for `*` (nothing may exist).
    pub if_none_match: Option<Vec<String>>,
}

impl Precondition {
    /// Reads the two headers.
    #[must_use]
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Self {
        Self { if_match: if_match.map(parse_tags), if_none_match: if_none_match.map(parse_tags) }
    }

    /// Whether a write may go on, given the current tag (none when the resource does not exist).
    #[must_use]
    pub fn holds(&self, current: Option<&str>) -> bool {
        let matches = |tags: &[String]| match current {
            None => false,
            Some(_) if tags.is_empty() => true,
            Some(tag) => tags.iter().any(|t| t == tag),
        };
        self.if_match.as_deref().is_none_or(matches) && !self.if_none_match.as_deref().is_some_and(matches)
    }
}

/// The tags of a header; empty for `*`. Weak tags are compared by their opaque part, as ARM's clients expect.
fn parse_tags(header: &str) -> Vec<String> {
    if header.trim() == "*" {
        return Vec::new();
    }
    let tags: Vec<String> = header
        .split(',')
        .map(|t| t.trim().trim_start_matches("W/").trim_matches('"').to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    // A header that names nothing must match nothing rather than everything.
    if tags.is_empty() { vec![String::new()] } else { tags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_follow_the_rfc() {
        let p = |m: Option<&str>, n: Option<&str>| Precondition::parse(m, n);
        assert!(p(None, None).holds(None));
        assert!(p(Some("\"a\""), None).holds(Some("a")));
        assert!(p(Some("\"b\", W/\"a\""), None).holds(Some("a")));
        assert!(!p(Some("\"b\""), None).holds(Some("a")));
        assert!(!p(Some("*"), None).holds(None));
        assert!(p(Some("*"), None).holds(Some("a")));
        assert!(p(None, Some("*")).holds(None));
        assert!(!p(None, Some("*")).holds(Some("a")));
        assert!(!p(Some(""), None).holds(Some("a")));
    }
}

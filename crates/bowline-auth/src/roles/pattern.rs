//! Action patterns: `*` stands for any run of characters, slashes included; letters match in any case.

/// A compiled pattern that remembers how it was written.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    written: String,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    Anything,
    Exactly(Box<str>),
    /// Starts with the first, ends with the last, and has those between in this order in between.
    Parts {
        prefix: Box<str>,
        middle: Box<[Box<str>]>,
        suffix: Box<str>,
    },
}

impl Pattern {
    pub(super) fn new(written: &str) -> Self {
        let lower = written.to_ascii_lowercase();
        let parts: Vec<&str> = lower.split('*').collect();
        let shape = match parts.as_slice() {
            [exact] => Shape::Exactly((*exact).into()),
            ["", ""] => Shape::Anything,
            [prefix, middle @ .., suffix] => Shape::Parts {
                prefix: (*prefix).into(),
                middle: middle.iter().filter(|part| !part.is_empty()).map(|part| (*part).into()).collect(),
                suffix: (*suffix).into(),
            },
            [] => Shape::Exactly("".into()),
        };
        Self { written: written.to_owned(), shape }
    }

    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// `action` is in lower case.
    pub(super) fn matches(&self, action: &str) -> bool {
        match &self.shape {
            Shape::Anything => true,
            Shape::Exactly(exact) => **exact == *action,
            Shape::Parts { prefix, middle, suffix } => match_parts(prefix, middle, suffix, action),
        }
    }
}

/// Each middle part is taken as early as possible: that never costs a later part its place.
fn match_parts(prefix: &str, middle: &[Box<str>], suffix: &str, action: &str) -> bool {
    let Some(rest) = action.strip_prefix(prefix) else { return false };
    let Some(mut rest) = rest.strip_suffix(suffix) else { return false };
    for part in middle {
        let Some(at) = rest.find(&**part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Whether a pattern as written in a role matches an action.
pub fn matches(pattern: &str, action: &str) -> bool {
    Pattern::new(pattern).matches(&action.to_ascii_lowercase())
}

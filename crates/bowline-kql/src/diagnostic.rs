//! What is wrong with a query, where, and what was probably meant.

use std::fmt;

use serde::Serialize;

use crate::syntax::span::{Position, Span};

/// The two words in which clients of Resource Graph and Log Analytics expect a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Code {
    /// The text is not the language.
    ParserFailure,
    /// The text is the language, but means nothing over these tables.
    InvalidQuery,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Code::ParserFailure => "ParserFailure",
            Code::InvalidQuery => "InvalidQuery",
        }
    }
}

/// One finding in a query, at a place in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub span: Span,
    pub message: String,
    /// A name that exists and is close to the one that does not.
    pub suggestion: Option<String>,
}

/// A finding as it goes to a person or a client: with line and column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub code: &'static str,
    pub line: u32,
    pub column: u32,
    pub offset: u32,
    pub length: u32,
    /// The text at that place, shortened.
    pub token: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// More findings than this help nobody.
pub const MOST_DIAGNOSTICS: usize = 20;

impl Diagnostic {
    pub(crate) fn syntax(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code: Code::ParserFailure, span, message: message.into(), suggestion: None }
    }

    pub(crate) fn meaning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code: Code::InvalidQuery, span, message: message.into(), suggestion: None }
    }

    /// With the nearest of the names that exist, if one is near.
    pub(crate) fn near<'a>(mut self, wrong: &str, names: impl Iterator<Item = &'a str>) -> Diagnostic {
        self.suggestion = nearest(wrong, names).map(str::to_owned);
        self
    }

    pub fn report(&self, text: &str) -> Report {
        let position = Position::of(text, self.span.start);
        Report {
            code: self.code.as_str(),
            line: position.line,
            column: position.column,
            offset: self.span.start,
            length: self.span.end.saturating_sub(self.span.start),
            token: self.span.text(text).chars().take(80).collect(),
            message: self.message.clone(),
            suggestion: self.suggestion.clone(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        match &self.suggestion {
            Some(name) => write!(f, "; did you mean '{name}'?"),
            None => Ok(()),
        }
    }
}

/// The name that needs the fewest edits, when that is at most a third of the word.
fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > 80 {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).clamp(1, 3);
    names
        .filter(|name| name.len() <= 84)
        .map(|name| (edits(&wrong, &name.to_lowercase()), name))
        .filter(|(count, _)| *count <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
fn edits(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows: [Vec<usize>; 3] = [Vec::new(), (0..=right.len()).collect(), Vec::new()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (rows[1][j] + usize::from(a != b)).min(rows[1][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[0][j - 1] + 1);
            }
            row.push(best);
        }
        rows[0] = std::mem::replace(&mut rows[1], row);
    }
    rows[1][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_distant_one_is_not() {
        let names = ["name", "location", "subscriptionId", "resourceGroup"];
        assert_eq!(nearest("loaction", names.into_iter()), Some("location"));
        assert_eq!(nearest("SubscriptionID", names.into_iter()), Some("subscriptionId"));
        assert_eq!(nearest("nam", names.into_iter()), Some("name"));
        assert_eq!(nearest("owner", names.into_iter()), None);
    }
}

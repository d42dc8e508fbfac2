//! The words of the language.

use super::span::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name, a keyword or an operator that is a word: which one it is depends on where it stands.
    Name,
    Long,
    Real,
    Timespan,
    Text,
    /// `datetime(…)`, `long(…)` and their like: a type's name and raw text in brackets.
    Typed,
    RawGuid,
    Punctuation,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

/// Keywords with a hyphen; everywhere else a hyphen is a minus.
const HYPHENATED: &[&str] = &[
    "assert-schema",
    "execute-and-cache",
    "granny-asc",
    "granny-desc",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "parse-kv",
    "parse-where",
    "partitioned-by",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "project-smart",
    "sample-distinct",
    "top-hitters",
    "top-nested",
];

/// The longest keyword with a hyphen that begins the text.
pub(crate) fn hyphenated(text: &str) -> Option<&'static str> {
    let mut found: Option<&'static str> = None;
    for word in HYPHENATED {
        let ends = text.strip_prefix(word).is_some_and(|rest| {
            !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '-')
        });
        if ends && found.is_none_or(|before| before.len() < word.len()) {
            found = Some(word);
        }
    }
    found
}

/// Names of types that take raw text in brackets.
pub(crate) const TYPED: &[&str] = &[
    "bool", "boolean", "date", "datetime", "decimal", "double", "guid", "int", "int32", "int64", "long",
    "real", "time", "timespan", "uniqueid",
];

/// Words that are part of the grammar wherever an expression may stand, and so are names only in brackets.
pub(crate) fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "and"
            | "as"
            | "asc"
            | "between"
            | "by"
            | "contains"
            | "contains_cs"
            | "desc"
            | "endswith"
            | "endswith_cs"
            | "externaldata"
            | "find"
            | "has"
            | "has_all"
            | "has_any"
            | "has_cs"
            | "hasprefix"
            | "hasprefix_cs"
            | "hassuffix"
            | "hassuffix_cs"
            | "in"
            | "invoke"
            | "like"
            | "matches"
            | "notcontains"
            | "notlike"
            | "of"
            | "or"
            | "print"
            | "project"
            | "sample"
            | "search"
            | "set"
            | "startswith"
            | "startswith_cs"
            | "to"
            | "union"
            | "where"
    ) || word.contains('-')
}

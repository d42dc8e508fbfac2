//! Operators on text: terms, parts, patterns.
//!
//! # Design notes
//! A term is a run of letters and digits. `has` finds a text that begins and ends where terms do.

use std::cell::RefCell;
use std::collections::HashMap;

use bowline_kql::plan::Op;
use bowline_kql::{Type, Value};
use regex::Regex;

use crate::error::QueryError;
use crate::{convert, dynamic};

/// Patterns that a thread keeps.
const KEPT_PATTERNS: usize = 256;

/// Case put aside.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// A pattern, compiled once.
pub(crate) fn pattern(text: &str) -> Result<Regex, QueryError> {
    thread_local! {
        static KEPT: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    KEPT.with_borrow_mut(|kept| {
        if let Some(found) = kept.get(text) {
            return Ok(found.clone());
        }
        let made = regex::RegexBuilder::new(text)
            .size_limit(1 << 20)
            .build()
            .map_err(|error| QueryError::failed(format!("'{text}' is no regular expression: {error}")))?;
        if kept.len() >= KEPT_PATTERNS {
            kept.clear();
        }
        let _ = kept.insert(text.to_owned(), made.clone());
        Ok(made)
    })
}

pub(crate) fn operator(op: Op, left: &Value, others: &[Value]) -> Result<Value, QueryError> {
    let text = convert::to_text(left);
    let right = others.first().map(convert::to_text).unwrap_or_default();
    let folded = |case: bool| if case { (text.clone(), right.clone()) } else { (fold(&text), fold(&right)) };
    let (found, negated) = match op {
        Op::EqualIgnoreCase => (fold(&text) == fold(&right), false),
        Op::NotEqualIgnoreCase => (fold(&text) == fold(&right), true),
        Op::Contains { case, negated } => {
            let (text, right) = folded(case);
            (text.contains(&right), negated)
        }
        Op::StartsWith { case, negated } => {
            let (text, right) = folded(case);
            (text.starts_with(&right), negated)
        }
        Op::EndsWith { case, negated } => {
            let (text, right) = folded(case);
            (text.ends_with(&right), negated)
        }
        Op::Has { case, negated } => {
            let (text, right) = folded(case);
            (has(&text, &right, true, true), negated)
        }
        Op::HasPrefix { case, negated } => {
            let (text, right) = folded(case);
            (has(&text, &right, true, false), negated)
        }
        Op::HasSuffix { case, negated } => {
            let (text, right) = folded(case);
            (has(&text, &right, false, true), negated)
        }
        Op::MatchesRegex => (pattern(&right)?.is_match(&text), false),
        Op::HasAny | Op::HasAll => {
            let text = fold(&text);
            let terms = terms(others);
            let there = |term: &String| has(&text, &fold(term), true, true);
            (if op == Op::HasAny { terms.iter().any(there) } else { terms.iter().all(there) }, false)
        }
        _ => return Err(QueryError::failed("the plan has an operator on text that is none")),
    };
    if matches!(left, Value::Null(ty) if *ty != Type::String) {
        return Ok(Value::Bool(negated));
    }
    Ok(Value::Bool(found != negated))
}

fn terms(values: &[Value]) -> Vec<String> {
    let mut all = Vec::new();
    for value in values {
        match value {
            Value::Dynamic(json) => match dynamic::parse(json) {
                crate::json::Json::Array(list) => all.extend(list.iter().map(dynamic::plain)),
                other => all.push(dynamic::plain(&other)),
            },
            other => all.push(convert::to_text(other)),
        }
    }
    all
}

/// Whether a text is in another where a term begins, or ends, or both.
pub(crate) fn has(text: &str, term: &str, at_begin: bool, at_end: bool) -> bool {
    if term.is_empty() {
        return true;
    }
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (first, last) = (term.chars().next(), term.chars().next_back());
    text.match_indices(term).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + term.len()..].chars().next();
        let begins = !(inner(before) && inner(first));
        let ends = !(inner(after) && inner(last));
        (!at_begin || begins) && (!at_end || ends)
    })
}

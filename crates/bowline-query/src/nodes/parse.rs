//! `parse` and `parse-where`: columns out of a text by a pattern.

use bowline_kql::plan::{Expr, ParseMode, PatternPart, Plan};
use bowline_kql::{Type, Value};
use regex::Regex;

use crate::convert;
use crate::error::QueryError;
use crate::eval::eval;
use crate::run::{Row, Run, null};
use crate::text;

/// The input's columns, then those that the pattern finds.
pub(crate) fn parse(
    run: &Run<'_>,
    input: &Plan,
    source: &Expr,
    pattern: &[PatternPart],
    mode: &ParseMode,
    only_matches: bool,
) -> Result<Vec<Row>, QueryError> {
    let pattern = Pattern::of(pattern, mode)?;
    let mut rows = Vec::new();
    for row in run.rows(input)?.iter() {
        let value = convert::to_text(&eval(run, source, row)?);
        let found = pattern.find(&value);
        if found.is_none() && only_matches {
            continue;
        }
        let more = found.unwrap_or_else(|| pattern.nothing());
        rows.push([row.as_slice(), more.as_slice()].concat());
    }
    Ok(rows)
}

/// A pattern that is ready for many texts.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// Of its columns.
    pub(crate) types: Vec<Type>,
    regex: Regex,
    /// Which group of it each column is.
    groups: Vec<usize>,
    simple: bool,
}

impl Pattern {
    pub(crate) fn of(pattern: &[PatternPart], mode: &ParseMode) -> Result<Self, QueryError> {
        let column = |part: &PatternPart| match part {
            PatternPart::Column(ty) => Some(*ty),
            _ => None,
        };
        let types: Vec<Type> = pattern.iter().filter_map(column).collect();
        let regex = compiled(pattern, mode)?;
        let group =
            |at: usize| regex.capture_names().position(|name| name == Some(format!("bowline{at}").as_str()));
        let groups = (0..types.len()).map(|at| group(at).unwrap_or(usize::MAX)).collect();
        Ok(Self { types, regex, groups, simple: matches!(mode, ParseMode::Simple) })
    }

    /// What columns have where the pattern does not fit.
    pub(crate) fn nothing(&self) -> Vec<Value> {
        self.types.iter().map(|ty| null(*ty)).collect()
    }

    /// What it finds in a text.
    pub(crate) fn find(&self, value: &str) -> Option<Vec<Value>> {
        let captures = self.regex.captures(value)?;
        let mut values = Vec::with_capacity(self.types.len());
        for (ty, group) in self.types.iter().zip(&self.groups) {
            let text = captures.get(*group).map_or("", |found| found.as_str());
            match convert::cast(&Value::String(text.to_owned()), *ty) {
                Some(value) => values.push(value),
                None if self.simple => return None,
                None => values.push(null(*ty)),
            }
        }
        Some(values)
    }
}

/// One group for each column. What stands before the first text or column may be anything.
fn compiled(pattern: &[PatternPart], mode: &ParseMode) -> Result<Regex, QueryError> {
    let (is_regex, flags) = match mode {
        ParseMode::Regex { flags } => (true, flags.as_str()),
        _ => (false, "s"),
    };
    let mut written = String::from(if flags.is_empty() { "" } else { "(?" });
    if !flags.is_empty() {
        // `U` is the regular expressions' own word for as little as possible, which is how columns are taken anyway.
        written.extend(flags.chars().filter(|flag| "imsUx".contains(*flag)));
        written.push(')');
    }
    written.push('^');
    let last = pattern.len().saturating_sub(1);
    let mut columns = 0..;
    for (at, part) in pattern.iter().enumerate() {
        match part {
            PatternPart::Text(text) if is_regex => written.push_str(&format!("(?:{text})")),
            PatternPart::Text(text) => written.push_str(&regex::escape(text)),
            PatternPart::Skip if at == last => written.push_str(".*"),
            PatternPart::Skip => written.push_str(".*?"),
            PatternPart::Column(ty) => {
                // A text that follows says where the column ends, whatever is in it.
                let ended = matches!(pattern.get(at + 1), Some(PatternPart::Text(_)) | None);
                // Groups that the query's own expressions hold are none of ours.
                let name = format!("?P<bowline{}>", columns.next().unwrap_or_default());
                written.push_str(&group(*ty, &name, is_regex, ended, at == last));
            }
        }
    }
    if !is_regex {
        written.push('$');
    }
    text::pattern(&written)
}

/// Numbers that follow each other without a text between end where their digits end. Columns between regular expressions take as much
/// as they can, others as little.
fn group(ty: Type, name: &str, is_regex: bool, ended: bool, last: bool) -> String {
    match ty {
        Type::Int | Type::Long if is_regex || !ended => format!(r"\s*({name}[+-]?\d+)\s*?"),
        Type::Real | Type::Decimal if is_regex || !ended => {
            format!(r"\s*({name}[+-]?\d*\.?\d*(?:[eE][+-]?\d+)?)\s*?")
        }
        _ if last || is_regex => format!("({name}.*)"),
        _ => format!("({name}.*?)"),
    }
}

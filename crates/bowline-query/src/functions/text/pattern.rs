//! Functions that read a regular expression.

use crate::json::Json;
use bowline_kql::{Type, Value};
use regex::{Captures, Regex};

use super::Call;
use crate::error::QueryError;
use crate::eval::Evaluated;
use crate::{convert, dynamic, text};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let argument = |index| call.text(index).unwrap_or_default();
    Some(match name {
        "extract" => extract(call),
        "extract_all" | "extractall" => extract_all(call),
        "replace_regex" => replace(call, &argument(0), &argument(1), &argument(2)),
        "replace" => replace(call, &argument(2), &argument(0), &argument(1)),
        "trim" => trim(&argument(0), &argument(1), true, true),
        "trim_start" => trim(&argument(0), &argument(1), true, false),
        "trim_end" => trim(&argument(0), &argument(1), false, true),
        "regex_quote" => Ok(Value::String(quoted(&argument(0)))),
        _ => return None,
    })
}

/// What one group finds; the empty text where nothing fits.
fn extract(call: &Call<'_>) -> Evaluated {
    let regex = text::pattern(&call.text(0).unwrap_or_default())?;
    let source = call.text(2).unwrap_or_default();
    let group = usize::try_from(call.long(1).unwrap_or(0)).unwrap_or(usize::MAX);
    let found = regex.captures(&source).and_then(|found| found.get(group).map(|one| one.as_str().to_owned()));
    let found = found.map(Value::String).and_then(|text| convert::cast(&text, call.ty));
    Ok(call.or_null(found))
}

/// For each match the text of its group, or a list of the texts of its groups where there are several.
fn extract_all(call: &Call<'_>) -> Evaluated {
    let regex = text::pattern(&call.text(0).unwrap_or_default())?;
    let chosen = (call.values.len() > 2).then(|| call.json(1));
    let source = call.text(call.values.len() - 1).unwrap_or_default();
    if regex.captures_len() < 2 {
        let message =
            format!("extract_all: '{}' has no group; put what to take in parentheses", regex.as_str());
        return Err(QueryError::failed(message));
    }
    let groups = groups(&regex, chosen.as_ref());
    let one = |found: &Captures<'_>| {
        let text = |group: &usize| Json::from(found.get(*group).map_or("", |one| one.as_str()));
        match groups.as_slice() {
            [only] => text(only),
            several => Json::Array(several.iter().map(text).collect()),
        }
    };
    let all: Vec<Json> = regex.captures_iter(&source).map(|found| one(&found)).collect();
    Ok(if all.is_empty() { Value::Null(Type::Dynamic) } else { dynamic::of(&Json::Array(all)) })
}

/// The groups that a list names by number or by name; all of them without one.
fn groups(regex: &Regex, chosen: Option<&Json>) -> Vec<usize> {
    let Some(Json::Array(chosen)) = chosen else { return (1..regex.captures_len()).collect() };
    let place = |one: &Json| match one {
        Json::String(name) => regex.capture_names().position(|known| known == Some(name)),
        number => number.as_u64().and_then(|number| usize::try_from(number).ok()),
    };
    chosen.iter().filter_map(place).collect()
}

/// `\0` to `\9` in the rewrite stand for what the groups found.
fn replace(call: &Call<'_>, source: &str, pattern: &str, rewrite: &str) -> Evaluated {
    let regex = text::pattern(pattern)?;
    let mut made = String::with_capacity(source.len());
    let mut end = 0;
    for found in regex.captures_iter(source) {
        let Some(whole) = found.get(0) else { continue };
        made.push_str(&source[end..whole.start()]);
        rewritten(&mut made, rewrite, &found);
        end = whole.end();
        made = call.run.bounded(made)?;
    }
    made.push_str(&source[end..]);
    call.run.bounded(made).map(Value::String)
}

fn rewritten(made: &mut String, rewrite: &str, found: &Captures<'_>) {
    let mut rest = rewrite.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            made.push(c);
            continue;
        }
        match rest.next() {
            Some(digit) if digit.is_ascii_digit() => {
                let group = digit.to_digit(10).unwrap_or_default() as usize;
                made.push_str(found.get(group).map_or("", |one| one.as_str()));
            }
            Some('\\') | None => made.push('\\'),
            Some(other) => made.extend(['\\', other]),
        }
    }
}

/// Without what a pattern fits at the ends.
fn trim(pattern: &str, source: &str, start: bool, end: bool) -> Evaluated {
    let mut rest = source;
    if start && let Some(found) = text::pattern(&format!("^(?:{pattern})+"))?.find(rest) {
        rest = &rest[found.end()..];
    }
    if end && let Some(found) = text::pattern(&format!("(?:{pattern})+$"))?.find(rest) {
        rest = &rest[..found.start()];
    }
    Ok(Value::String(rest.to_owned()))
}

/// A backslash before everything that is no letter, digit or underscore of ASCII.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if !plain(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(pattern: &str, source: &str) -> String {
        convert::to_text(&trim(pattern, source, true, true).unwrap())
    }

    #[test]
    fn both_ends_are_trimmed_and_nothing_between() {
        assert_eq!(trimmed("--", "----a--b--"), "a--b");
        assert_eq!(trimmed(r"\s", "  "), "");
        assert_eq!(trimmed("x*", ""), "");
        assert!(trim("(", "a", true, true).is_err());
    }

    #[test]
    fn quoted_texts_fit_themselves() {
        for text in ["(so$me.Te^xt)", "a b-c", "ü[", "#&~"] {
            assert!(Regex::new(&format!("^{}$", quoted(text))).unwrap().is_match(text), "{text}");
        }
    }
}

//! `parse-kv`: columns out of a text of keys and values.

use std::collections::HashMap;

use bowline_kql::Value;
use bowline_kql::plan::{Column, Expr, KvOptions, Plan};
use regex::Regex;

use crate::error::QueryError;
use crate::eval::eval;
use crate::run::{Row, Run, null};
use crate::{convert, text};

/// The input's columns, then the values of the keys that the others are called. The last value of a key counts.
pub(crate) fn parse_kv(
    run: &Run<'_>,
    input: &Plan,
    source: &Expr,
    options: &KvOptions,
    columns: &[Column],
) -> Result<Vec<Row>, QueryError> {
    let regex = match options.regex.as_str() {
        "" => None,
        written => Some(text::pattern(written)?),
    };
    let mut rows = Vec::new();
    for row in run.rows(input)?.iter() {
        let text = convert::to_text(&eval(run, source, row)?);
        let pairs = match &regex {
            Some(regex) => matches(&text, regex),
            None => pairs(&text, options),
        };
        let value = |column: &Column| {
            let found = pairs.get(column.name.as_str()).map(|text| Value::String(text.clone()));
            found.and_then(|text| convert::cast(&text, column.ty)).unwrap_or_else(|| null(column.ty))
        };
        let more = columns.get(row.len()..).unwrap_or_default().iter().map(value);
        rows.push(row.iter().cloned().chain(more).collect());
    }
    Ok(rows)
}

/// The pairs that a regular expression finds: its first group and its second.
fn matches(text: &str, regex: &Regex) -> HashMap<String, String> {
    let pair = |found: regex::Captures<'_>| {
        Some((found.get(1)?.as_str().to_owned(), found.get(2)?.as_str().to_owned()))
    };
    regex.captures_iter(text).filter_map(pair).collect()
}

/// What separates, as the query says it; without that, what usually does.
struct Marks<'o> {
    pairs: Box<dyn Fn(char) -> bool + 'o>,
    keys: Box<dyn Fn(char) -> bool + 'o>,
    open: Option<char>,
    close: Option<char>,
    escape: Option<char>,
}

fn marks(options: &KvOptions) -> Marks<'_> {
    let given = |text: &'_ str, usual: fn(char) -> bool| -> Box<dyn Fn(char) -> bool> {
        if text.is_empty() {
            return Box::new(usual);
        }
        let set: Vec<char> = text.chars().collect();
        Box::new(move |c| set.contains(&c))
    };
    let mut quotes = options.quotes.chars();
    let open = quotes.next();
    Marks {
        pairs: given(&options.pair_delimiters, |c| !c.is_alphanumeric() && !"_-+:=.\"'".contains(c)),
        keys: given(&options.kv_delimiters, |c| matches!(c, ':' | '=')),
        open,
        close: quotes.next().or(open),
        escape: options.escape.chars().next(),
    }
}

fn pairs(text: &str, options: &KvOptions) -> HashMap<String, String> {
    let marks = marks(options);
    let mut found = HashMap::new();
    let (mut key, mut part) = (None::<String>, String::new());
    let mut quoted = false;
    let mut rest = text.chars();
    let mut finish = |key: Option<String>, part: &str| {
        let key = key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        if let Some(key) = key {
            // In the greedy form the last word of a value may be the next key, which has been cut off before.
            let _ = found.insert(key, part.trim().to_owned());
        }
    };
    while let Some(c) = rest.next() {
        if Some(c) == marks.escape {
            part.extend(rest.next());
        } else if quoted && Some(c) == marks.close {
            quoted = false;
        } else if !quoted && Some(c) == marks.open && part.trim().is_empty() {
            quoted = true;
            part.clear();
        } else if quoted {
            part.push(c);
        } else if (marks.keys)(c) && options.greedy && key.is_some() {
            let cut = part.trim_end().rfind(|c| (marks.pairs)(c)).unwrap_or(0);
            let (value, next) = part.split_at(cut);
            finish(key.take(), value);
            key = Some(next.trim_matches(|c| (marks.pairs)(c)).to_owned());
            part = String::new();
        } else if (marks.keys)(c) && key.is_none() {
            key = Some(std::mem::take(&mut part));
        } else if (marks.pairs)(c) && !options.greedy && !part.trim().is_empty() {
            finish(key.take(), &part);
            part.clear();
        } else {
            part.push(c);
        }
    }
    finish(key, &part);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, key: &str, options: &KvOptions) -> Option<String> {
        pairs(text, options).get(key).cloned()
    }

    fn options(pair: &str, kv: &str, quotes: &str) -> KvOptions {
        KvOptions {
            pair_delimiters: pair.to_owned(),
            kv_delimiters: kv.to_owned(),
            quotes: quotes.to_owned(),
            ..KvOptions::default()
        }
    }

    #[test]
    fn quotes_keep_delimiters() {
        let options = options(" ", "=", "()");
        let text = "a=1 (event time)=(10 : 00) b=(x";
        assert_eq!(value(text, "event time", &options).as_deref(), Some("10 : 00"));
        assert_eq!(value(text, "b", &options).as_deref(), Some("x"));
        assert_eq!(value(text, "c", &options), None);
        assert_eq!(value("", "c", &options), None);
    }

    #[test]
    fn greedy_values_reach_to_the_next_key() {
        let options = KvOptions { greedy: true, ..options(" ", "=", "") };
        let text = "name=John Doe phone=555 5555 city=New York";
        assert_eq!(value(text, "name", &options).as_deref(), Some("John Doe"));
        assert_eq!(value(text, "phone", &options).as_deref(), Some("555 5555"));
        assert_eq!(value(text, "city", &options).as_deref(), Some("New York"));
    }

    #[test]
    fn an_escaped_quote_is_a_character() {
        let options = KvOptions { escape: "\\".to_owned(), ..options(",", ":", "\"") };
        assert_eq!(value(r#"a:"x\"y,z",b:2"#, "a", &options).as_deref(), Some(r#"x"y,z"#));
    }
}

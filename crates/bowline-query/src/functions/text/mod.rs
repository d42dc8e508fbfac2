//! Functions of text: putting together and taking apart.

mod codec;
mod hash;
mod lines;
mod pattern;
mod search;

use crate::json::Json;
use bowline_kql::{Type, Value};

use super::Call;
use crate::error::QueryError;
use crate::eval::Evaluated;
use crate::{convert, dynamic};

/// How often `strrep` repeats at most, as in Kusto.
const MOST_REPEATS: i64 = 1024;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    plain(name, call)
        .or_else(|| search::call(name, call))
        .or_else(|| pattern::call(name, call))
        .or_else(|| lines::call(name, call))
        .or_else(|| codec::call(name, call))
        .or_else(|| hash::call(name, call))
}

fn plain(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let text = || call.text(0).unwrap_or_default();
    let long = |value: usize| Ok(Value::Long(i64::try_from(value).unwrap_or(i64::MAX)));
    Some(match name {
        "strcat" => joined(call, call.values.iter().map(convert::to_text), ""),
        "strcat_delim" => joined(call, call.values.iter().skip(1).map(convert::to_text), &text()),
        "strcat_array" | "array_strcat" => match call.json(0) {
            Json::Array(list) => {
                joined(call, list.iter().map(dynamic::plain), &call.text(1).unwrap_or_default())
            }
            _ => Ok(Value::String(String::new())),
        },
        "strrep" => {
            let times = usize::try_from(call.long(1).unwrap_or(0).clamp(0, MOST_REPEATS)).unwrap_or_default();
            joined(call, std::iter::repeat_n(text(), times), &call.text(2).unwrap_or_default())
        }
        "strcmp" => Ok(Value::Long(text().cmp(&call.text(1).unwrap_or_default()) as i64)),
        "strlen" => long(text().chars().count()),
        "string_size" => long(text().len()),
        "toupper" => Ok(Value::String(text().to_uppercase())),
        "tolower" => Ok(Value::String(text().to_lowercase())),
        "reverse" => Ok(Value::String(text().chars().rev().collect())),
        "substring" => Ok(Value::String(part(&text(), call.long(1).unwrap_or(0), call.long(2)))),
        "to_utf8" | "unicode_codepoints_from_string" => {
            Ok(dynamic::of(&text().chars().map(u32::from).collect::<Vec<_>>().into()))
        }
        "unicode_codepoints_to_string" | "make_string" => of_codepoints(call),
        "split" => Ok(split(&text(), &call.text(1).unwrap_or_default(), call.long(2))),
        "replace_string" => {
            let (search, rewrite) = (call.text(1).unwrap_or_default(), call.text(2).unwrap_or_default());
            if search.is_empty() {
                return Some(Ok(Value::String(text())));
            }
            call.run.bounded(text().replace(&search, &rewrite)).map(Value::String)
        }
        "replace_strings" => replace_each(call),
        "translate" => Ok(Value::String(translate(
            &text(),
            &call.text(1).unwrap_or_default(),
            &call.text(2).unwrap_or_default(),
        ))),
        "isascii" => Ok(Value::Bool(text().is_ascii())),
        "isutf8" => Ok(Value::Bool(true)),
        _ => return None,
    })
}

/// Texts with a delimiter between; it ends where it grows beyond what one value may have.
fn joined(call: &Call<'_>, texts: impl Iterator<Item = String>, delimiter: &str) -> Evaluated {
    let mut all = String::new();
    for (at, text) in texts.enumerate() {
        if at > 0 {
            all.push_str(delimiter);
        }
        all.push_str(&text);
        if at % 64 == 63 {
            all = call.run.bounded(all)?;
        }
    }
    call.run.bounded(all).map(Value::String)
}

/// So many characters from a position; from the end where it is negative.
fn part(text: &str, start: i64, length: Option<i64>) -> String {
    let start = match usize::try_from(start) {
        Ok(start) => start,
        Err(_) => {
            let back = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
            text.chars().count().saturating_sub(back)
        }
    };
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or_default());
    text.chars().skip(start).take(length).collect()
}

/// The texts of numbers and of lists of numbers.
fn of_codepoints(call: &Call<'_>) -> Evaluated {
    let mut text = String::new();
    let mut push = |json: &Json| -> Result<(), QueryError> {
        let code = json.as_i64().and_then(|code| u32::try_from(code).ok());
        match code.and_then(char::from_u32) {
            Some(c) => text.push(c),
            None => return Err(QueryError::failed(format!("{json} is the code of no character"))),
        }
        Ok(())
    };
    for index in 0..call.values.len() {
        match call.json(index) {
            Json::Array(list) => list.iter().try_for_each(&mut push)?,
            Json::Null => {}
            one => push(&one)?,
        }
    }
    Ok(Value::String(text))
}

/// The parts between delimiters, or a list of only one of them.
fn split(text: &str, delimiter: &str, index: Option<i64>) -> Value {
    let parts: Vec<&str> = if delimiter.is_empty() { vec![text] } else { text.split(delimiter).collect() };
    let parts = match index {
        None => parts,
        Some(index) => {
            usize::try_from(index).ok().and_then(|index| parts.get(index)).into_iter().copied().collect()
        }
    };
    dynamic::of(&parts.into())
}

/// Each of several texts by its own, from left to right; what was put in is not looked at again.
fn replace_each(call: &Call<'_>) -> Evaluated {
    let text = call.text(0).unwrap_or_default();
    let list = |index| match call.json(index) {
        Json::Array(list) => Some(list),
        _ => None,
    };
    let (Some(searches), Some(rewrites)) = (list(1), list(2)) else { return Ok(Value::Null(Type::String)) };
    let mut made = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let found = searches.iter().position(|search| {
            search.as_str().is_some_and(|search| !search.is_empty() && rest.starts_with(search))
        });
        match found {
            Some(at) => {
                let search = searches[at].as_str().unwrap_or_default();
                // What is no text replaces nothing.
                made.push_str(rewrites.get(at).or(rewrites.last()).and_then(Json::as_str).unwrap_or(search));
                rest = &rest[search.len()..];
            }
            None => {
                made.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    call.run.bounded(made).map(Value::String)
}

/// Characters by others; the last of them stands for all that have none of their own.
fn translate(search: &str, replacement: &str, text: &str) -> String {
    let others: Vec<char> = replacement.chars().collect();
    let other = |c: char| match search.chars().position(|one| one == c) {
        None => Some(c),
        Some(at) => others.get(at).or(others.last()).copied(),
    };
    text.chars().filter_map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_text_are_counted_in_characters_and_from_both_ends() {
        assert_eq!(part("Grüße", 2, Some(2)), "üß");
        assert_eq!(part("abc", -2, None), "bc");
        assert_eq!(part("abc", -9, Some(1)), "a");
        assert_eq!(part("abc", 9, Some(1)), "");
        assert_eq!(part("abc", 1, Some(-1)), "");
        assert_eq!(part("abc", i64::MIN, Some(i64::MAX)), "abc");
    }

    #[test]
    fn a_text_is_split_whatever_stands_at_its_ends() {
        let json = |value: Value| convert::to_text(&value);
        assert_eq!(json(split("", "_", None)), r#"[""]"#);
        assert_eq!(json(split("a__b", "_", None)), r#"["a","","b"]"#);
        assert_eq!(json(split("a_b", "_", Some(1))), r#"["b"]"#);
        assert_eq!(json(split("a_b", "_", Some(-1))), "[]");
        assert_eq!(json(split("ab", "", None)), r#"["ab"]"#);
    }

    #[test]
    fn characters_without_their_own_replacement_get_the_last_one() {
        assert_eq!(translate("abc", "x", "abcd"), "xxxd");
        assert_eq!(translate("abc", "", "abcd"), "d");
        assert_eq!(translate("krasp", "otsku", "spark"), "kusto");
    }
}

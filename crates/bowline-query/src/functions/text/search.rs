//! Finding texts in texts.

use crate::json::Json;
use bowline_kql::{Type, Value};

use super::Call;
use crate::error::QueryError;
use crate::eval::Evaluated;
use crate::{dynamic, text};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let text = || call.text(0).unwrap_or_default();
    Some(match name {
        "indexof" | "indexof_regex" => index_of(call, name == "indexof_regex"),
        "countof" => count_of(call),
        "has_any_index" => {
            let folded = text::fold(&text());
            let Json::Array(terms) = call.json(1) else { return Some(Ok(Value::Long(-1))) };
            let there = |term: &Json| text::has(&folded, &text::fold(&dynamic::plain(term)), true, true);
            let found = terms.iter().position(there).and_then(|at| i64::try_from(at).ok());
            Ok(Value::Long(found.unwrap_or(-1)))
        }
        _ => return None,
    })
}

/// Where a text is found the nth time within a window of another, counted in characters; matches do not overlap where the search is a
/// pattern. Null for a window or a count that cannot be.
fn index_of(call: &Call<'_>, is_pattern: bool) -> Evaluated {
    let text = call.text(0).unwrap_or_default();
    let search = call.text(1).unwrap_or_default();
    let start = call.long(2).unwrap_or(0);
    let length = call.long(3).unwrap_or(-1);
    let occurrence = call.long(4).unwrap_or(1);
    let nth = occurrence.checked_sub(1).and_then(|nth| usize::try_from(nth).ok());
    let (true, Some(nth)) = (length >= -1 && (start >= 0 || !is_pattern), nth) else {
        return Ok(Value::Null(Type::Long));
    };
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let start = if start < 0 { count.saturating_add(start).max(0) } else { start };
    if start > count {
        return Ok(Value::Long(-1));
    }
    let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
    let byte = |at: i64| {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
    };
    let from = byte(start);
    let found = if is_pattern {
        text::pattern(&search)?.find_iter(&text[from..byte(end)]).nth(nth).map(|found| found.start())
    } else {
        nth_of(&text[from..], &search, length, nth)
    };
    let place = found.map(|at| text[..from + at].chars().count());
    Ok(Value::Long(place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)))
}

/// The nth place of a text in another. The window of so many characters begins anew behind each place that was found.
fn nth_of(text: &str, search: &str, length: i64, nth: usize) -> Option<usize> {
    let wanted = search.chars().count();
    let window = usize::try_from(length).unwrap_or(usize::MAX);
    let (mut before, mut gone) = (0, 0);
    for (at, byte) in overlapping(text, search).enumerate() {
        // Characters from where the window begins to where the text that was found ends.
        let skipped = text[before..byte].chars().count();
        if (skipped - gone).saturating_add(wanted) > window {
            return None;
        }
        if at == nth {
            return Some(byte);
        }
        (before, gone) = (byte, 1);
    }
    None
}

/// Where a text begins in another, also within what was found before.
fn overlapping<'t>(text: &'t str, search: &'t str) -> impl Iterator<Item = usize> + 't {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let begin = from?;
        let found = text.get(begin..)?.find(search).map(|at| begin + at)?;
        from = text[found..].chars().next().map(|c| found + c.len_utf8());
        Some(found)
    })
}

fn count_of(call: &Call<'_>) -> Evaluated {
    let text = call.text(0).unwrap_or_default();
    let search = call.text(1).unwrap_or_default();
    let kind = call.text(2).unwrap_or_else(|| "normal".to_owned());
    let count = match kind.as_str() {
        "normal" if search.is_empty() => 0,
        "normal" => overlapping(&text, &search).count(),
        "regex" => text::pattern(&search)?.find_iter(&text).count(),
        other => return Err(QueryError::failed(format!("countof: '{other}' is neither normal nor regex"))),
    };
    Ok(Value::Long(i64::try_from(count).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_on_with_each_place() {
        assert_eq!(nth_of("bcdefgabcdefg", "cde", 10, 1), Some(8));
        assert_eq!(nth_of("bcdefg", "cde", 2, 0), None);
        assert_eq!(nth_of("aaa", "aa", -1, 1), Some(1));
        assert_eq!(nth_of("aaa", "aa", -1, usize::MAX), None);
        assert_eq!(nth_of("üü", "ü", 1, 1), Some(2));
    }

    #[test]
    fn a_text_is_found_within_itself() {
        assert_eq!(overlapping("aaa", "aa").collect::<Vec<_>>(), [0, 1]);
        assert_eq!(overlapping("üü", "ü").collect::<Vec<_>>(), [0, 2]);
        assert_eq!(overlapping("", "a").count(), 0);
        assert_eq!(overlapping("ab", "").count(), 3);
    }
}

//! Texts with a shape of their own: sizes, command lines, paths into JSON.

use bowline_kql::{Type, Value};

use super::Call;
use crate::error::QueryError;
use crate::eval::Evaluated;
use crate::{compare, dynamic};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    Some(match name {
        "format_bytes" => format_bytes(call),
        "parse_command_line" => command_line(call),
        "extract_json" | "extractjson" => {
            let json = dynamic::parse(&call.text(1).unwrap_or_default());
            let found = dynamic::at(&json, &call.text(0).unwrap_or_default());
            Ok(call.or_null(found.and_then(|found| dynamic::from_json(found, call.ty))))
        }
        _ => return None,
    })
}

const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];

/// A size with its unit, each of which is 1024 of the one before.
fn format_bytes(call: &Call<'_>) -> Evaluated {
    let Some(size) = compare::real(call.value(0)) else { return Ok(Value::String(String::new())) };
    let precision = usize::try_from(call.real(1).map_or(0, |digits| digits as i64)).unwrap_or(0).min(15);
    let unit = match call.text(2) {
        Some(unit) => UNITS.iter().position(|one| one.eq_ignore_ascii_case(&unit)).ok_or_else(|| {
            QueryError::failed(format!("format_bytes: '{unit}' is none of {}", UNITS.join(", ")))
        })?,
        None => (1..UNITS.len()).take_while(|power| size.abs() >= 1024_f64.powi(*power as i32)).count(),
    };
    let text = format!("{:.precision$}", size / 1024_f64.powi(unit as i32));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    Ok(Value::String(format!("{text} {}", UNITS[unit])))
}

/// The words of a command line by the rules of Windows: quotes keep blanks, a backslash quotes only a quote.
fn command_line(call: &Call<'_>) -> Evaluated {
    let parser = call.text(1).unwrap_or_default();
    if !parser.eq_ignore_ascii_case("windows") {
        return Err(QueryError::failed(format!("parse_command_line: '{parser}' is not 'windows'")));
    }
    let line = call.text(0).unwrap_or_default();
    if line.trim().is_empty() {
        return Ok(Value::Null(Type::Dynamic));
    }
    Ok(dynamic::of(&words(&line).into()))
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let mut count = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let before_quote = rest.peek() == Some(&'"');
                let kept = if before_quote { count / 2 } else { count };
                let word = word.get_or_insert_default();
                word.extend(std::iter::repeat_n('\\', kept));
                if before_quote && count % 2 == 1 {
                    word.extend(rest.next());
                }
            }
            '"' => {
                quoted = !quoted;
                let _ = word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use crate::json::Json;

    use super::*;

    #[test]
    fn words_of_a_command_line_are_those_of_windows() {
        assert_eq!(words(r#"echo "hello world!""#), ["echo", "hello world!"]);
        assert_eq!(words(r#"a\\b "c\"d" "e\\" """#), [r"a\\b", "c\"d", r"e\", ""]);
        assert_eq!(words("  "), Vec::<String>::new());
        assert_eq!(words(r#""open end"#), ["open end"]);
    }

    #[test]
    fn a_path_leads_into_lists_and_bags() {
        let json = crate::json::read(r#"{"a": [{"b c": 1}]}"#).unwrap();
        assert_eq!(dynamic::at(&json, "$.a[0]['b c']"), Some(&Json::from(1)));
        assert_eq!(dynamic::at(&json, "$"), Some(&json));
        assert_eq!(dynamic::at(&json, "$.a[9]"), None);
        assert_eq!(dynamic::at(&json, "a["), None);
    }
}

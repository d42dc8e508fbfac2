//! What stands at a path of a JSON text, found without reading the text into a tree.
//!
//! # Design notes
//! Keys are found whatever their case, as Azure finds them; the one that is written like the query's wins. A key with an escape in it is
//! compared as it is written. The text was checked when it was taken in: on what is no JSON the scanner finds nothing.

/// The JSON text at a path of keys.
pub(crate) fn at<'a>(json: &'a str, path: &[String]) -> Option<&'a str> {
    let mut text = json.trim_start();
    for key in path {
        text = member(text, key)?;
    }
    (text != "null").then_some(text)
}

/// The JSON texts at several paths, none of which is empty: the text is walked once.
pub(crate) fn all<'a>(json: &'a str, paths: &[&[String]], found: &mut Vec<Option<&'a str>>) {
    let mut exact = vec![false; paths.len()];
    found.clear();
    found.resize(paths.len(), None);
    for (name, value) in members(json.trim_start()) {
        for ((path, exact), found) in paths.iter().zip(&mut exact).zip(found.iter_mut()) {
            take(&path[0], (name, value), found, exact);
        }
    }
    for (path, found) in paths.iter().zip(found) {
        *found = found.and_then(|value| at(value, &path[1..]));
    }
}

/// The JSON text of one key of a bag.
pub(crate) fn member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (mut found, mut exact) = (None, false);
    for member in members(text) {
        take(key, member, &mut found, &mut exact);
        if exact {
            break;
        }
    }
    found
}

/// Takes a member's value if it is the first that is written like the key, or the first alike.
fn take<'a>(key: &str, (name, value): (&str, &'a str), found: &mut Option<&'a str>, exact: &mut bool) {
    if !*exact && name == key {
        (*found, *exact) = (Some(value), true);
    } else if found.is_none() && name.eq_ignore_ascii_case(key) {
        *found = Some(value);
    }
}

/// The members of a bag: their names and their JSON texts.
fn members(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = (bytes.first() == Some(&b'{')).then(|| skip_space(bytes, 1));
    std::iter::from_fn(move || {
        let begin = at.take()?;
        let end = string_end(bytes, begin)?;
        let name = text.get(begin + 1..end - 1)?;
        let colon = skip_space(bytes, end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let from = skip_space(bytes, colon + 1);
        let end = value_end(bytes, from)?;
        let next = skip_space(bytes, end);
        at = (bytes.get(next) == Some(&b',')).then(|| skip_space(bytes, next + 1));
        Some((name, text.get(from..end)?))
    })
}

/// Whether a text is a bag, and its members or elements as they are written; nothing of a text that is written otherwise than a serialiser
/// would: with blanks, escapes or powers of ten.
pub(crate) fn parts(text: &str) -> Option<(bool, Vec<&str>)> {
    let bytes = text.as_bytes();
    let (bag, close) = match bytes.first()? {
        b'[' => (false, b']'),
        b'{' => (true, b'}'),
        _ => return None,
    };
    if !is_plain(bytes) {
        return None;
    }
    let mut found = Vec::new();
    let mut at = 1;
    if bytes.get(at) == Some(&close) {
        return (bytes.len() == 2).then_some((bag, found));
    }
    loop {
        let from = at;
        if bag {
            at = string_end(bytes, at)?;
            if bytes.get(at) != Some(&b':') {
                return None;
            }
            at += 1;
        }
        let end = value_end(bytes, at).filter(|end| *end > at)?;
        found.push(text.get(from..end)?);
        match bytes.get(end) {
            Some(b',') => at = end + 1,
            Some(byte) if *byte == close && end + 1 == bytes.len() => return Some((bag, found)),
            _ => return None,
        }
    }
}

fn is_plain(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => match string_end(bytes, at) {
                Some(end) if !bytes[at..end].contains(&b'\\') => at = end,
                _ => return false,
            },
            b'e' | b'E' | b'+' if at > 0 && bytes[at - 1].is_ascii_digit() => return false,
            byte if byte.is_ascii_whitespace() => return false,
            _ => at += 1,
        }
    }
    true
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Behind the string that begins here.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut from = at + 1;
    loop {
        let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[found] == b'"' {
            return Some(found + 1);
        }
        from = found + 2;
    }
}

/// Behind the value that begins here.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => {
            let (mut depth, mut from) = (0_usize, at);
            loop {
                match bytes.get(from)? {
                    b'"' => {
                        from = string_end(bytes, from)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(from + 1);
                        }
                    }
                    _ => {}
                }
                from += 1;
            }
        }
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
            Some(at + bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(json: &'a str, path: &[&str]) -> Option<&'a str> {
        at(json, &path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn members_are_found_whatever_surrounds_them() {
        let json =
            r#" { "a" : {"x": [1, {"b": "}"}], "b": "t\"{", "c":null}, "B": 5, "b" : -1.5e3 , "d":true}"#;
        assert_eq!(found(json, &["a", "b"]), Some(r#""t\"{""#));
        assert_eq!(found(json, &["a", "x"]), Some(r#"[1, {"b": "}"}]"#));
        assert_eq!(found(json, &["b"]), Some("-1.5e3"));
        assert_eq!(found(json, &["B"]), Some("5"));
        assert_eq!(found(json, &["D"]), Some("true"));
        assert_eq!(found(json, &["a", "c"]), None);
        assert_eq!(found(json, &["a", "b", "c"]), None);
        assert_eq!(found("{}", &["a"]), None);
        assert_eq!(found("[1]", &["a"]), None);
        assert_eq!(found("", &["a"]), None);
        assert_eq!(found("{\"a\":", &["a"]), None);
        assert_eq!(found("7", &[]), Some("7"));
    }

    #[test]
    fn lists_and_bags_come_apart_as_they_are_written() {
        let list = |parts: &'static [&str]| Some((false, parts.to_vec()));
        let bag = |parts: &'static [&str]| Some((true, parts.to_vec()));
        assert_eq!(
            parts(r#"[1,"a, b",[2,{"c":null}],true]"#),
            list(&["1", r#""a, b""#, r#"[2,{"c":null}]"#, "true"])
        );
        assert_eq!(parts(r#"{"a":1,"b":{"c":[]}}"#), bag(&[r#""a":1"#, r#""b":{"c":[]}"#]));
        assert_eq!((parts("[]"), parts("{}")), (list(&[]), bag(&[])));
        for text in ["[1, 2]", r#"["\u00e9"]"#, "[1e3]", "7", "", "[1", "[1]x", "{1}", r#"{"a"1}"#, "[1,]"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    /// Against the parser that everything else uses.
    #[test]
    fn it_agrees_with_a_parser() {
        let json = serde_json::json!({
            "empty": {}, "list": [[], {}, "a,b", {"k": [1, 2]}], "text": "ein \"Wort\"\\", "ü": "ß", "n": 1.25,
            "deep": {"deeper": {"deepest": [true, null]}}, "tail": null
        });
        for text in [json.to_string(), serde_json::to_string_pretty(&json).unwrap()] {
            for path in [
                vec!["empty"],
                vec!["list"],
                vec!["text"],
                vec!["ü"],
                vec!["n"],
                vec!["deep", "deeper", "deepest"],
            ] {
                let wanted = path.iter().fold(&json, |json, key| &json[*key]);
                let read =
                    |text: Option<&str>| serde_json::from_str::<serde_json::Value>(text.unwrap()).unwrap();
                assert_eq!(read(found(&text, &path)), *wanted, "{path:?}");
                let path: Vec<String> = path.iter().map(ToString::to_string).collect();
                let upper: Vec<String> = path.iter().map(|key| key.to_ascii_uppercase()).collect();
                let (missing, mut several) = (["none".to_owned()], Vec::new());
                all(&text, &[&path, &missing, &upper], &mut several);
                assert_eq!((read(several[0]), several[1]), (wanted.clone(), None), "{path:?}");
                assert_eq!(several[2], at(&text, &upper), "{path:?}");
            }
        }
    }
}

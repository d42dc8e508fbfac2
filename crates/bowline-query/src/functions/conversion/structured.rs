//! Texts that have a structure: URLs, paths, versions, lines of values.

use crate::json::{Json, Map, bag};
use bowline_kql::{Type, Value};
use url::Url;

use super::super::Call;
use super::xml;
use crate::dynamic;
use crate::eval::Evaluated;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let text = || call.text(0).unwrap_or_default();
    Some(Ok(match name {
        "parse_csv" => dynamic::of(&csv(&text()).into()),
        "parse_xml" => xml::parse(&text()).map_or(Value::Null(Type::Dynamic), |json| dynamic::of(&json)),
        "parse_url" | "parseurl" => dynamic::of(&url(&text())),
        "parse_urlquery" | "parseurlquery" => {
            let text = text();
            dynamic::of(&bag([("Query Parameters", query(text.strip_prefix('?').unwrap_or(&text)))]))
        }
        "parse_path" => path(&text()).map_or(Value::Null(Type::Dynamic), |json| dynamic::of(&json)),
        "parse_version" => call.or_null(version(&text()).map(Value::Decimal)),
        _ => return None,
    }))
}

/// The values of the first record. A value in quotes may hold commas, line ends and doubled quotes.
fn csv(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let Some(value) = values.last_mut() else { break };
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => value.extend(rest.next()),
            '"' if quoted || value.is_empty() => quoted = !quoted,
            ',' if !quoted => values.push(String::new()),
            '\r' if !quoted && rest.peek() == Some(&'\n') => break,
            '\n' if !quoted => break,
            c => value.push(c),
        }
    }
    values
}

fn query(text: &str) -> Json {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    Json::Object(
        pairs.map(|(key, value)| (key.into_owned(), Json::from(value.into_owned()))).collect::<Map<_, _>>(),
    )
}

fn url(text: &str) -> Json {
    let nothing = || {
        let texts = ["Scheme", "Host", "Port", "Path", "Username", "Password"];
        let mut bag: Map<String, Json> = texts.map(|name| (name.to_owned(), Json::from(""))).into();
        let _ = bag.insert("Query Parameters".to_owned(), Json::Object(Map::new()));
        let _ = bag.insert("Fragment".to_owned(), Json::from(""));
        Json::Object(bag)
    };
    let Ok(url) = Url::parse(text) else { return nothing() };
    bag([
        ("Scheme", url.scheme().into()),
        ("Host", url.host_str().unwrap_or_default().into()),
        ("Port", url.port().map(|port| port.to_string()).unwrap_or_default().into()),
        ("Path", url.path().into()),
        ("Username", url.username().into()),
        ("Password", url.password().unwrap_or_default().into()),
        ("Query Parameters", query(url.query().unwrap_or_default())),
        ("Fragment", url.fragment().unwrap_or_default().into()),
    ])
}

/// The parts of a path of a file, of Windows, of Unix or in a URL.
fn path(text: &str) -> Option<Json> {
    if text.is_empty() {
        return None;
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (file_path, stream) = match rest.char_indices().rfind(|(at, c)| *c == ':' && *at > 1) {
        Some((at, _)) if scheme.is_empty() => (&rest[..at], &rest[at + 1..]),
        _ => (rest, ""),
    };
    let end = file_path.rfind(['/', '\\']);
    let (directory, file) = match end {
        Some(end) => (&file_path[..end], &file_path[end + 1..]),
        None => ("", file_path),
    };
    let name = directory.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut letters = file_path.chars();
    let root = match (letters.next(), letters.next()) {
        (Some(drive), Some(':')) if drive.is_ascii_alphabetic() => &file_path[..2],
        _ => "",
    };
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    Some(bag([
        ("Scheme", scheme.into()),
        ("RootPath", root.into()),
        ("DirectoryPath", directory.into()),
        ("DirectoryName", name.into()),
        ("Filename", file.into()),
        ("Extension", extension.into()),
        ("AlternateDataStreamName", stream.into()),
    ]))
}

/// Up to four numbers of up to eight digits, as one number that compares as the version does.
fn version(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number =
        |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 4 || !parts.iter().all(is_number) {
        return None;
    }
    let digits: String = (0..4).map(|at| format!("{:0>8}", parts.get(at).unwrap_or(&"0"))).collect();
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0" } else { digits }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_commas_and_only_the_first_record_counts() {
        assert_eq!(csv(r#"aa,"b,b,b",cc,"Esc,""d"" b""#), ["aa", "b,b,b", "cc", "Esc,\"d\" b"]);
        assert_eq!(csv("a,b\r\nc,d"), ["a", "b"]);
        assert_eq!(csv(""), [""]);
    }

    #[test]
    fn paths_of_every_kind_come_apart() {
        let parts = |text: &str| path(text).unwrap().to_string();
        assert_eq!(
            parts(r"C:\temp\file.tar.gz:stream"),
            r#"{"Scheme":"","RootPath":"C:","DirectoryPath":"C:\\temp","DirectoryName":"temp","Filename":"file.tar.gz","Extension":"gz","AlternateDataStreamName":"stream"}"#
        );
        assert!(parts("/a/b").contains(r#""Filename":"b""#));
        assert_eq!(path(""), None);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("1.2.3.40").as_deref(), Some("1000000020000000300000040"));
        assert_eq!(version("0.0.0.0").as_deref(), Some("0"));
        assert_eq!(version("1.2.3.4.5"), None);
        assert_eq!(version("1.x"), None);
        assert_eq!(version("123456789"), None);
    }
}

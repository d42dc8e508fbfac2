//! `--debug`: requests and answers on standard error, without what would let a reader of the log act as the caller.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::Body;

/// More of an answer is not shown.
const MAX_SHOWN: usize = 8 * 1024;
const REDACTED: &str = "[redacted]";

pub(super) fn request(
    method: &Method,
    url: &Url,
    authorized: bool,
    headers: &[(&'static str, String)],
    body: &Body,
) {
    eprintln!("> {method} {url}");
    if authorized {
        eprintln!("> authorization: Bearer {REDACTED}");
    }
    for (name, value) in headers {
        eprintln!("> {name}: {value}");
    }
    match body {
        Body::None => {}
        Body::Json(value) => eprintln!("> {}", shown(value)),
        Body::Form(fields) => {
            let members =
                fields.iter().map(|(name, value)| ((*name).to_owned(), Value::String(value.clone())));
            eprintln!("> {}", shown(&Value::Object(members.collect())));
        }
    }
}

pub(super) fn reply(status: StatusCode, headers: &HeaderMap, body: &Value) {
    eprintln!("< {status}");
    for (name, value) in headers {
        let hidden = name == "set-cookie" || name == "www-authenticate";
        eprintln!("< {name}: {}", if hidden { REDACTED } else { value.to_str().unwrap_or("(not text)") });
    }
    if !body.is_null() {
        eprintln!("< {}", shown(body));
    }
}

fn shown(value: &Value) -> String {
    let mut value = value.clone();
    redact(&mut value);
    let mut text = value.to_string();
    if text.len() > MAX_SHOWN {
        let end = (0..=MAX_SHOWN).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(" …");
    }
    text
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if is_secret(name) && !member.is_null() {
                    *member = Value::String(REDACTED.to_owned());
                } else {
                    redact(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

/// Whether a member of that name carries something secret. Names of keys that are public are not in it.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    let whole = [
        "code",
        "usercode",
        "devicecode",
        "token",
        "refreshtoken",
        "accesstoken",
        "idtoken",
        "clientassertion",
    ];
    whole.contains(&name.as_str())
        || ["password", "secret", "privatekey", "protectedsettings"].iter().any(|part| name.contains(part))
            && name != "addpassword"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_do_not_reach_the_log() {
        let body = json!({
            "client_secret": "s1", "password": "s2", "device_code": "s3", "user_code": "s4", "refresh_token": "s5",
            "access_token": "s6", "client_assertion": "s7", "value": [{"properties": {"secret": "s8", "token": "s9"}}],
            "properties": {"agentPublicKeyCertificate": "public"}, "protectedSettings": {"a": "s0"},
        });
        let text = shown(&body);
        for number in 0..10 {
            assert!(!text.contains(&format!("\"s{number}\"")), "s{number} leaks: {text}");
        }
        assert!(text.contains("public"));
    }
}

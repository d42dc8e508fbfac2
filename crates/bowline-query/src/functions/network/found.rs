//! Addresses in texts.

use std::net::Ipv4Addr;

use bowline_kql::Value;

use super::{Call, texts};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let text = || call.text(0).unwrap_or_default();
    let wanted = || texts(call, 1);
    Some(Value::Bool(match name {
        "has_ipv4" | "has_any_ipv4" => {
            let found = addresses(&text());
            wanted().iter().filter_map(|one| one.parse::<Ipv4Addr>().ok()).any(|one| found.contains(&one))
        }
        "has_ipv4_prefix" | "has_any_ipv4_prefix" => {
            let found: Vec<String> = addresses(&text()).iter().map(Ipv4Addr::to_string).collect();
            let complete = |prefix: &str| prefix.ends_with('.') || prefix.parse::<Ipv4Addr>().is_ok();
            wanted().iter().filter(|prefix| complete(prefix)).any(|prefix| {
                found.iter().any(|one| {
                    if prefix.ends_with('.') { one.starts_with(prefix.as_str()) } else { one == prefix }
                })
            })
        }
        _ => return None,
    }))
}

/// The addresses that stand between what is neither letter nor digit.
fn addresses(text: &str) -> Vec<Ipv4Addr> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '.'));
    words.filter_map(|word| word.trim_matches('.').parse().ok()).collect()
}

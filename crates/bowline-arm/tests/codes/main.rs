//! Every error code in the sources of the server's crates is in the list, with its status.
#![allow(clippy::disallowed_methods, reason = "the test reads the sources")]
#![allow(clippy::unwrap_used, reason = "a source that cannot be read fails the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bowline_arm::codes;

/// Crates whose errors reach callers.
const CRATES: [&str; 4] = ["bowline-arm", "bowline-auth", "bowline-control", "bowline-server"];
/// How an error with a code is made: the words before the literal.
const MAKERS: [&str; 5] = ["Error::new(", "bad_request(", "conflict(", "unauthenticated_as(", "Self::new("];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && path.file_name().unwrap() != "codes.rs" {
            found.push(path);
        }
    }
}

/// The code behind a maker: an optional status, then a literal such as `"ResourceNotFound"`.
fn code_after(text: &str) -> Option<(Option<u16>, &str)> {
    let text = text.trim_start();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (status, rest) = text.split_at(digits);
    let rest = if status.is_empty() { rest } else { rest.trim_start().strip_prefix(',')?.trim_start() };
    let literal = rest.strip_prefix('"')?;
    let code = &literal[..literal.find('"')?];
    let looks = code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.len() > 3
        && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    looks.then(|| (status.parse().ok(), code))
}

/// Codes in the sources, with a place and the status where one is written beside.
fn used() -> BTreeMap<String, Vec<(Option<u16>, String)>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for name in CRATES {
        sources(&crates.join(name).join("src"), &mut files);
    }
    let mut used: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for maker in MAKERS {
            for (at, _) in product.match_indices(maker) {
                if let Some((status, code)) = code_after(&product[at + maker.len()..]) {
                    let status = match maker {
                        "bad_request(" => Some(400),
                        "conflict(" => Some(409),
                        "unauthenticated_as(" => Some(401),
                        _ => status,
                    };
                    used.entry(code.to_owned()).or_default().push((status, file.display().to_string()));
                }
            }
        }
    }
    used
}

#[test]
fn every_code_in_the_sources_is_listed_with_its_status() {
    let used = used();
    assert!(used.len() > 50, "the scan finds the codes: {}", used.len());
    let mut wrong = Vec::new();
    for (code, places) in &used {
        let Some(listed) = codes::find(code) else {
            wrong.push(format!("{code} is not listed in crates/bowline-arm/src/codes.rs: {}", places[0].1));
            continue;
        };
        for (status, place) in places {
            if status.is_some_and(|s| !listed.statuses.contains(&s)) {
                wrong.push(format!(
                    "{code} comes with {status:?} in {place}, listed are {:?}",
                    listed.statuses
                ));
            }
        }
    }
    for listed in codes::CODES {
        if !used.contains_key(listed.code) {
            println!("{} is listed and no literal in the sources is it: take it off the list", listed.code);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! House rules that no other tool knows: module docs, no test that is switched off, nothing of the machine it was made on.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::paths::Paths;

/// Looks at every file that git knows or would add.
pub(super) fn run(paths: &Paths) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&paths.root);
    let mut found = Vec::new();
    for name in command::capture(&mut git)?.lines() {
        // A file that was deleted but not yet committed, a picture, or a binary: nothing to read.
        let Ok(text) = fs::read_to_string(paths.root.join(name)) else { continue };
        found.extend(judge(name, &text).into_iter().map(|complaint| format!("{name}: {complaint}")));
    }
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    Ok(())
}

/// Words that would tell where it was made, in two halves so that this file passes its own rule.
const PLACES: [(&str, &str); 2] = [("/wo", "rk/"), ("/ro", "ot/")];

/// Hosts that packages come from: whoever builds has their own in their settings.
const HOSTS: [(&str, &str); 7] = [
    ("registry.np", "mjs.org"),
    ("registry.yar", "npkg.com"),
    ("proxy.gol", "ang.org"),
    ("sum.gol", "ang.org"),
    ("static.cra", "tes.io"),
    ("index.cra", "tes.io"),
    ("files.python", "hosted.org"),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] =
    ["manager", "managers", "helper", "helpers", "util", "utils", "common", "misc"];

/// Every rule that a file breaks.
fn judge(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, reason) in PLACES
        .map(|word| (word, "a folder of one machine"))
        .into_iter()
        .chain(HOSTS.map(|word| (word, "a package host")))
    {
        let word = [word.0, word.1].concat();
        if let Some(line) = text.lines().position(|line| line.contains(&word)) {
            found.push(format!("line {} names {word}, {reason}", line + 1));
        }
    }
    let path = Path::new(name);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => found.extend(judge_rust(path, text)),
        Some("ts" | "tsx") => found.extend(judge_typescript(text)),
        _ if path.file_name().is_some_and(|file| file == "Cargo.toml") => found.extend(judge_manifest(text)),
        _ => {}
    }
    found
}

fn judge_rust(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.lines().take(5).any(|line| line.starts_with("//!")) {
        found.push("has no `//!` doc that says what it is".to_owned());
    }
    if text.lines().any(|line| line.trim_start().starts_with("#[ignore")) {
        found.push("has an ignored test: make it run, or remove it".to_owned());
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) {
        found.push(format!("`{stem}` says nothing about what is inside"));
    }
    found
}

fn judge_typescript(text: &str) -> Vec<String> {
    let switches = ["test.only(", "describe.only(", "it.only(", "test.skip(", "describe.skip(", "it.skip("];
    let used =
        switches.into_iter().filter(|switch| text.lines().any(|line| line.trim_start().starts_with(switch)));
    used.map(|switch| format!("uses {switch}…): every test runs")).collect()
}

fn judge_manifest(text: &str) -> Option<String> {
    let parsed: toml::Table = text.parse().ok()?;
    let inherits =
        parsed.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    (parsed.contains_key("package") && inherits != Some(true))
        .then(|| "lacks `[lints] workspace = true`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_breach_and_leaves_the_rest_alone() {
        let place = ["see /wo", "rk/main"].concat();
        let cases: [(&str, &str, usize); 10] = [
            ("a/b.rs", "//! What it is.\nfn a() {}", 0),
            ("a/b.rs", "fn a() {}", 1),
            ("a/b.rs", "//! It.\n#[test]\n    #[ignore = \"slow\"]\nfn a() {}", 1),
            ("a/utils.rs", "//! It.", 1),
            ("a/b.md", "see the worker and the root of all", 0),
            ("a/b.md", &place, 1),
            ("a/b.test.ts", "  test.only(\"x\", () => {})", 1),
            ("a/Cargo.toml", "[package]\nname = \"a\"\n[lints]\nworkspace = true", 0),
            ("a/Cargo.toml", "[package]\nname = \"a\"", 1),
            ("Cargo.toml", "[workspace]\nmembers = []", 0),
        ];
        for (name, text, count) in cases {
            assert_eq!(judge(name, text).len(), count, "{name}: {text}");
        }
    }
}

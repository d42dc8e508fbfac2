//! Dependencies that no source names. A crate that is wanted only for a feature says so in its manifest:
//! `[package.metadata.bowline] unnamed-dependencies = ["ring"]`, with the reason beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::deps::{Package, metadata};
use crate::paths::Paths;

/// Looks at every crate of the workspace.
pub(super) fn run(paths: &Paths) -> Result<()> {
    let mut found = Vec::new();
    for package in metadata(paths)?.packages {
        let folder = package.manifest_path.parent().context("a manifest lies in a folder")?.to_owned();
        let mut sources = String::new();
        read_sources(&folder, &mut sources)?;
        found.extend(unnamed(&package, &sources).into_iter().map(|name| format!("{}: {name}", package.name)));
    }
    if !found.is_empty() {
        bail!("dependencies that no source names; remove them:\n{}", found.join("\n"));
    }
    Ok(())
}

fn read_sources(folder: &Path, sources: &mut String) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_sources(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            // A mention in a comment is no use.
            sources.extend(
                text.lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .flat_map(|line| [line, "\n"]),
            );
        }
    }
    Ok(())
}

fn unnamed(package: &Package, sources: &str) -> Vec<String> {
    let excused =
        package.metadata.pointer("/bowline/unnamed-dependencies").and_then(serde_json::Value::as_array);
    let is_excused = |name: &str| excused.is_some_and(|names| names.iter().any(|other| other == name));
    let mut names: Vec<_> = package
        .dependencies
        .iter()
        .map(|dependency| dependency.rename.as_ref().unwrap_or(&dependency.name))
        .collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !is_excused(name) && !has_word(sources, &name.replace('-', "_")))
        .cloned()
        .collect()
}

fn has_word(text: &str, word: &str) -> bool {
    let inside = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(start, _)| {
        !text[..start].chars().next_back().is_some_and(inside)
            && !text[start + word.len()..].chars().next().is_some_and(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_count_and_excuses_are_heard() {
        let package: Package = serde_json::from_value(serde_json::json!({
            "name": "x", "manifest_path": "Cargo.toml",
            "metadata": {"bowline": {"unnamed-dependencies": ["ring"]}},
            "dependencies": [
                {"name": "serde-json", "rename": null, "kind": null}, {"name": "url", "rename": null, "kind": null},
                {"name": "hex", "rename": null, "kind": "dev"}, {"name": "ring", "rename": null, "kind": null},
                {"name": "long-name", "rename": "short", "kind": null},
            ],
        }))
        .unwrap();
        let sources = "use serde_json::Value; let curl = 1; let hexa = short::two;";
        assert_eq!(unnamed(&package, sources), ["hex", "url"]);
    }
}

//! Builds the portal with npm, only when something that goes into it changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::paths::Paths;
use crate::{command, say};

/// What is no input: results, and what `npm ci` brings.
const RESULTS: [&str; 5] = ["node_modules", "dist", "test-results", "playwright-report", ".vite"];

fn folder(paths: &Paths) -> PathBuf {
    paths.root.join("portal")
}

/// Whether this checkout has a portal.
pub(crate) fn exists(paths: &Paths) -> bool {
    folder(paths).join("package.json").exists()
}

/// Whether it was ever built here.
pub(crate) fn was_built(paths: &Paths) -> bool {
    folder(paths).join("dist/index.html").exists()
}

/// `npm` in the portal's folder.
pub(crate) fn npm(paths: &Paths, arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(folder(paths));
    npm
}

/// Installs the packages when the lock file changed.
pub(crate) fn install(paths: &Paths) -> Result<()> {
    let wanted = digest(&[folder(paths).join("package-lock.json")])?;
    let stamp = folder(paths).join("node_modules/.bowline-lock");
    if is_stamped(&stamp, &wanted) {
        return Ok(());
    }
    say::step("Installing the portal's packages (npm ci)");
    command::run(&mut npm(paths, &["ci", "--no-audit", "--no-fund"]))
        .context("the portal's packages could not be installed; `npm config get registry` says where from")?;
    write_stamp(&stamp, &wanted)
}

/// Builds the portal when its sources changed.
pub(crate) fn build(paths: &Paths) -> Result<()> {
    if !exists(paths) {
        return Ok(());
    }
    install(paths)?;
    let mut inputs = Vec::new();
    collect(&folder(paths), &mut inputs)?;
    let openapi = paths.root.join("openapi");
    if openapi.exists() {
        collect(&openapi, &mut inputs)?;
    }
    let wanted = digest(&inputs)?;
    let stamp = folder(paths).join("dist/.bowline-inputs");
    if is_stamped(&stamp, &wanted) {
        return Ok(());
    }
    say::step("Building the portal (npm run build)");
    command::run(&mut npm(paths, &["run", "build"]))
        .context("the portal could not be built; npm's words are above")?;
    write_stamp(&stamp, &wanted)
}

/// All files below a folder that are inputs, in a fixed order.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if RESULTS.iter().any(|result| entry.file_name() == *result) {
            continue;
        }
        match entry.file_type()? {
            kind if kind.is_dir() => collect(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

/// One digest of names and contents.
fn digest(files: &[PathBuf]) -> Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        let content = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        hash.update(file.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    Ok(hex::encode(hash.finalize()))
}

fn is_stamped(stamp: &Path, wanted: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|text| text == wanted)
}

fn write_stamp(stamp: &Path, text: &str) -> Result<()> {
    fs::write(stamp, text).with_context(|| format!("{} cannot be written", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_renamed_or_added_input_changes_the_digest_and_a_result_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let now = || {
            let mut files = Vec::new();
            collect(root, &mut files).unwrap();
            digest(&files).unwrap()
        };
        fs::create_dir_all(root.join("app")).unwrap();
        fs::write(root.join("app/a.ts"), "1").unwrap();
        let first = now();
        fs::write(root.join("app/a.ts"), "2").unwrap();
        let changed = now();
        fs::rename(root.join("app/a.ts"), root.join("app/b.ts")).unwrap();
        let renamed = now();
        fs::create_dir_all(root.join("dist")).unwrap();
        fs::write(root.join("dist/x.js"), "2").unwrap();
        assert_eq!(now(), renamed);
        assert!(first != changed && changed != renamed);
    }
}

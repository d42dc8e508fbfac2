//! What is installed by pinned version from its language's registry, and kept in the cache.
//!
//! The pins decide everything that is installed. It is kept under the hash of the pins and of what installs it, so a
//! stale one is never used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{debian, go};
use crate::paths::Paths;
use crate::{command, disk, say};

/// One thing and how it is installed.
pub(super) struct Pinned {
    /// How it is called.
    pub(super) name: &'static str,
    /// The folder in the cache, before the hash.
    pub(super) kept: &'static str,
    /// The folder in the repository that holds its pins.
    pub(super) folder: &'static str,
    pub(super) what: &'static str,
    /// What decides the installation, beside [`Self::tool`]'s version.
    pub(super) pins: &'static [&'static str],
    /// What installs it; its version is part of the key.
    pub(super) tool: &'static str,
    pub(super) install: fn(&Path, &Path) -> Result<()>,
}

/// The largest installation and what it needs on the way.
const DISK: u64 = 2 << 30;
/// Written when an installation is whole.
const WHOLE: &str = ".whole";

/// Where it is, if it is installed.
pub(super) fn find(paths: &Paths, part: &Pinned) -> Result<Option<PathBuf>> {
    if command::find(part.tool).is_none() {
        return Ok(None);
    }
    Ok(Some(place(paths, part)?).filter(|place| is_whole(place)))
}

/// Finds or installs it.
pub(super) fn ensure(paths: &Paths, part: &Pinned) -> Result<PathBuf> {
    require_tool(part)?;
    let place = place(paths, part)?;
    if is_whole(&place) {
        return Ok(place);
    }
    let _lock = go::lock(&place)?;
    if !is_whole(&place) {
        say::step(format!("Installing `{}`: {}", part.name, part.what));
        disk::require(&paths.cache, DISK, &format!("installing {}", part.name))?;
        // Installed where it stays: an environment of Python cannot be moved.
        if place.exists() {
            fs::remove_dir_all(&place).with_context(|| format!("{} cannot be removed", place.display()))?;
        }
        fs::create_dir_all(&place).with_context(|| format!("{} cannot be made", place.display()))?;
        (part.install)(&paths.root.join(part.folder), &place)
            .with_context(|| format!("`{}` could not be installed", part.name))?;
        fs::write(place.join(WHOLE), "").with_context(|| format!("{} cannot be written", place.display()))?;
    }
    Ok(place)
}

fn is_whole(place: &Path) -> bool {
    place.join(WHOLE).is_file()
}

/// Where it is, or would be.
fn place(paths: &Paths, part: &Pinned) -> Result<PathBuf> {
    let version = command::capture(Command::new(part.tool).arg(version_flag(part.tool)))?;
    let mut inputs = vec![version.into_bytes()];
    for file in pins(&paths.root.join(part.folder), part.pins)? {
        inputs.push(fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?);
    }
    Ok(paths.cache.join("parts").join(format!("{}-{}", part.kept, go::key(&inputs))))
}

/// The pinning files; `*.go` stands for all of them, in a fixed order.
fn pins(folder: &Path, names: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in names {
        let Some(ending) = name.strip_prefix('*') else {
            files.push(folder.join(name));
            continue;
        };
        let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.to_string_lossy().ends_with(ending));
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn version_flag(tool: &str) -> &'static str {
    if tool == "go" { "version" } else { "--version" }
}

/// The oldest that the pinned packages accept.
const OLDEST_PYTHON: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

fn require_tool(part: &Pinned) -> Result<()> {
    let (packages, reason): (&[&str], _) = match part.tool {
        "python3" => (&["python3", "python3-venv"], "azure-cli and its SDKs run in it"),
        "npm" => (&["nodejs", "npm"], "it installs pinned packages for the tests"),
        _ => (&["golang-go"], "it compiles the Azure SDK for Go"),
    };
    let works = || match part.tool {
        "python3" => command::output(Command::new("python3").args(["-c", OLDEST_PYTHON]))
            .is_ok_and(|output| output.status.success()),
        tool => command::find(tool).is_some(),
    };
    if !works() {
        debian::install(packages, reason)?;
    }
    if !works() {
        bail!("{} is missing or too old: {reason}. Python must be 3.10 or newer, Go 1.25.", part.tool);
    }
    Ok(())
}

/// Exactly the pinned packages into an environment of their own. Nothing is compiled in advance: of azure-cli's
/// thousands of modules a run loads some hundred, and those stay compiled.
pub(super) fn with_pip(sources: &Path, place: &Path) -> Result<()> {
    command::run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    let mut pip = Command::new("nice");
    pip.args(["-n", "10"]).arg(place.join("bin/python")).args(["-m", "pip", "install"]);
    pip.args(["--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--requirement"]);
    command::run(pip.arg(sources.join("requirements.txt")).stdin(Stdio::null()))
        .context("`pip config list` says where packages come from")
}

pub(super) fn with_npm(sources: &Path, place: &Path) -> Result<()> {
    npm(sources, place, &["--ignore-scripts"])
}

/// Packages that are not whole before their own script ran.
pub(super) fn with_npm_and_scripts(sources: &Path, place: &Path) -> Result<()> {
    npm(sources, place, &[])
}

fn npm(sources: &Path, place: &Path, more: &[&str]) -> Result<()> {
    for file in ["package.json", "package-lock.json"] {
        fs::copy(sources.join(file), place.join(file)).with_context(|| format!("{file} cannot be copied"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund"]).args(more).current_dir(place);
    command::run(&mut npm).context("`npm config get registry` says where packages come from")
}

pub(super) fn with_go(sources: &Path, place: &Path) -> Result<()> {
    let mut build = Command::new("nice");
    build.args(["-n", "10", "go", "build", "-mod=readonly", "-o"]).arg(place.join("driver")).arg(".");
    build.current_dir(sources).env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false").stdin(Stdio::null());
    command::run(&mut build).context("`go env GOPROXY` says where modules come from")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn every_source_of_a_driver_is_among_its_pins() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["go.mod", "main.go", "areas.go", "notes.md"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let found = pins(folder.path(), &["go.mod", "*.go"]).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["go.mod", "areas.go", "main.go"]);
    }

    /// Its pins are in this checkout.
    pub(crate) fn check(paths: &Paths, part: &Pinned) {
        for file in pins(&paths.root.join(part.folder), part.pins).unwrap() {
            assert!(file.is_file(), "{} pins {}", part.name, file.display());
        }
    }
}

//! The real clients that the suite `clients` drives: azure-cli and the Azure SDKs for Python, JavaScript and Go.
//!
//! A client is a folder below `tests/clients/` with its pins, which decide everything that is installed. What is
//! installed is kept in the cache under the hash of the pins and of what installs it, so a stale one is never used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{debian, go};
use crate::paths::Paths;
use crate::{command, disk, say};

/// One client and how it is installed.
struct Client {
    /// The folder below `tests/clients/`.
    name: &'static str,
    what: &'static str,
    /// What decides the installation, beside [`Self::tool`]'s version.
    pins: &'static [&'static str],
    /// What installs it; its version is part of the key.
    tool: &'static str,
    install: fn(&Path, &Path) -> Result<()>,
}

const CLIENTS: [Client; 5] = [
    Client {
        name: "az",
        what: "azure-cli, 0.4 GB, about a minute",
        pins: &["requirements.txt"],
        tool: "python3",
        install: with_pip,
    },
    Client {
        name: "python",
        what: "the Azure SDKs for Python, 20 s",
        pins: &["requirements.txt"],
        tool: "python3",
        install: with_pip,
    },
    Client {
        name: "javascript",
        what: "the Azure SDKs for JavaScript, 15 s",
        pins: &["package.json", "package-lock.json"],
        tool: "npm",
        install: with_npm,
    },
    Client {
        name: "go",
        what: "the Azure SDK for Go, compiled into its driver, about a minute",
        pins: &["go.mod", "go.sum", "*.go"],
        tool: "go",
        install: with_go,
    },
    // No client, but the issuer through which people sign in: installed and kept in the same way.
    Client {
        name: "upstream",
        what: "oidc-provider, 5 s",
        pins: &["package.json", "package-lock.json"],
        tool: "npm",
        install: with_npm,
    },
];

/// The part's name, for `cargo xtask parts`.
pub(crate) const NAME: &str = "clients";
/// What it is.
pub(crate) const WHAT: &str = "azure-cli and the Azure SDKs for Python, JavaScript and Go";
/// The largest installation and what it needs on the way.
const DISK: u64 = 2 << 30;
/// Written when an installation is whole.
const WHOLE: &str = ".whole";

/// Where each client is, by the name of its folder.
pub(crate) type Places = Vec<(&'static str, PathBuf)>;

/// The folder of the clients, if all are installed.
pub(crate) fn find(paths: &Paths) -> Result<Option<PathBuf>> {
    for client in &CLIENTS {
        if command::find(client.tool).is_none() || !is_whole(&place(paths, client)?) {
            return Ok(None);
        }
    }
    Ok(Some(paths.cache.join("parts")))
}

/// Finds or installs every client: two to three minutes on two cores when none is there.
pub(crate) fn ensure(paths: &Paths) -> Result<Places> {
    CLIENTS.iter().map(|client| Ok((client.name, ensure_one(paths, client)?))).collect()
}

fn ensure_one(paths: &Paths, client: &Client) -> Result<PathBuf> {
    require_tool(client)?;
    let place = place(paths, client)?;
    if is_whole(&place) {
        return Ok(place);
    }
    let _lock = go::lock(&place)?;
    if !is_whole(&place) {
        say::step(format!("Installing the client `{}`: {}", client.name, client.what));
        disk::require(&paths.cache, DISK, &format!("installing {}", client.name))?;
        // Installed where it stays: an environment of Python cannot be moved.
        if place.exists() {
            fs::remove_dir_all(&place).with_context(|| format!("{} cannot be removed", place.display()))?;
        }
        fs::create_dir_all(&place).with_context(|| format!("{} cannot be made", place.display()))?;
        (client.install)(&sources(paths, client), &place)
            .with_context(|| format!("the client `{}` could not be installed", client.name))?;
        fs::write(place.join(WHOLE), "").with_context(|| format!("{} cannot be written", place.display()))?;
    }
    Ok(place)
}

fn sources(paths: &Paths, client: &Client) -> PathBuf {
    paths.root.join("tests/clients").join(client.name)
}

fn is_whole(place: &Path) -> bool {
    place.join(WHOLE).is_file()
}

/// Where a client is, or would be.
fn place(paths: &Paths, client: &Client) -> Result<PathBuf> {
    let version = command::capture(Command::new(client.tool).arg(version_flag(client.tool)))?;
    let mut inputs = vec![version.into_bytes()];
    for file in pins(&sources(paths, client), client.pins)? {
        inputs.push(fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?);
    }
    Ok(paths.cache.join("parts").join(format!("client-{}-{}", client.name, go::key(&inputs))))
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

fn require_tool(client: &Client) -> Result<()> {
    let (packages, reason): (&[&str], _) = match client.tool {
        "python3" => (&["python3", "python3-venv"], "azure-cli and its SDKs run in it"),
        "npm" => (&["nodejs", "npm"], "it installs the Azure SDKs for JavaScript"),
        _ => (&["golang-go"], "it compiles the Azure SDK for Go"),
    };
    let works = || match client.tool {
        "python3" => command::output(Command::new("python3").args(["-c", OLDEST_PYTHON]))
            .is_ok_and(|output| output.status.success()),
        tool => command::find(tool).is_some(),
    };
    if !works() {
        debian::install(packages, reason)?;
    }
    if !works() {
        bail!("{} is missing or too old: {reason}. Python must be 3.10 or newer, Go 1.25.", client.tool);
    }
    Ok(())
}

/// Exactly the pinned packages into an environment of their own. Nothing is compiled in advance: of azure-cli's
/// thousands of modules a run loads some hundred, and those stay compiled.
fn with_pip(sources: &Path, place: &Path) -> Result<()> {
    command::run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    let mut pip = Command::new("nice");
    pip.args(["-n", "10"]).arg(place.join("bin/python")).args(["-m", "pip", "install"]);
    pip.args(["--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--requirement"]);
    command::run(pip.arg(sources.join("requirements.txt")).stdin(Stdio::null()))
        .context("`pip config list` says where packages come from")
}

fn with_npm(sources: &Path, place: &Path) -> Result<()> {
    for file in ["package.json", "package-lock.json"] {
        fs::copy(sources.join(file), place.join(file)).with_context(|| format!("{file} cannot be copied"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(place);
    command::run(&mut npm).context("`npm config get registry` says where packages come from")
}

fn with_go(sources: &Path, place: &Path) -> Result<()> {
    let mut build = Command::new("nice");
    build.args(["-n", "10", "go", "build", "-mod=readonly", "-o"]).arg(place.join("driver")).arg(".");
    build.current_dir(sources).env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false").stdin(Stdio::null());
    command::run(&mut build).context("`go env GOPROXY` says where modules come from")
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn each_client_has_its_pins_in_this_checkout() {
        let paths = Paths::find().unwrap();
        for client in &CLIENTS {
            for file in pins(&sources(&paths, client), client.pins).unwrap() {
                assert!(file.is_file(), "{} pins {}", client.name, file.display());
            }
        }
    }
}

//! Parts that Debian packages: found where Debian puts them, installed when we may, else the command is printed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{command, say};

/// A program that comes in Debian packages.
#[derive(Debug)]
pub(crate) struct DebianPart {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    packages: &'static [&'static str],
    find: fn() -> Option<PathBuf>,
}

pub(super) static POSTGRES: DebianPart = DebianPart {
    name: "postgres",
    what: "PostgreSQL's server; the store's tests start their own, no system service is used",
    packages: &["postgresql"],
    find: newest_postgres,
};

pub(super) static CHROMIUM: DebianPart = DebianPart {
    name: "chromium",
    what: "the browser that the portal's tests drive",
    packages: &["chromium"],
    find: || command::find("chromium"),
};

pub(super) static PROMETHEUS: DebianPart = DebianPart {
    name: "prometheus",
    what: "Prometheus and promtool, which try the alert rules; tests start their own",
    packages: &["prometheus"],
    find: || command::find("promtool"),
};

pub(super) static FAKETIME: DebianPart = DebianPart {
    name: "faketime",
    what: "libfaketime, which lets the clock of one process jump, for the tests of several servers",
    packages: &["faketime"],
    find: || command::find("faketime"),
};

impl DebianPart {
    /// Where it is, if it is there.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        (self.find)()
    }
}

/// Debian keeps the servers of several versions side by side and off the PATH.
fn newest_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin/postgres")).is_file())
        .max();
    newest.map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
}

/// Finds a part, or installs it.
pub(crate) fn ensure(part: &DebianPart) -> Result<PathBuf> {
    if let Some(place) = part.find() {
        return Ok(place);
    }
    install(part.packages, part.what)?;
    match part.find() {
        Some(place) => Ok(place),
        None => bail!(
            "the packages {} are installed, but {} is not where Debian puts it",
            part.packages.join(" "),
            part.name
        ),
    }
}

/// Installs packages as root or through sudo without a password; else says what to type.
pub(crate) fn install(packages: &[&str], reason: &str) -> Result<()> {
    let typed = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if command::find("apt-get").is_none() {
        bail!(
            "{} is missing ({reason}) and this is no Debian: install it with your package manager",
            packages.join(" ")
        );
    }
    let Some(prefix) = root_prefix() else {
        bail!("{} is missing ({reason}); install it with: sudo {typed}", packages.join(" "));
    };
    say::step(format!("Installing {} from Debian, about a minute: {reason}", packages.join(" ")));
    let mut words: Vec<&str> = prefix.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
    update_lists(&words)?;
    words.extend(["install", "-y", "--no-install-recommends"]);
    words.extend(packages);
    if command::run(Command::new(words[0]).args(&words[1..])).is_err() {
        bail!(
            "Debian could not install {}; its reason is above. Try: sudo apt-get update && sudo {typed}",
            packages.join(" ")
        );
    }
    Ok(())
}

/// Fails with what to do unless Debian's package lists are there, after fetching them where we may.
pub(super) fn require_lists(reason: &str) -> Result<()> {
    if command::find("apt-get").is_none() || has_lists() {
        return Ok(());
    }
    let Some(prefix) = root_prefix() else {
        bail!("Debian's package lists are missing ({reason}); fetch them with: sudo apt-get update");
    };
    let mut words: Vec<&str> = prefix.to_vec();
    words.extend(["env", "apt-get", "-q"]);
    update_lists(&words)
}

fn update_lists(words: &[&str]) -> Result<()> {
    if has_lists() {
        return Ok(());
    }
    command::run(Command::new(words[0]).args(&words[1..]).arg("update"))
}

/// What goes before a command that needs root; nothing when we may not become root.
fn root_prefix() -> Option<&'static [&'static str]> {
    if nix::unistd::geteuid().is_root() {
        return Some(&[]);
    }
    let sudo = command::output(Command::new("sudo").args(["-n", "true"])).ok()?;
    sudo.status.success().then_some(&["sudo", "-n"])
}

/// A fresh image has no package lists, and every installation fails until they are fetched.
fn has_lists() -> bool {
    fs::read_dir("/var/lib/apt/lists").is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("Packages"))
    })
}

//! `cargo xtask check`: everything that can be said about the code without running it.

pub(crate) mod deps;
pub(crate) mod generate;
mod tidy;
mod unused;

use std::process::Command;

use anyhow::{Result, bail};

use crate::paths::Paths;
use crate::{cargo, command, say, signals};

/// One step of the gate.
struct Step {
    name: &'static str,
    /// Cheap enough for the inner loop.
    quick: bool,
    run: fn(&Paths) -> Result<()>,
}

const STEPS: [Step; 8] = [
    Step { name: "format", quick: true, run: format },
    Step { name: "tidy", quick: true, run: tidy::run },
    Step { name: "deps", quick: true, run: deps::run },
    Step { name: "unused dependencies", quick: true, run: unused::run },
    Step { name: "clippy", quick: false, run: clippy },
    Step { name: "documentation", quick: false, run: documentation },
    Step { name: "generated files", quick: false, run: generate::check },
    Step { name: "licences, bans, sources", quick: false, run: deny },
];

/// Runs every step, also after one failed, so that one run tells all.
pub(crate) fn run(paths: &Paths, quick: bool) -> Result<()> {
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| step.quick || !quick) {
        signals::check()?;
        say::step(format!("Checking: {}", step.name));
        let progress = say::Progress::start();
        match (step.run)(paths) {
            Ok(()) => say::note(format!("good, {}", say::duration(progress.finish()))),
            Err(error) => {
                say::note(format!("{error:#}"));
                failed.push(step.name);
            }
        }
    }
    signals::check()?;
    if !failed.is_empty() {
        bail!("the check failed at: {}", failed.join(", "));
    }
    Ok(())
}

fn format(paths: &Paths) -> Result<()> {
    let mut fmt = cargo::command(paths, "fmt");
    command::run(fmt.args(["--all", "--check"]))
        .map_err(|error| error.context("format it with `cargo fmt --all`"))
}

fn clippy(paths: &Paths) -> Result<()> {
    let mut clippy = cargo::command(paths, "clippy");
    command::run(clippy.args(["--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))
}

fn documentation(paths: &Paths) -> Result<()> {
    let mut doc = cargo::command(paths, "doc");
    doc.args(["--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"]);
    command::run(doc.env("RUSTDOCFLAGS", "--deny warnings"))
}

/// cargo-deny takes minutes to build, so it is used where somebody installed it, and missed aloud elsewhere.
fn deny(paths: &Paths) -> Result<()> {
    let there = command::output(Command::new("cargo-deny").arg("--version"))
        .is_ok_and(|output| output.status.success());
    if !there {
        say::note("skipped: cargo-deny is not installed (`cargo install --locked cargo-deny`)");
        return Ok(());
    }
    // No advisories: they are fetched from elsewhere and change without a commit of ours.
    command::run(cargo::command(paths, "deny").args(["--locked", "check", "licenses", "bans", "sources"]))
}

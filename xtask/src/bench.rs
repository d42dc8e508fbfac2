//! `cargo xtask bench`: builds everything as it is shipped and runs the benchmarks of `bench/` beside their peers.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::{cargo, command, parts, portal, say};

/// What is measured, and what measures.
const CRATES: [&str; 4] = ["bowline-server", "bowline-agent", "bowline-cli", "bowline-bench"];

/// Runs the benchmarks that `arguments` name; the benchmarks' own program reads the rest of them.
pub(crate) fn run(paths: &Paths, arguments: &[String]) -> Result<()> {
    parts::ensure_built(paths, &parts::KUBERNETES)?;
    portal::build(paths)?;
    let progress = say::Progress::start();
    say::step("Building Bowline and its benchmarks, optimised: about 10 min the first time");
    let mut build = cargo::command(paths, "build");
    build.args(["--release", "--locked"]);
    for name in CRATES {
        build.args(["--package", name]);
    }
    command::run(&mut build)?;
    say::note(format!("built in {}", say::duration(progress.finish())));
    let programs = paths.target.join("release");
    let mut bench = Command::new(programs.join("bowline-bench"));
    bench.arg("--programs").arg(&programs).arg("--results").arg(paths.cache.join("bench"));
    bench.env("BOWLINE_PROGRAMS", &programs);
    bench.arg("--xtask").arg(env::current_exe().context("this program has no path")?).args(arguments);
    command::run(&mut bench)
}

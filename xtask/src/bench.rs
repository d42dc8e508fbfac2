//! `cargo xtask bench`: builds everything as it is shipped and runs the benchmarks of `bench/` beside their peers.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::{cargo, command, parts, portal, say};

/// What is measured, and what measures.
const CRATES: [&str; 4] = ["bowline-server", "bowline-agent", "bowline-cli", "bowline-bench"];

/// The benchmark that runs other engines.
const ENGINES: &str = "inventory";

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
    if wanted(arguments, ENGINES) {
        bench.arg("--engines").arg(parts::engines::ensure(paths)?);
    }
    bench.arg("--xtask").arg(env::current_exe().context("this program has no path")?).args(arguments);
    command::run(&mut bench)
}

/// Whether a benchmark runs: where none is named, all do.
fn wanted(arguments: &[String], name: &str) -> bool {
    let mut named = false;
    let mut values = false;
    for argument in arguments {
        let is_name = !values && !argument.starts_with("--");
        values = argument.starts_with("--");
        if is_name && argument == name {
            return true;
        }
        named |= is_name;
    }
    !named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_runs_or_everything() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(wanted(&words(""), ENGINES) && wanted(&words("--rounds 3"), ENGINES));
        assert!(wanted(&words("mixed inventory --rounds 3"), ENGINES));
        assert!(!wanted(&words("mixed --rounds 3"), ENGINES));
    }
}

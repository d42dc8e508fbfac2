//! The suites: what each runs, and what it needs.

use std::env;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::guard::Guard;
use crate::paths::Paths;
use crate::{cargo, command, parts, portal};

/// One suite.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Part of `--quick`: needs no foreign program.
    pub(super) quick: bool,
    pub(super) exists: fn(&Paths) -> bool,
    pub(super) run: fn(&Context<'_>) -> Result<()>,
}

/// What a suite is run with.
pub(super) struct Context<'a> {
    pub(super) paths: &'a Paths,
    pub(super) guard: &'a Guard,
    pub(super) quick: bool,
}

/// In the order in which they run: the cheapest news first.
pub(super) const SUITES: [Suite; 5] = [
    Suite { name: "unit", what: "every crate by itself", quick: true, exists: |_| true, run: unit },
    Suite {
        name: "store",
        what: "the store's suite on SQLite and PostgreSQL",
        quick: false,
        exists: |paths| has(paths, "crates/bowline-store/Cargo.toml"),
        run: store,
    },
    Suite {
        name: "portal",
        what: "lint, types, tests and build",
        quick: true,
        exists: portal::exists,
        run: portal,
    },
    Suite {
        name: "e2e",
        what: "server, agents and command against real Kubernetes",
        quick: false,
        exists: |paths| has(paths, "crates/bowline-e2e/tests"),
        run: e2e,
    },
    Suite {
        name: "browser",
        what: "the portal in Chromium",
        quick: false,
        exists: |paths| has(paths, "portal/test/e2e"),
        run: browser,
    },
];

fn has(paths: &Paths, file: &str) -> bool {
    paths.root.join(file).exists()
}

/// Tests that have a suite of their own.
const APART: [&str; 2] = ["bowline-store", "bowline-e2e"];

fn unit(context: &Context<'_>) -> Result<()> {
    let mut test = cargo_test(context);
    test.arg("--workspace");
    for name in APART {
        test.args(["--exclude", name]);
    }
    if !context.quick {
        // Tests against a real API server look for this; without it they say that they were left out.
        test.env("BOWLINE_KUBERNETES", parts::ensure_built(context.paths, &parts::KUBERNETES)?);
    }
    command::run(&mut test)
}

fn store(context: &Context<'_>) -> Result<()> {
    let postgres = parts::ensure_installed(parts::postgres_part())?;
    command::run(cargo_test(context).args(["--package", "bowline-store"]).env("BOWLINE_POSTGRES", postgres))
}

fn portal(context: &Context<'_>) -> Result<()> {
    portal::install(context.paths)?;
    for script in ["lint", "typecheck", "test"] {
        npm(context, script)?;
    }
    portal::build(context.paths)
}

fn e2e(context: &Context<'_>) -> Result<()> {
    portal::build(context.paths)?;
    let mut build = cargo::command(context.paths, "build");
    for name in ["bowline-server", "bowline-agent", "bowline-cli"] {
        build.args(["--package", name]);
    }
    command::run(context.guard.mark(build.arg("--locked")))?;
    let mut test = cargo_test(context);
    test.args(["--package", "bowline-e2e"]);
    test.env("BOWLINE_KUBERNETES", parts::ensure_built(context.paths, &parts::KUBERNETES)?);
    test.env("BOWLINE_POSTGRES", parts::ensure_installed(parts::postgres_part())?);
    test.env("BOWLINE_PROGRAMS", context.paths.target.join("debug"));
    test.env("BOWLINE_XTASK", env::current_exe().context("this program has no path")?);
    command::run(&mut test)
}

fn browser(context: &Context<'_>) -> Result<()> {
    parts::ensure_installed(parts::chromium_part())?;
    portal::install(context.paths)?;
    npm(context, "test:e2e")
}

fn cargo_test(context: &Context<'_>) -> Command {
    let mut test = cargo::command(context.paths, "test");
    test.args(["--locked", "--no-fail-fast"]);
    context.guard.mark(&mut test);
    test
}

fn npm(context: &Context<'_>, script: &str) -> Result<()> {
    command::run(context.guard.mark(&mut portal::npm(context.paths, &["run", "--silent", script])))
}

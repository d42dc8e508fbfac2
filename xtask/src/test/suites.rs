//! The suites: what each runs, and what it needs.

use anyhow::{Context as _, Result};

use super::first_light;
use super::guard::Guard;
use super::programs::{self, TestProgram};
use crate::paths::Paths;
use crate::{cargo, cluster, command, parts, portal, say};

/// One suite.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Part of `--quick`: needs no foreign program.
    pub(super) quick: bool,
    pub(super) exists: fn(&Paths) -> bool,
    /// Whether it runs test programs, which are then built before.
    pub(super) compiled: bool,
    pub(super) run: fn(&Context<'_>) -> Result<()>,
}

/// What a suite is run with.
pub(super) struct Context<'a> {
    pub(super) paths: &'a Paths,
    pub(super) guard: &'a Guard,
    pub(super) programs: &'a [TestProgram],
    pub(super) quick: bool,
}

/// In the order in which they run: the cheapest news first.
pub(super) const SUITES: [Suite; 9] = [
    Suite {
        name: "unit",
        what: "every crate by itself",
        quick: true,
        exists: |_| true,
        compiled: true,
        run: unit,
    },
    Suite {
        name: "store",
        what: "the store's suite on SQLite and PostgreSQL",
        quick: false,
        exists: |paths| has(paths, "crates/bowline-store/Cargo.toml"),
        compiled: true,
        run: store,
    },
    Suite {
        name: "postgres",
        what: "the store's suite on PostgreSQL 16 to 18, servers and backups on the newest",
        quick: false,
        exists: |paths| parts::postgres::exist() && has(paths, "parts/postgres"),
        compiled: true,
        run: postgres,
    },
    Suite {
        name: "portal",
        what: "lint, types, tests and build",
        quick: true,
        exists: portal::exists,
        compiled: false,
        run: portal,
    },
    Suite {
        name: "e2e",
        what: "server, agents and command against real Kubernetes",
        quick: false,
        exists: |paths| has(paths, "crates/bowline-e2e/tests"),
        compiled: true,
        run: e2e,
    },
    Suite {
        name: "node",
        what: "the agent as a pod on a true node",
        quick: false,
        exists: |paths| has(paths, "crates/bowline-e2e/tests"),
        compiled: true,
        run: node,
    },
    Suite {
        name: "clients",
        what: "az and the Azure SDKs against the server",
        quick: false,
        exists: |paths| has(paths, "tests/clients"),
        compiled: true,
        run: clients,
    },
    Suite {
        name: "browser",
        what: "the portal in Chromium",
        quick: false,
        exists: |paths| has(paths, "portal/test/e2e"),
        compiled: false,
        run: browser,
    },
    Suite {
        name: "first-light",
        what: "`up` as a newcomer runs it, and the portal in Chromium on it",
        quick: false,
        exists: |paths| has(paths, "portal/test/real"),
        compiled: true,
        run: first_light::run,
    },
];

fn has(paths: &Paths, file: &str) -> bool {
    paths.root.join(file).exists()
}

/// Crates that have a suite of their own.
const STORE: &str = "bowline-store";
const E2E: &str = "bowline-e2e";

fn unit(context: &Context<'_>) -> Result<()> {
    let foreign = match context.quick {
        true => Vec::new(),
        false => vec![
            ("BOWLINE_KUBERNETES", parts::ensure_built(context.paths, &parts::KUBERNETES)?),
            ("BOWLINE_AZURITE", parts::azurite::ensure(context.paths)?),
        ],
    };
    let chosen = context.programs.iter().filter(|program| ![STORE, E2E].contains(&program.package.as_str()));
    programs::run(chosen, |test| {
        // Tests against foreign programs look for these; without them they say that they were left out.
        context.guard.mark(test).envs(foreign.iter().map(|(name, folder)| (name, folder)));
    })?;
    if context.quick {
        return Ok(());
    }
    let mut examples = cargo::command(context.paths, "test");
    examples.args(["--workspace", "--locked", "--doc", "--quiet"]);
    command::run(context.guard.mark(&mut examples))
}

fn store(context: &Context<'_>) -> Result<()> {
    let postgres = parts::ensure_installed(parts::postgres_part())?;
    programs::run(context.programs.iter().filter(|program| program.package == STORE), |test| {
        context.guard.mark(test).env("BOWLINE_POSTGRES", &postgres);
    })
}

/// What of the store's tests is not about PostgreSQL.
const OTHERS: [&str; 3] = ["sqlite", "opening::a_second", "opening::an_older_copy"];
/// The scenarios that ask most of the database.
const SCENARIOS: [&str; 2] = ["servers::", "backups::"];

fn postgres(context: &Context<'_>) -> Result<()> {
    let _ = parts::ensure_installed(parts::postgres_part())?;
    let of = |package| context.programs.iter().filter(move |program| program.package == package);
    let servers = parts::postgres::ensure(context.paths)?;
    for (version, folder) in &servers {
        say::note(format!("PostgreSQL {version}"));
        programs::run(of(STORE), |test| {
            context.guard.mark(test).env("BOWLINE_POSTGRES", folder);
            test.args(OTHERS.iter().flat_map(|name| ["--skip", name]));
        })?;
    }
    let (_, newest) = servers.last().context("there is a newest version")?;
    programs::run(of(E2E), |test| {
        context.guard.mark(test).env("BOWLINE_POSTGRES", newest).args(SCENARIOS);
        test.env("BOWLINE_PROGRAMS", context.paths.target.join("debug"));
    })
}

fn portal(context: &Context<'_>) -> Result<()> {
    portal::install(context.paths)?;
    for script in ["lint", "typecheck", "test"] {
        npm(context, script)?;
    }
    portal::build(context.paths)
}

/// The module of the scenarios that drive real clients: a suite of its own among those of the same program.
const CLIENTS: &str = "clients::";

/// The module of the scenarios on a node: a suite of its own, because not every machine can run one.
const NODE: &str = "node::";

fn node(context: &Context<'_>) -> Result<()> {
    if let Some(why) = cluster::node::obstacle() {
        let mut left_out = Vec::new();
        for program in context.programs.iter().filter(|program| program.package == E2E) {
            left_out.extend(programs::names(program, NODE)?);
        }
        say::note(format!("SKIPPED {} tests, because {why}:\n{}", left_out.len(), left_out.join("\n")));
        return Ok(());
    }
    let kubernetes = parts::ensure_built(context.paths, &parts::KUBERNETES)?;
    let helm = parts::ensure_built(context.paths, &parts::HELM)?;
    let _ = parts::unpacked::ensure(context.paths)?;
    programs::run(context.programs.iter().filter(|program| program.package == E2E), |test| {
        context.guard.mark(test).env("BOWLINE_KUBERNETES", &kubernetes).env("BOWLINE_HELM", &helm);
        test.env("BOWLINE_PROGRAMS", context.paths.target.join("debug")).args([
            NODE,
            "--nocapture",
            "--test-threads=2",
        ]);
        test.env("BOWLINE_XTASK", context.paths.built("xtask"));
    })
}

fn clients(context: &Context<'_>) -> Result<()> {
    let places = parts::clients::ensure(context.paths)?;
    programs::run(context.programs.iter().filter(|program| program.package == E2E), |test| {
        context.guard.mark(test).arg(CLIENTS).arg("--nocapture");
        test.env("BOWLINE_PROGRAMS", context.paths.target.join("debug"));
        for (name, place) in &places {
            test.env(format!("BOWLINE_CLIENT_{}", name.to_uppercase()), place);
        }
    })
}

fn e2e(context: &Context<'_>) -> Result<()> {
    let kubernetes = parts::ensure_built(context.paths, &parts::KUBERNETES)?;
    let helm = parts::ensure_built(context.paths, &parts::HELM)?;
    let postgres = parts::ensure_installed(parts::postgres_part())?;
    let _ = parts::ensure_installed(parts::prometheus_part())?;
    let _ = parts::ensure_installed(parts::faketime_part())?;
    // The one that was just built: building it may have replaced the file of this very process.
    let xtask = context.paths.built("xtask");
    programs::run(context.programs.iter().filter(|program| program.package == E2E), |test| {
        context.guard.mark(test).env("BOWLINE_KUBERNETES", &kubernetes).env("BOWLINE_POSTGRES", &postgres);
        test.args(["--skip", CLIENTS, "--skip", NODE]);
        test.env("BOWLINE_PROGRAMS", context.paths.target.join("debug")).env("BOWLINE_XTASK", &xtask);
        test.env("BOWLINE_HELM", &helm);
    })
}

fn browser(context: &Context<'_>) -> Result<()> {
    parts::ensure_installed(parts::chromium_part())?;
    portal::install(context.paths)?;
    npm(context, "test:e2e")
}

fn npm(context: &Context<'_>, script: &str) -> Result<()> {
    command::run(context.guard.mark(&mut portal::npm(context.paths, &["run", "--silent", script])))
}

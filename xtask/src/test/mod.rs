//! `cargo xtask test`: the gate, then every test, each suite timed against its budget.
//!
//! Design notes. A suite is a line in [`suites::SUITES`]; one that does not exist in this checkout is not listed. All
//! of them run even if one fails, because on a CI machine the next run is an hour away. What a test leaves behind is
//! removed by [`guard::Guard`], also when this process is killed.

mod budget;
mod first_light;
pub(crate) mod guard;
mod programs;
mod suites;

use anyhow::{Result, bail};

use crate::paths::Paths;
use crate::{cargo, check, portal, say, signals};
use budget::{Budgets, Outcome};
use guard::Guard;
use suites::SUITES;

/// What to run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The inner loop: no clippy, no real parts; under three minutes when warm.
    #[arg(long, conflicts_with = "suite")]
    quick: bool,
    /// Only this suite, without the check; may be repeated.
    #[arg(long, value_name = "NAME")]
    suite: Vec<String>,
}

/// `cargo xtask test`.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let budgets = Budgets::read(paths)?;
    let chosen = choose(paths, options)?;
    let cold = !paths.built("deps").exists();
    let guard = Guard::begin()?;
    say::step(format!(
        "Run {}, {} build output in {}, {}",
        guard.id(),
        if cold { "no" } else { "warm" },
        paths.target.display(),
        if cargo::in_ci() { "as in CI" } else { "as at a desk" }
    ));
    let mut outcomes = Vec::new();
    if options.suite.is_empty() {
        outcomes.push(timed("check", || check::run(paths, options.quick)));
    }
    // The portal goes first: the server has it inside.
    let mut built = Vec::new();
    if chosen.iter().any(|suite| suite.compiled) {
        signals::check()?;
        say::step("Building every program and every test");
        outcomes.push(timed("build", || {
            portal::build(paths)?;
            built = programs::build(paths, &guard)?;
            Ok(())
        }));
    }
    let context = suites::Context { paths, guard: &guard, programs: &built, quick: options.quick };
    for suite in chosen {
        signals::check()?;
        if suite.compiled && built.is_empty() {
            say::note(format!("{} cannot run: it was not built", suite.name));
            continue;
        }
        say::step(format!("Testing: {} ({})", suite.name, suite.what));
        outcomes.push(timed(suite.name, || (suite.run)(&context)));
    }
    signals::check()?;
    guard.end();
    report(&budgets, &outcomes, cold)
}

fn choose(paths: &Paths, options: &Options) -> Result<Vec<&'static suites::Suite>> {
    let there: Vec<_> = SUITES.iter().filter(|suite| (suite.exists)(paths)).collect();
    if options.suite.is_empty() {
        return Ok(there.into_iter().filter(|suite| suite.quick || !options.quick).collect());
    }
    let find = |name: &String| match there.iter().find(|suite| suite.name == name) {
        Some(suite) => Ok(*suite),
        None => {
            let names: Vec<_> = there.iter().map(|suite| suite.name).collect();
            bail!("there is no suite `{name}`; there are: {}", names.join(", "))
        }
    };
    options.suite.iter().map(find).collect()
}

fn timed(name: &'static str, run: impl FnOnce() -> Result<()>) -> Outcome {
    let progress = say::Progress::start();
    let result = run();
    if let Err(error) = &result {
        say::note(format!("{name} failed: {error:#}"));
    }
    Outcome { name, passed: result.is_ok(), time: progress.finish() }
}

fn report(budgets: &Budgets, outcomes: &[Outcome], cold: bool) -> Result<()> {
    println!("\n{}", budgets.table(outcomes, cold));
    let failed: Vec<_> =
        outcomes.iter().filter(|outcome| !outcome.passed).map(|outcome| outcome.name).collect();
    if !failed.is_empty() {
        bail!("{} of {} suites failed: {}", failed.len(), outcomes.len(), failed.join(", "));
    }
    Ok(())
}

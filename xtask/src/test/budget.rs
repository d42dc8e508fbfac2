//! `ci-budget.toml`: the minutes that each suite may take, and what it took.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::paths::Paths;
use crate::say;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budgets {
    total: Budget,
    #[serde(default)]
    suite: BTreeMap<String, Budget>,
}

/// Minutes on two cores, without and with build output from before.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    cold: f64,
    warm: f64,
}

impl Budget {
    fn time(self, cold: bool) -> Duration {
        Duration::from_secs_f64(60.0 * if cold { self.cold } else { self.warm })
    }
}

/// What became of a suite.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) passed: bool,
    pub(super) time: Duration,
}

impl Budgets {
    pub(super) fn read(paths: &Paths) -> Result<Self> {
        let file = paths.root.join("ci-budget.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not as expected", file.display()))
    }

    /// A line per suite and one for all. Going over is shown, not failed: machines differ, and a reader decides.
    pub(super) fn table(&self, outcomes: &[Outcome], cold: bool) -> String {
        let state = if cold { "cold" } else { "warm" };
        let mut lines = vec![format!(
            "{:<12} {:<7} {:>12} {:>14}",
            "suite",
            "result",
            "took",
            format!("budget, {state}")
        )];
        for outcome in outcomes {
            let budget = self.suite.get(outcome.name).map(|budget| budget.time(cold));
            lines.push(line(outcome.name, outcome.passed, outcome.time, budget));
        }
        let all = outcomes.iter().all(|outcome| outcome.passed);
        let sum = outcomes.iter().map(|outcome| outcome.time).sum();
        lines.push(line("all", all, sum, Some(self.total.time(cold))));
        lines.join("\n")
    }
}

fn line(name: &str, passed: bool, time: Duration, budget: Option<Duration>) -> String {
    let result = if passed { "passed" } else { "FAILED" };
    let over = if budget.is_some_and(|budget| time > budget) { "  over" } else { "" };
    let budget = budget.map_or_else(|| "none".to_owned(), say::duration);
    format!("{name:<12} {result:<7} {:>12} {budget:>14}{over}", say::duration(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_what_is_over_and_what_failed() {
        let budgets: Budgets =
            toml::from_str("[total]\ncold = 60\nwarm = 25\n[suite.unit]\ncold = 10\nwarm = 0.5").unwrap();
        let unit = Outcome { name: "unit", passed: true, time: Duration::from_secs(31) };
        let e2e = Outcome { name: "e2e", passed: false, time: Duration::from_secs(200) };
        let table = budgets.table(&[unit, e2e], false);
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[1].starts_with("unit") && lines[1].ends_with("30 s  over"), "{table}");
        assert!(lines[2].contains("FAILED") && lines[2].ends_with("none"), "{table}");
        assert!(
            lines[3].starts_with("all") && lines[3].contains("FAILED") && !lines[3].ends_with("over"),
            "{table}"
        );
    }
}

//! From samples to a table for people and JSON for programs.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::machine;

/// The value at a quantile of samples in any order; 0 when there are none.
pub(crate) fn quantile(samples: &[f64], q: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n => sorted[((n - 1) as f64 * q).round() as usize],
    }
}

/// The middle one.
pub(crate) fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// Least squares: how much y grows with x.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let over = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum::<f64>();
    over / points.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

/// Three significant digits, so that no figure claims more than was measured.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Prints rows under a heading, the first column to the left.
pub(crate) fn print_table(title: &str, head: &[&str], rows: &[Vec<String>]) {
    println!("\n{title}\n");
    println!("| {} |", head.join(" | "));
    println!("|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

/// What every result says beside its figures.
pub(crate) struct Report {
    name: &'static str,
    value: Value,
}

impl Report {
    /// Describes the machine and probes its disk in the folder where the servers keep their data.
    pub(crate) fn new(name: &'static str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let value = json!({
            "benchmark": name,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": machine::describe(),
            "disk": machine::probe_disk(folder.path())?,
        });
        println!("\n# {name}\nmachine {}\nappend 1 KB and fdatasync: {}", value["machine"], value["disk"]);
        Ok(Self { name, value })
    }

    /// Adds a figure.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.value[name] = value.into();
    }

    /// Writes the JSON and says where.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let seconds = machine::unix_ms() / 1000;
        let text = serde_json::to_string_pretty(&self.value)?;
        let path = machine::write_result(folder, &format!("{}-{seconds}.json", self.name), &text)?;
        println!("\nwritten to {}", path.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_and_an_empty_series_has_none() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!((quantile(&samples, 0.0), median(&samples), quantile(&samples, 1.0)), (1.0, 3.0, 5.0));
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn a_slope_ignores_what_is_there_without_any() {
        let points = [(1000.0, 120.0), (3000.0, 140.0), (5000.0, 160.0)];
        assert!((slope(&points) - 0.01).abs() < 1e-12);
    }

    #[test]
    fn figures_keep_three_digits() {
        assert_eq!([0.01234, 1.234, 12.34, 1234.5].map(short), ["0.012", "1.23", "12.3", "1234"]);
    }
}

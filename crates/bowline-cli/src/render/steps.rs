//! The steps of a longer command, each with its outcome, on standard error.
//!
//! On a terminal the running step turns; elsewhere a line appears when a step is done, and nothing moves.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// Prints steps one after another.
pub(crate) struct Steps {
    terminal: bool,
    colour: bool,
    running: Option<(String, ProgressBar)>,
}

/// Names of steps are padded to this width, so that outcomes stand below each other.
const NAME_WIDTH: usize = 22;

impl Steps {
    pub(super) const fn new(terminal: bool, colour: bool) -> Self {
        Self { terminal, colour, running: None }
    }

    /// Starts a step.
    pub(crate) fn begin(&mut self, name: &str) {
        let bar = if self.terminal {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("  {spinner:5} {msg}").expect("the template is fixed");
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.set_message(name.to_owned());
            bar
        } else {
            ProgressBar::hidden()
        };
        self.running = Some((name.to_owned(), bar));
    }

    /// Says more about the running step: shown at once everywhere, because somebody may have to act on it.
    pub(crate) fn say(&self, text: &str) {
        let line = format!("        {text}");
        match &self.running {
            Some((_, bar)) if self.terminal => bar.println(line),
            _ => eprintln!("{line}"),
        }
    }

    /// Changes what stands beside the turning sign; nothing where there is no terminal.
    pub(crate) fn waiting(&self, text: &str) {
        if let Some((name, bar)) = &self.running {
            bar.set_message(format!("{name:NAME_WIDTH$} {text}"));
        }
    }

    pub(crate) fn done(&mut self, detail: &str) {
        self.finish("ok", "32", detail);
    }

    pub(crate) fn skipped(&mut self, detail: &str) {
        self.finish("skip", "33", detail);
    }

    fn failed(&mut self, detail: &str) {
        self.finish("FAIL", "1;31", detail);
    }

    /// Ends the running step as failed, and lets the failure say which it was.
    pub(crate) fn stopped(&mut self, failure: Failure, what: &str) -> Failure {
        let Some((name, _)) = &self.running else { return failure };
        let what = format!("{what}: it stopped at '{name}'");
        let reason = failure.what.clone();
        self.failed(&reason);
        let mut why = vec![reason];
        why.extend(failure.why);
        Failure { what, why, ..failure }
    }

    fn finish(&mut self, mark: &str, colour: &str, detail: &str) {
        let Some((name, bar)) = self.running.take() else { return };
        bar.finish_and_clear();
        let (on, off) =
            if self.colour { (format!("\u{1b}[{colour}m"), "\u{1b}[0m") } else { (String::new(), "") };
        let line = format!("  {on}{mark:4}{off}  {name:NAME_WIDTH$} {detail}");
        eprintln!("{}", line.trim_end());
    }
}

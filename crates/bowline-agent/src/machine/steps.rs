//! What `connect`, `disconnect` and `check` print: each step with its outcome, and on failure which step, why, and what to try.

use std::io::{self, Write};

/// A step failed; it has been printed already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {why} {hint}")]
pub struct StepFailed {
    pub step: String,
    pub why: String,
    pub hint: String,
}

/// Prints steps as they end.
pub struct Steps<'a> {
    out: &'a mut dyn Write,
    width: usize,
}

impl<'a> Steps<'a> {
    /// Steps written to `out`, which is standard output in life.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, width: 24 }
    }

    /// A step succeeded.
    pub fn done(&mut self, step: &str, outcome: &str) -> io::Result<()> {
        let width = self.width;
        writeln!(self.out, "  ok    {step:<width$} {outcome}")?;
        self.out.flush()
    }

    /// A line that is not a step: what a person has to do, or what comes next.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "        {text}")?;
        self.out.flush()
    }

    /// A step failed.
    pub fn failed(&mut self, step: &str, why: impl Into<String>, hint: &str) -> StepFailed {
        let why = why.into();
        // The error is returned as well, so a broken pipe loses nothing.
        let _ = writeln!(self.out, "  FAIL  {step}\n        why:  {why}\n        try:  {hint}");
        let _ = self.out.flush();
        StepFailed { step: step.to_owned(), why, hint: hint.to_owned() }
    }
}

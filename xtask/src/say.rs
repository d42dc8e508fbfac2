//! What a chore tells the person who waits for it. All of it goes to standard error: standard output is for results.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// A headline: what is done now.
pub(crate) fn step(text: impl Display) {
    line(&format!("==> {text}"));
}

/// A fact below the headline.
pub(crate) fn note(text: impl Display) {
    for part in text.to_string().lines() {
        line(&format!("    {part}"));
    }
}

/// An error with its causes, the outermost first.
pub(crate) fn failure(error: &anyhow::Error) {
    line("");
    line(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        line(&format!("  because: {cause}"));
    }
}

/// Prints a line; a reader that went away is no reason to stop.
fn line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// A duration as a person says it.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A number of bytes as a person says it.
pub(crate) fn bytes(count: u64) -> String {
    if count >= 1 << 30 {
        format!("{:.1} GiB", count as f64 / f64::from(1 << 30))
    } else {
        format!("{} MiB", count >> 20)
    }
}

/// A line that is rewritten on a terminal, and repeated now and then where there is none (a log must not fill up).
pub(crate) struct Progress {
    started: Instant,
    last: Option<Instant>,
    rewrite: bool,
}

impl Progress {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), last: None, rewrite: stderr().is_terminal() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Shows where things stand, at most as often as a reader can use it.
    pub(crate) fn show(&mut self, text: impl Display) {
        let pause = if self.rewrite { Duration::from_millis(200) } else { Duration::from_secs(30) };
        let since = self.last.unwrap_or(self.started).elapsed();
        if since < pause {
            return;
        }
        self.last = Some(Instant::now());
        let text = format!("    {text}, {}", duration(self.elapsed()));
        if self.rewrite {
            let _ = write!(stderr(), "\r\x1b[2K{text}");
        } else {
            line(&text);
        }
    }

    /// Ends the line and returns how long it all took.
    pub(crate) fn finish(self) -> Duration {
        if self.rewrite && self.last.is_some() {
            let _ = write!(stderr(), "\r\x1b[2K");
        }
        self.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (millis, text) in
            [(1234, "1.2 s"), (59_000, "59 s"), (185_000, "3 min 05 s"), (7_260_000, "2 h 01 min")]
        {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn bytes_read_well() {
        assert_eq!(bytes(3 << 20), "3 MiB");
        assert_eq!(bytes(5 << 29), "2.5 GiB");
    }
}

//! What `/proc` says about processes: who a process id really is, and who carries a mark in the environment.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process that can be told from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    /// In clock ticks since the machine started.
    pub(crate) start_time: u64,
}

impl Identity {
    /// Who has this number now, zombies excluded.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, start_time) = parse_stat(&stat)?;
        (state != 'Z').then_some(Self { pid, start_time })
    }

    pub(crate) fn own() -> Option<Self> {
        Self::of(i32::try_from(std::process::id()).ok()?)
    }

    pub(crate) fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends a signal, if it is still the same process.
    pub(crate) fn signal(self, signal: Signal) {
        if self.alive() {
            // It may end in between; then there is nothing left to do.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }
}

/// State and start time: the third and the 22nd field, counted behind the name, which may contain anything.
fn parse_stat(stat: &str) -> Option<(char, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// All process ids.
pub(crate) fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Processes that were started with this `NAME=value` in their environment and that we may look at.
pub(crate) fn with_mark(mark: &str) -> Vec<Identity> {
    all().into_iter().filter(|pid| has_mark(*pid, mark)).filter_map(Identity::of).collect()
}

fn has_mark(pid: i32, mark: &str) -> bool {
    fs::read(Path::new("/proc").join(pid.to_string()).join("environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes()))
}

/// The name of a program, for messages.
pub(crate) fn name(pid: i32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 1";
        assert_eq!(parse_stat(stat), Some(('S', 98765)));
    }

    #[test]
    fn an_ended_process_is_not_alive_and_marks_are_found() {
        let mut child =
            Command::new("sleep").arg("60").env("BOWLINE_MARK_TEST", "x1").spawn().expect("sleep exists");
        let pid = i32::try_from(child.id()).expect("process ids fit");
        let identity = Identity::of(pid).expect("it runs");
        assert!(identity.alive());
        // The environment is the child's own only after its exec.
        while !with_mark("BOWLINE_MARK_TEST=x1").contains(&identity) {
            std::thread::yield_now();
        }
        assert!(!with_mark("BOWLINE_MARK_TEST=x").contains(&identity));
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        assert!(!identity.alive());
    }
}

//! Nothing of a test run remains: no process, no temporary file, no mount, no named network namespace, no control group.
//!
//! Every process of a run inherits `BOWLINE_TEST_RUN=<id>` and `TMPDIR=<tmp>/bowline-<id>`; whatever a test makes that
//! can outlive its process carries `bowline-<id>` in its name. A watcher in a session of its own waits for a pipe to
//! close. The kernel closes it however the run ends, and then the watcher removes all that carries the name.

use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::cluster::node::cgroups;
use crate::process::{self, Identity};
use crate::{command, secret};

/// The variable that marks a run's processes.
pub(super) const MARK: &str = "BOWLINE_TEST_RUN";

/// A run under watch.
#[derive(Debug)]
pub(crate) struct Guard {
    id: String,
    folder: PathBuf,
    pipe: Option<ChildStdin>,
    watcher: Child,
}

impl Guard {
    pub(super) fn begin() -> Result<Self> {
        let id = secret::random_name()?;
        let folder = env::temp_dir().join(name(&id));
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let program = env::current_exe().context("this program has no path")?;
        let mut command = Command::new(program);
        command.arg("watch").arg(&id).arg(&folder).stdin(Stdio::piped());
        let mut watcher = command.spawn().context("the watcher of the run could not be started")?;
        let pipe = watcher.stdin.take();
        Ok(Self { id, folder, pipe, watcher })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The run's own temporary folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Marks a command as part of the run.
    pub(super) fn mark<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env(MARK, &self.id).env("TMPDIR", &self.folder)
    }

    /// Cleans up now; the same happens when the guard is dropped.
    pub(super) fn end(self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.watcher.wait();
    }
}

fn name(id: &str) -> String {
    format!("bowline-{id}")
}

/// The watcher: `xtask watch ID FOLDER`, with the pipe as standard input.
pub(crate) fn watch(id: &str, folder: &Path) -> Result<()> {
    // A group leader (started from a shell, say) may not begin a session; it is watched for all the same.
    let _ = nix::unistd::setsid();
    let mut rest = [0; 64];
    while io::stdin().read(&mut rest).is_ok_and(|count| count > 0) {}
    let ended = end_processes(id, folder);
    for process in ended {
        eprintln!("    the tests left {process} running; it was ended");
    }
    remove_namespaces(id);
    remove_mounts(id);
    cgroups::remove_left();
    if folder.file_name().is_some_and(|file| *file == *name(id)) {
        let _ = fs::remove_dir_all(folder);
    }
    Ok(())
}

/// Kills until none is left, because one may start another in between. Returns what they were called.
fn end_processes(id: &str, folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..200 {
        let left = survivors(id, folder);
        if left.is_empty() {
            break;
        }
        for survivor in left {
            let name = process::name(survivor.pid).unwrap_or_default();
            names.push(format!("{name} ({})", survivor.pid));
            survivor.signal(Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(20));
    }
    names.dedup();
    names
}

/// Who has the mark; or, for those that were started without an environment, works in the run's folder.
fn survivors(id: &str, folder: &Path) -> Vec<Identity> {
    let mut found = process::with_mark(&format!("{MARK}={id}"));
    let works_there =
        |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    found.extend(process::all().into_iter().filter(works_there).filter_map(Identity::of));
    found.sort_by_key(|identity| identity.pid);
    found.dedup();
    found
}

fn remove_namespaces(id: &str) {
    let Ok(entries) = fs::read_dir("/run/netns") else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().contains(&name(id))) {
        let _ = command::output(Command::new("ip").args(["netns", "delete"]).arg(entry.file_name()));
    }
}

fn remove_mounts(id: &str) {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points =
        table.lines().filter_map(|line| line.split(' ').nth(4)).filter(|point| point.contains(&name(id)));
    // The inner ones come later in the table.
    for point in points.collect::<Vec<_>>().into_iter().rev() {
        let _ = command::output(Command::new("umount").args(["--lazy", point]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_processes_and_those_in_the_folder_are_ended_and_strangers_stay() {
        let folder = tempfile::tempdir().unwrap();
        let id = secret::random_name().unwrap();
        let sleeper = || {
            let mut command = Command::new("sleep");
            command.arg("60");
            command
        };
        let mut marked = sleeper().env(MARK, &id).spawn().unwrap();
        let mut inside = sleeper().env_clear().current_dir(folder.path()).spawn().unwrap();
        let mut stranger = sleeper().env(MARK, "another").spawn().unwrap();
        while survivors(&id, folder.path()).len() < 2 {
            thread::yield_now();
        }
        assert_eq!(end_processes(&id, folder.path()).len(), 2);
        assert!(!marked.wait().unwrap().success() && !inside.wait().unwrap().success());
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}

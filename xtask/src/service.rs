//! Programs that stay: started with a log file, ended with us whatever happens to us, and found again after a crash.
//!
//! Three nets: each is stopped in order when we end in order; the kernel kills each when our main thread ends in any
//! other way; and should one survive even that (it changed its user, say), the next start finds it by its process id
//! and start time, and ends it first. Each is its own process group, so that Ctrl-C reaches only us and the order holds.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::command;
use crate::process::Identity;

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(8);

/// One running program.
#[derive(Debug)]
pub(crate) struct Service {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    log: PathBuf,
    pid_file: PathBuf,
}

impl Service {
    /// Starts a program. `folder` gets `NAME.log` (the run before is `NAME.log.1`) and `NAME.pid`.
    ///
    /// To be called on the main thread only: see [`command::die_with_parent`].
    pub(crate) fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        let pid_file = folder.join(format!("{name}.pid"));
        end_survivor(&pid_file);
        let log = folder.join(format!("{name}.log"));
        let file = open_log(&log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command::die_with_parent(command, Signal::SIGKILL).spawn().with_context(|| {
            format!("{name} could not be started from {}", command.get_program().to_string_lossy())
        })?;
        let service = Self { name: name.to_owned(), child, ended: None, log, pid_file };
        if let Some(identity) = Identity::of(service.pid()) {
            let text = format!("{} {}\n", identity.pid, identity.start_time);
            fs::write(&service.pid_file, text)
                .with_context(|| format!("{} cannot be written", service.pid_file.display()))?;
        }
        Ok(service)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("the kernel's process ids fit")
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Fails with the end of its log if it ended.
    pub(crate) fn require_running(&mut self) -> Result<()> {
        if let Some(status) = self.ended() {
            let said = fs::read(&self.log).unwrap_or_default();
            let (name, log, outcome) = (&self.name, self.log.display(), command::outcome(status));
            bail!("{name} {outcome}; the end of its log ({log}):\n{}", command::last_lines(&said));
        }
        Ok(())
    }

    /// Asks it to end, and ends it when it does not.
    pub(crate) fn stop(&mut self) {
        if self.ended().is_none() {
            if let Some(identity) = Identity::of(self.pid()) {
                identity.signal(Signal::SIGTERM);
            }
            let asked = Instant::now();
            while self.ended().is_none() && asked.elapsed() < GRACE {
                thread::sleep(Duration::from_millis(10));
            }
        }
        self.kill();
    }

    /// Ends it without asking.
    pub(crate) fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
        let _ = fs::remove_file(&self.pid_file);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A log per run, and the one before: enough to see why it does not start again, and bounded.
fn open_log(log: &Path) -> Result<File> {
    let folder = log.parent().context("a log has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    if log.exists() {
        fs::rename(log, log.with_extension("log.1"))
            .with_context(|| format!("{} cannot be moved", log.display()))?;
    }
    File::create(log).with_context(|| format!("{} cannot be written", log.display()))
}

/// Ends what an earlier run left behind. A number that now belongs to another process is left alone.
fn end_survivor(pid_file: &Path) {
    let Some(identity) = fs::read_to_string(pid_file).ok().and_then(|text| parse(&text)) else { return };
    identity.signal(Signal::SIGKILL);
    let asked = Instant::now();
    while identity.alive() && asked.elapsed() < GRACE {
        thread::sleep(Duration::from_millis(10));
    }
}

fn parse(text: &str) -> Option<Identity> {
    let (pid, start_time) = text.trim().split_once(' ')?;
    Some(Identity { pid: pid.parse().ok()?, start_time: start_time.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo hello; exec sleep 60"]);
        command
    }

    #[test]
    fn a_service_is_stopped_when_dropped_and_keeps_the_log_before() {
        let folder = tempfile::tempdir().unwrap();
        let first = Service::start("one", &mut sleeper(), folder.path()).unwrap();
        let identity = Identity::of(first.pid()).unwrap();
        drop(first);
        assert!(!identity.alive());
        assert!(!folder.path().join("one.pid").exists());
        drop(Service::start("one", &mut sleeper(), folder.path()).unwrap());
        assert!(folder.path().join("one.log").exists() && folder.path().join("one.log.1").exists());
    }

    #[test]
    fn a_survivor_of_an_earlier_run_is_ended_first_and_a_stranger_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut survivor = sleeper().spawn().unwrap();
        let mut stranger = sleeper().spawn().unwrap();
        let of = |child: &Child| Identity::of(i32::try_from(child.id()).unwrap()).unwrap();
        let (left, other) = (of(&survivor), of(&stranger));
        fs::write(folder.path().join("one.pid"), format!("{} {}\n", left.pid, left.start_time)).unwrap();
        fs::write(folder.path().join("two.pid"), format!("{} {}\n", other.pid, other.start_time + 1))
            .unwrap();
        drop(Service::start("one", &mut sleeper(), folder.path()).unwrap());
        drop(Service::start("two", &mut sleeper(), folder.path()).unwrap());
        assert!(!left.alive());
        assert!(other.alive());
        stranger.kill().unwrap();
        survivor.wait().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn an_early_end_is_told_with_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo port is taken; exit 7"]);
        let mut service = Service::start("one", &mut command, folder.path()).unwrap();
        while service.ended().is_none() {
            thread::yield_now();
        }
        let error = service.require_running().unwrap_err().to_string();
        assert!(error.contains("one ended with exit code 7") && error.contains("port is taken"), "{error}");
    }
}

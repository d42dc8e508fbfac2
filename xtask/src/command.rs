//! Programs that run and end: found, started, waited for, and reported on in a sentence when they fail.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use anyhow::{Context, Result, bail};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, getppid};

use crate::signals;

/// Looks a program up as the shell would.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &std::path::Path) -> bool {
    nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok() && file.is_file()
}

/// Makes the program end with the thread that starts it, even if that is killed; it starts with no signal blocked.
///
/// The kernel ties this to the *thread*: so the main thread starts everything that must outlive a function.
pub(crate) fn die_with_parent(command: &mut Command, signal: Signal) -> &mut Command {
    let parent = Pid::this();
    let prepare = move || {
        prctl::set_pdeathsig(signal)?;
        SigSet::empty().thread_set_mask()?;
        if getppid() != parent {
            // The parent died before the kernel knew what to do about that.
            return Err(nix::errno::Errno::ESRCH.into());
        }
        Ok(())
    };
    #[expect(
        unsafe_code,
        reason = "prctl, sigmask and getppid are async-signal-safe system calls without allocation"
    )]
    unsafe {
        command.pre_exec(prepare)
    }
}

/// Runs a program that shows its own output; a failure names the program and its arguments.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    succeed(&text(command), status(command)?)
}

/// Runs a program that shows its own output.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    let mut child = start(command)?;
    wait(&mut child)
}

/// Runs a short program for its standard output; a failure quotes its standard error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        bail!("`{}` {}: {}", text(command), outcome(output.status), last_lines(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a short program and returns whatever came of it.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = start(command)?;
    child.wait_with_output().with_context(|| format!("`{}` could not be read", text(command)))
}

/// Starts a program that ends with us.
pub(crate) fn start(command: &mut Command) -> Result<Child> {
    signals::check()?;
    die_with_parent(command, Signal::SIGTERM).spawn().with_context(|| {
        let program = command.get_program().to_string_lossy().into_owned();
        format!("`{program}` could not be started; is it installed and on the PATH?")
    })
}

/// Waits for the end, or ends it when someone asked to stop.
pub(crate) fn wait(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().context("a child process could not be waited for")? {
            return Ok(status);
        }
        if let Err(stopped) = signals::pause() {
            let pid = i32::try_from(child.id()).context("a process id does not fit")?;
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            let _ = child.wait();
            return Err(stopped);
        }
    }
}

/// Fails with a sentence unless the program succeeded.
pub(crate) fn succeed(what: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{what}` {}", outcome(status));
    }
    Ok(())
}

/// How a program ended, as part of a sentence.
pub(crate) fn outcome(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The command as one would type it.
pub(crate) fn text(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// The end of an output: where programs say what is wrong.
pub(crate) fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_sentences() {
        let error = capture(Command::new("sh").args(["-c", "echo no luck >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c echo no luck >&2; exit 3` ended with exit code 3: no luck");
        let error = capture(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.to_string().contains("is it installed"), "{error}");
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-here").is_none());
    }

    #[test]
    fn a_started_program_has_no_blocked_signals() {
        let status = capture(Command::new("grep").args(["SigBlk", "/proc/self/status"])).unwrap();
        assert_eq!(status.split_whitespace().last(), Some("0000000000000000"));
    }
}

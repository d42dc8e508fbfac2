//! A child: started with a log, ended with us even when we are killed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::machine;

/// Settings of whoever runs this that must not reach the programs.
const FOREIGN: [&str; 10] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "KUBECONFIG",
    "BOWLINE_CONFIG_DIR",
    "BOWLINE_SERVER",
    "BOWLINE_DATABASE",
];

/// A command whose process the kernel kills when our thread ends.
pub(crate) fn command(path: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(path);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A program that stays.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; `log` gets all that it says.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let file = machine::log(log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().context("setpriv (package util-linux) starts every program here")?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("it ended; its log is {}", self.log.display()))
    }

    /// Fails with its last words if it ended.
    pub(crate) fn require_running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let said = machine::read(&self.log).unwrap_or_default();
            let said = String::from_utf8_lossy(&said[said.len().saturating_sub(2000)..]).into_owned();
            bail!("{} ended with {status}:\n{said}", self.log.display());
        }
        Ok(())
    }

    /// `kill -9`, and waits for the end.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to end, and ends it when it does not.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        if let Some(pid) = self.child.id() {
            kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
            if tokio::time::timeout(Duration::from_secs(15), self.child.wait()).await.is_err() {
                self.kill().await?;
            }
        }
        Ok(())
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let waiting = async {
        loop {
            if let Some(answer) = probe().await? {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(within, waiting)
        .await
        .with_context(|| format!("{what} did not come within {within:?}"))?
}

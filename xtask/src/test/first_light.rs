//! `cargo xtask up` as a newcomer runs it, and then the portal in Chromium on what it started.
//!
//! The browser signs in, sees both resources Connected, kills the machine's agent, and sees it go Offline. The second
//! start shows that the data is found again, and in what time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::suites::Context;
use crate::{command, net, parts, portal, say};

/// What a later start may take, on a machine that does nothing else.
const LATER_START: Duration = Duration::from_secs(10);

/// The suite.
pub(super) fn run(context: &Context<'_>) -> Result<()> {
    parts::ensure_installed(parts::chromium_part())?;
    parts::ensure_built(context.paths, &parts::KUBERNETES)?;
    portal::build(context.paths)?;
    let home = context.guard.folder().join("first-light");
    fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
    let [port] = net::free_ports()?;
    let outcome = start(context, &home, port).and_then(|()| browse(context, &home, port));
    stop(context, &home)?;
    outcome?;
    let progress = say::Progress::start();
    let again = start(context, &home, port);
    let took = progress.finish();
    stop(context, &home)?;
    again?;
    say::note(format!("the second start took {}", say::duration(took)));
    if took > LATER_START {
        say::note("that is over the promised 10 s; on a busy machine it says little");
    }
    Ok(())
}

fn xtask(context: &Context<'_>, home: &Path) -> Result<Command> {
    let mut xtask = Command::new(context.paths.built("xtask"));
    context.guard.mark(&mut xtask).env("XDG_DATA_HOME", home);
    Ok(xtask)
}

fn start(context: &Context<'_>, home: &Path, port: u16) -> Result<()> {
    // Built already, and with the same dependencies as the tests: building again would select others.
    command::run(xtask(context, home)?.args(["up", "--no-build", "--detach", "--port", &port.to_string()]))
}

fn stop(context: &Context<'_>, home: &Path) -> Result<()> {
    command::run(xtask(context, home)?.arg("down"))
}

fn browse(context: &Context<'_>, home: &Path, port: u16) -> Result<()> {
    let data = home.join("bowline");
    let mut browser = portal::npm(context.paths, &["run", "--silent", "test:real"]);
    browser.env("BOWLINE_URL", format!("https://localhost:{port}"));
    browser.env("BOWLINE_USERNAME", "admin").env("BOWLINE_PASSWORD_FILE", data.join("admin-password"));
    browser.env("BOWLINE_CLUSTER", "local").env("BOWLINE_MACHINE", crate::up::machine_name()?);
    browser.env("BOWLINE_KILL_PID", pid(&data.join("logs/machine-agent.pid"))?);
    command::run(context.guard.mark(&mut browser))
}

fn pid(file: &PathBuf) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    match text.split_whitespace().next() {
        Some(pid) => Ok(pid.to_owned()),
        None => bail!("{} holds no process id", file.display()),
    }
}

//! Who runs Bowline on this data: the record of it, the way to the background, and `cargo xtask down`.

use std::env;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::Options;
use crate::paths::Paths;
use crate::process::Identity;
use crate::{command, say, secret, signals};

/// How long an orderly end may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// Written by the process that runs everything.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) identity: Identity,
    port: u16,
    /// Where it is, unless on the loopback.
    #[serde(default)]
    host: Option<Ipv4Addr>,
    /// Whether both resources were seen Connected.
    pub(super) ready: bool,
}

impl Record {
    pub(super) fn new(port: u16) -> Result<Self> {
        let identity = Identity::own().context("/proc does not show this process; is it mounted?")?;
        Ok(Self { identity, port, host: None, ready: false })
    }

    pub(super) fn set_host(&mut self, host: Ipv4Addr) {
        self.host = Some(host).filter(|host| !host.is_loopback());
    }

    pub(super) fn url(&self) -> String {
        let host = self.host.map_or_else(|| "localhost".to_owned(), |host| host.to_string());
        format!("https://{host}:{}/portal/", self.port)
    }

    pub(super) fn write(&self, paths: &Paths) -> Result<()> {
        secret::write_private(&file(paths), &serde_json::to_string(self)?)
    }

    fn read(paths: &Paths) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(file(paths)).ok()?).ok()
    }
}

fn file(paths: &Paths) -> PathBuf {
    paths.data.join("up.json")
}

/// Removes the record at an orderly end.
pub(super) fn clear(paths: &Paths) {
    let _ = fs::remove_file(file(paths));
}

/// Who runs now, if anyone does.
pub(super) fn find(paths: &Paths) -> Result<Option<Record>> {
    Ok(Record::read(paths).filter(|record| record.identity.alive()))
}

/// One `up` on one folder; the kernel lets go of the lock however the process ends.
pub(super) fn lock(paths: &Paths) -> Result<File> {
    let path = paths.data.join("up.lock");
    let lock = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    if lock.try_lock().is_err() {
        bail!(
            "another `cargo xtask up` is starting on {}; wait for it, or stop it with Ctrl-C there",
            paths.data.display()
        );
    }
    Ok(lock)
}

/// Starts the same chore without a terminal, and returns when it is ready.
pub(super) fn detach(paths: &Paths, options: &Options) -> Result<()> {
    let log = paths.data.join("logs/up.log");
    fs::create_dir_all(paths.data.join("logs"))?;
    let output = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let mut again = Command::new(env::current_exe().context("this program has no path")?);
    again.args(["up", "--detached", "--port", &options.port.to_string()]);
    if options.no_cluster {
        again.arg("--no-cluster");
    }
    if options.node {
        again.arg("--node");
    }
    if let Some(kubeconfig) = &options.kubeconfig {
        again.arg("--kubeconfig").arg(std::path::absolute(kubeconfig)?);
    }
    again.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).current_dir(&paths.data);
    let mut child = again.spawn().context("the process for the background could not be started")?;
    say::step(format!("Starting in the background; its log is {}", log.display()));
    loop {
        if find(paths)?.is_some_and(|record| record.ready && record.identity.pid == pid(&child)) {
            print!("{}", tail(&fs::read_to_string(&log).unwrap_or_default()));
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            bail!(
                "it {}: {}",
                command::outcome(status),
                command::last_lines(&fs::read(&log).unwrap_or_default())
            );
        }
        if let Err(stopped) = signals::pause() {
            if let Some(identity) = Identity::of(pid(&child)) {
                identity.signal(Signal::SIGTERM);
            }
            let _ = child.wait();
            return Err(stopped);
        }
    }
}

/// A session of its own: neither Ctrl-C nor the end of the terminal reaches it.
pub(super) fn leave_terminal() -> Result<()> {
    nix::unistd::setsid().context("the terminal cannot be left")?;
    Ok(())
}

fn pid(child: &std::process::Child) -> i32 {
    i32::try_from(child.id()).expect("the kernel's process ids fit")
}

/// The summary in the log: what follows the last headline's notes.
fn tail(log: &str) -> &str {
    log.find(super::summary::FIRST_LINE).map_or("", |start| &log[start..])
}

/// `cargo xtask down`: an orderly end, or after a while a certain one.
pub(crate) fn down(paths: &Paths) -> Result<()> {
    let Some(record) = find(paths)? else {
        println!("Bowline does not run here ({}).", paths.data.display());
        return Ok(());
    };
    say::step(format!("Stopping process {}", record.identity.pid));
    record.identity.signal(Signal::SIGTERM);
    let asked = Instant::now();
    while record.identity.alive() && asked.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    if record.identity.alive() {
        say::note("it did not end by itself and is killed; the kernel ends its children with it");
        record.identity.signal(Signal::SIGKILL);
    }
    clear(paths);
    println!("Stopped. The data stays in {}; `cargo xtask up` goes on from there.", paths.data.display());
    Ok(())
}

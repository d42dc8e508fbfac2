//! A network of the cluster's own: a namespace, and a pair of devices that joins it with this machine.
//!
//! Design notes. The namespace has no name: it is there for as long as a process is in it, so a killed run leaves
//! nothing. The addresses are of the block for benchmarks (RFC 2544), which no site uses; the device's name says which
//! four of them are taken, and the kernel gives a name once. Nothing leads from there to other machines.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::service::Service;
use crate::{command, signals};

/// How many there may be on one machine.
const MOST: u8 = 64;

/// One network; it goes when the last process in it ends.
#[derive(Debug)]
pub(super) struct Network {
    holder: Service,
    number: u8,
}

impl Network {
    /// Makes one. To be called on the main thread: see [`command::die_with_parent`].
    pub(super) fn create(folder: &Path) -> Result<Self> {
        for program in ["ip", "nsenter", "unshare"] {
            if command::find(program).is_none() {
                bail!("`{program}` is missing: a node needs the packages iproute2 and util-linux");
            }
        }
        let mut holder = Command::new("unshare");
        holder.args(["--net", "--", "sleep", "infinity"]);
        let mut network = Self { holder: Service::start("network", &mut holder, folder)?, number: 0 };
        let own = fs::read_link("/proc/self/ns/net").context("this kernel has no network namespaces")?;
        while fs::read_link(network.namespace()).ok().is_none_or(|there| there == own) {
            network.holder.require_running().context("a network namespace could not be made")?;
            signals::pause()?;
        }
        network.number = network.join(last(folder))?;
        fs::write(folder.join("network"), network.number.to_string())?;
        network.configure()?;
        Ok(network)
    }

    /// The number that says the addresses and the names.
    pub(super) fn number(&self) -> u8 {
        self.number
    }

    /// This machine, as pods see it.
    pub(super) fn host(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, 1)
    }

    /// The node, as this machine sees it.
    pub(super) fn node(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, 2)
    }

    /// A command that will run inside.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.namespace().display())).arg("--").arg(program);
        command
    }

    fn namespace(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.holder.pid()))
    }

    /// Takes the first number that is free, the last one if it can.
    fn join(&self, last: Option<u8>) -> Result<u8> {
        let mut said = String::new();
        for number in last.into_iter().chain(0..MOST) {
            let device = device(number);
            if Path::new("/sys/class/net").join(&device).exists() {
                continue;
            }
            let pid = self.holder.pid().to_string();
            let mut add = Command::new("ip");
            add.args(["link", "add", &device, "type", "veth", "peer", "name", "eth0", "netns", &pid]);
            match command::capture(&mut add) {
                Ok(_) => return Ok(number),
                Err(error) => said = error.to_string(),
            }
        }
        bail!("no network could be made for the node: {said}")
    }

    fn configure(&self) -> Result<()> {
        let device = device(self.number);
        let (host, node) = (self.host().to_string(), self.node().to_string());
        ip(&mut Command::new("ip"), &["address", "add", &format!("{host}/30"), "dev", &device])?;
        ip(&mut Command::new("ip"), &["link", "set", &device, "up"])?;
        for arguments in [
            &["link", "set", "lo", "up"][..],
            &["address", "add", &format!("{node}/30"), "dev", "eth0"],
            &["link", "set", "eth0", "up"],
            &["route", "add", "default", "via", &host],
        ] {
            ip(&mut self.command(Path::new("ip")), arguments)?;
        }
        Ok(())
    }
}

fn device(number: u8) -> String {
    format!("bowline{number}")
}

/// The number of last time, so that kubeconfigs which were handed out stay right.
fn last(folder: &Path) -> Option<u8> {
    fs::read_to_string(folder.join("network")).ok()?.trim().parse().ok().filter(|number| *number < MOST)
}

fn ip(command: &mut Command, arguments: &[&str]) -> Result<()> {
    command::capture(command.args(arguments)).map(drop)
}

//! A node beside the control plane: containerd, kubelet and kube-proxy, where pods really run.
//!
//! All of it is one process for this machine, `xtask node` ([`inside`]), the first in namespaces of its own for
//! processes and mounts, in the network that the control plane is in. When that process ends, however it ends, the
//! kernel ends everything in it with it: runtimes, containers, mounts. That is also how the node is "switched off".
//!
//! Design notes. Nothing of this machine is changed: settings of the kernel that the kubelet insists on are files laid
//! over `/proc/sys` inside, `/run` and what programs write below `/var` are laid over too. Control groups cannot be
//! laid over; they are made and removed from outside ([`cgroups`]).

pub(crate) mod cgroups;
mod images;
pub(crate) mod inside;
mod settings;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::network::Network;
use crate::service::Service;
use crate::{command, image};
use cgroups::Cgroups;

/// How the node is called.
pub(crate) const NAME: &str = "node-1";
/// The addresses of pods.
const PODS: &str = "10.244.0.0/24";
/// Where programs that are started inside find containerd, whatever the node.
const SOCKET: &str = "/run/containerd/containerd.sock";

/// What a node is made from.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// The folder of the Kubernetes programs.
    pub(super) kubernetes: PathBuf,
    /// What was unpacked from Debian's packages.
    pub(super) unpacked: PathBuf,
}

/// A running node; it is switched off when dropped.
#[derive(Debug)]
pub(super) struct Node {
    // First, because its end must come before the groups are removed.
    service: Service,
    folder: PathBuf,
    _cgroups: Cgroups,
}

/// Why this machine cannot run a node, if it cannot.
pub(crate) fn obstacle() -> Option<&'static str> {
    if !nix::unistd::geteuid().is_root() {
        return Some("a node needs root: it makes namespaces, mounts and control groups");
    }
    if !Path::new("/sys/fs/cgroup").exists() {
        return Some("a node needs control groups, and /sys/fs/cgroup is not there");
    }
    None
}

impl Node {
    /// Switches the node on; its data is kept in the folder. To be called on the main thread.
    pub(super) fn start(parts: &Parts, network: &Network, folder: &Path) -> Result<Self> {
        if let Some(why) = obstacle() {
            bail!("{why}");
        }
        for covered in inside::COVERED {
            if [folder, &parts.kubernetes, &parts.unpacked].iter().any(|path| path.starts_with(covered)) {
                bail!(
                    "a node's data and programs may not lie below {covered}: set XDG_CACHE_HOME, XDG_DATA_HOME or --dir"
                );
            }
        }
        let place = folder.join("node");
        fs::create_dir_all(&place).with_context(|| format!("{} cannot be made", place.display()))?;
        images::write(&place.join("images"), &parts.unpacked)?;
        let cgroups = Cgroups::create(network.number())?;
        settings::write(folder, &place, &parts.unpacked, network.node(), cgroups.name())?;
        let mut unshare = network.command(Path::new("unshare"));
        unshare.args(["--mount", "--mount-proc", "--pid", "--fork", "--kill-child=KILL", "--"]);
        unshare.arg(env::current_exe().context("this program has no path")?);
        unshare.arg("node").arg("--folder").arg(&place).arg("--control-plane").arg(folder);
        unshare.arg("--kubernetes").arg(&parts.kubernetes).arg("--unpacked").arg(&parts.unpacked);
        let service = Service::start("node", &mut unshare, folder)?;
        Ok(Self { service, folder: place, _cgroups: cgroups })
    }

    pub(super) fn require_running(&mut self) -> Result<()> {
        self.service
            .require_running()
            .with_context(|| format!("the node stopped; its logs are in {}", self.folder.display()))
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.service.ended().is_some()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A process that is the first of its namespace is not asked: what it runs would not be asked either.
        self.service.kill();
    }
}

/// Imports an image layout into the node of a cluster, under this name and the layout's tag.
pub(crate) fn import(folder: &Path, unpacked: &Path, layout: &Path, name: &str) -> Result<()> {
    let pid_file = folder.join("node.pid");
    let text = fs::read_to_string(&pid_file)
        .with_context(|| format!("no node runs on {} ({})", folder.display(), pid_file.display()))?;
    let outer = text.split(' ').next().unwrap_or_default();
    let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap_or_default();
    let Some(inner) = children.split_whitespace().next() else {
        bail!("the node on {} does not run", folder.display());
    };
    let mut ctr = Command::new("nsenter");
    ctr.args(["--target", inner, "--mount", "--"]).arg(unpacked.join("usr/bin/ctr"));
    ctr.args(["--address", SOCKET, "--namespace", "k8s.io", "images", "import", "--base-name", name, "-"]);
    ctr.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command::start(&mut ctr)?;
    let input = child.stdin.take().context("the standard input is a pipe")?;
    // What the importer says about a broken archive is better than "broken pipe".
    let packed = image::archive(layout, input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the image could not be imported: {}", command::last_lines(&output.stderr));
    }
    packed
}

//! `xtask node`: the first process of the node, inside its namespaces. It starts the node's programs and ends when one of them does.
//!
//! Design notes. As the first process of its namespace it inherits every orphan: containerd's shims are its children
//! sooner or later, so it waits for all that end, its own and others'.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{NAME, PODS, SOCKET, images};
use crate::{command, image, signals};

/// What is empty inside, whatever this machine has there.
pub(super) const COVERED: [&str; 3] = ["/run", "/var/lib", "/var/log"];
/// What the kubelet would write, and what it would write there.
const KERNEL: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];
/// How long containerd may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What [`super::Node::start`] says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    control_plane: PathBuf,
    #[arg(long)]
    kubernetes: PathBuf,
    #[arg(long)]
    unpacked: PathBuf,
}

/// Runs the node until one of its programs ends or somebody asks to stop.
pub(crate) fn run(options: &Options) -> Result<()> {
    if std::process::id() != 1 {
        bail!("this is a part of `cargo xtask cluster up --node`, and started by it");
    }
    let kubelet = options.folder.join("kubelet");
    mounts(&kubelet)?;
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("pods' packets cannot be passed on")?;
    masquerade(options)?;
    let mut children = vec![(
        "containerd",
        options
            .start("containerd", options.tool("usr/bin/containerd"), |command| {
                command.arg("--config").arg(options.folder.join("containerd.toml"));
            })?
            .id(),
    )];
    wait_for_containerd(options, &children)?;
    for (name, file) in [(images::PAUSE, "pause"), (images::SHELL, "busybox")] {
        import(options, &options.folder.join("images").join(file), name)?;
    }
    let of = |file: &str| options.folder.join(file);
    let child = options.start("kubelet", options.kubernetes.join("kubelet"), |command| {
        command.arg("--config").arg(of("kubelet.json")).arg("--root-dir").arg(&kubelet);
        command.arg("--kubeconfig").arg(options.control_plane.join("kubelet.kubeconfig"));
        command.args(["--hostname-override", NAME, "--v=2"]);
    })?;
    children.push(("kubelet", child.id()));
    let child = options.start("kube-proxy", options.kubernetes.join("kube-proxy"), |command| {
        command.arg("--config").arg(of("kube-proxy.json"));
    })?;
    children.push(("kube-proxy", child.id()));
    loop {
        signals::pause()?;
        reap(&children)?;
    }
}

impl Options {
    fn tool(&self, path: &str) -> PathBuf {
        self.unpacked.join(path)
    }

    /// A program of Debian's with its libraries, or one that calls such programs.
    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        let own = ["usr/sbin", "usr/bin"].map(|folder| self.unpacked.join(folder));
        let others = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(own.into_iter().chain(env::split_paths(&others)));
        if let Ok(path) = path {
            command.env("PATH", path);
        }
        let libraries =
            ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|folder| self.unpacked.join(folder));
        if let Ok(libraries) = env::join_paths(libraries) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    fn start(&self, name: &str, program: PathBuf, add: impl FnOnce(&mut Command)) -> Result<Child> {
        let log = self.folder.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut command = self.command(program);
        add(&mut command);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        command::start(&mut command)
    }
}

/// Lays over what the node must not see or change, and makes what is mounted for pods visible to their containers.
fn mounts(kubelet: &Path) -> Result<()> {
    for place in COVERED {
        mount(&["-t", "tmpfs", "-o", "mode=755", "tmpfs", place])?;
    }
    for folder in ["/run/containerd", "/run/netns", "/run/kernel", "/var/lib/kubelet", "/var/log/containers"]
    {
        fs::create_dir_all(folder)?;
    }
    for (number, (name, value)) in KERNEL.iter().enumerate() {
        let setting = Path::new("/proc/sys").join(name);
        if setting.exists() {
            let file = format!("/run/kernel/{number}");
            fs::write(&file, format!("{value}\n"))?;
            mount(&["--bind", &file, &setting.to_string_lossy()])?;
        }
    }
    // The kubelet looks its own name up; without an answer it waits for one, again and again.
    for (file, text) in [
        ("hosts", format!("127.0.0.1 localhost {NAME}\n")),
        ("resolv.conf", "nameserver 127.0.0.1\n".to_owned()),
    ] {
        let (own, place) = (format!("/run/{file}"), format!("/etc/{file}"));
        fs::write(&own, text)?;
        if Path::new(&place).exists() {
            mount(&["--bind", &own, &place])?;
        }
    }
    fs::create_dir_all(kubelet).with_context(|| format!("{} cannot be made", kubelet.display()))?;
    fs::set_permissions(kubelet, fs::Permissions::from_mode(0o750))?;
    let kubelet = kubelet.to_string_lossy();
    mount(&["--bind", &kubelet, &kubelet])?;
    mount(&["--make-rshared", &kubelet])
}

fn mount(arguments: &[&str]) -> Result<()> {
    command::capture(Command::new("mount").args(arguments)).map(drop)
}

/// What leaves the node carries the node's address: this machine knows no way to pods.
fn masquerade(options: &Options) -> Result<()> {
    // After a power cut of the node the network is still there, and so is the table.
    let rules = format!(
        "table ip bowline {{}}\ndelete table ip bowline\ntable ip bowline {{\nchain out {{\n\
         type nat hook postrouting priority srcnat;\n\
         ip saddr {PODS} ip daddr != {PODS} oifname \"eth0\" masquerade\n}}\n}}\n"
    );
    fs::write("/run/rules", rules)?;
    let mut nft = options.command(options.tool("usr/sbin/nft"));
    command::capture(nft.args(["-f", "/run/rules"]))
        .map(drop)
        .context("the kernel does not take the rule for pods' packets")
}

fn wait_for_containerd(options: &Options, children: &[(&str, u32)]) -> Result<()> {
    let begun = Instant::now();
    loop {
        let mut ctr = options.command(options.tool("usr/bin/ctr"));
        ctr.args(["--address", SOCKET, "version"]);
        if command::output(&mut ctr).is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        reap(children)?;
        if begun.elapsed() > PATIENCE {
            bail!("containerd does not answer; its log is in {}", options.folder.display());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn import(options: &Options, layout: &Path, name: &str) -> Result<()> {
    let archive = Path::new("/run/image.tar");
    image::archive(layout, File::create(archive)?)?;
    let mut ctr = options.command(options.tool("usr/bin/ctr"));
    ctr.args(["--address", SOCKET, "--namespace", "k8s.io", "images", "import", "--base-name", name]);
    command::capture(ctr.arg(archive))?;
    Ok(fs::remove_file(archive)?)
}

/// Waits for everything that has ended; fails when it was one of the node's programs.
fn reap(children: &[(&str, u32)]) -> Result<()> {
    loop {
        let ended = match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(()),
            Ok(status) => status.pid(),
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error).context("the node's processes cannot be waited for"),
        };
        let own = children.iter().find(|(_, id)| ended.is_some_and(|pid| pid.as_raw().unsigned_abs() == *id));
        if let Some((name, _)) = own {
            bail!("{name} ended; its log says why");
        }
    }
}

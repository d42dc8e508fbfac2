//! The node of a [`Cluster`]: what runs on it, what it is given, how it loses its power, and what is left of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::{Cluster, xtask};
use crate::program::{binary, clean};

/// Whether this machine can run a node; else it says which test does not run.
#[must_use]
pub fn can_run(test: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        // Not through the captured output: a test that did not run must be seen.
        let _ = writeln!(std::io::stderr(), "skipped: {test}: a node needs root");
    }
    root
}

impl Cluster {
    /// This machine's address as the pods see it.
    ///
    /// # Panics
    /// When the cluster has no node.
    #[must_use]
    pub fn host(&self) -> String {
        let file = self.folder.path().join("cluster/network");
        let number = std::fs::read_to_string(file).expect("the cluster was started with a node");
        format!("198.18.{}.1", number.trim())
    }

    /// Brings the agent as it was built for these tests to the node, as the image that the chart names.
    ///
    /// # Panics
    /// When it cannot be made or imported.
    pub fn import_agent(&self) {
        let layout = self.folder.path().join("image");
        let chore = |arguments: &[&std::ffi::OsStr]| {
            let output = clean(Command::new(xtask()).args(arguments)).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let agent = binary("bowline-agent");
        let of = std::ffi::OsStr::new;
        chore(&[of("image"), of("--out"), layout.as_os_str(), of("--binary"), agent.as_os_str()]);
        let dir = self.folder.path().join("cluster");
        let name = of("localhost/bowline-agent");
        chore(&[
            of("cluster"),
            of("import"),
            of("--dir"),
            dir.as_os_str(),
            of("--name"),
            name,
            layout.as_os_str(),
        ]);
    }

    /// Switches the node off, as a power cut does; whoever runs the cluster switches it on again.
    ///
    /// # Panics
    /// When there is none.
    pub fn cut_power(&self) {
        let file = self.folder.path().join("cluster/node.pid");
        let text = std::fs::read_to_string(file).expect("the node runs");
        let pid: i32 = text.split(' ').next().and_then(|pid| pid.parse().ok()).expect("a process id");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    }

    /// The processes of this machine that run a program in a pod of the node.
    #[must_use]
    pub fn processes(&self, program: &str) -> Vec<i32> {
        let group = format!("/bowline-node-{}/", number(&self.host()));
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let read = |pid: i32, file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
        pids.filter(|pid| {
            read(*pid, "comm").is_ok_and(|name| name.trim() == program)
                && read(*pid, "cgroup").is_ok_and(|groups| groups.contains(&group))
        })
        .collect()
    }

    /// `kill -9` of who runs the cluster.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What is on this machine of the node with this address: processes, mounts, devices.
    ///
    /// # Panics
    /// When `/proc` cannot be read.
    #[must_use]
    pub fn remains(&self, host: &str) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        let number = number(host);
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(&folder) {
                found.push(format!("process {line}"));
            }
        }
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        found.extend(mounts.lines().filter(|line| line.contains(&folder)).map(str::to_owned));
        let device = format!("/sys/class/net/bowline{number}");
        found.extend(Some(device).filter(|device| Path::new(device).exists()));
        found
    }

    /// The control groups of the node with this address.
    #[must_use]
    pub fn groups(host: &str) -> Vec<PathBuf> {
        let name = format!("bowline-node-{}", number(host));
        let root = Path::new("/sys/fs/cgroup");
        let below = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
        below
            .chain([root.to_owned()])
            .map(|hierarchy| hierarchy.join(&name))
            .filter(|group| group.exists())
            .collect()
    }
}

fn number(host: &str) -> &str {
    host.split('.').nth(2).unwrap_or_default()
}

//! The control groups that the node's containers are in: made before, removed after, in each hierarchy of this kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";
/// How the groups begin; what follows is the number of the node's network.
const PREFIX: &str = "bowline-node-";
/// How long the kernel may take to let go of ended processes.
const PATIENCE: Duration = Duration::from_secs(5);

/// A group below the root of every hierarchy, removed when dropped.
#[derive(Debug)]
pub(super) struct Cgroups {
    name: String,
}

impl Cgroups {
    /// Makes them; what an earlier run left under the same name goes first.
    pub(super) fn create(number: u8) -> Result<Self> {
        let name = format!("{PREFIX}{number}");
        let groups = Self { name: name.clone() };
        groups.remove();
        for hierarchy in hierarchies() {
            if is_unified(&hierarchy) {
                enable_controllers(&hierarchy);
            }
            let group = hierarchy.join(&name);
            fs::create_dir_all(&group).with_context(|| format!("{} cannot be made", group.display()))?;
            // In the first version of the interface, what is allowed below must be said first.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let (from, to) = (hierarchy.join(file), group.join(file));
                if !is_unified(&hierarchy) && to.exists() {
                    fs::write(&to, fs::read(&from)?)
                        .with_context(|| format!("{} cannot be written", to.display()))?;
                }
            }
        }
        Ok(groups)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn remove(&self) {
        let asked = Instant::now();
        let mut left: Vec<_> = hierarchies().iter().map(|hierarchy| hierarchy.join(&self.name)).collect();
        // Where both versions of the interface are there, runc makes groups in the second too.
        left.push(Path::new(ROOT).join("unified").join(&self.name));
        loop {
            left.retain(|group| group.exists());
            if left.is_empty() || asked.elapsed() > PATIENCE {
                return;
            }
            left.iter().for_each(|group| remove_below(group));
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes the groups of nodes that were killed: those whose network is not there any more.
pub(crate) fn remove_left() {
    let mut roots = hierarchies();
    roots.push(Path::new(ROOT).join("unified"));
    for entry in roots.iter().filter_map(|root| fs::read_dir(root).ok()).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix(PREFIX) else { continue };
        if !Path::new("/sys/class/net").join(format!("bowline{number}")).exists() {
            remove_below(&entry.path());
        }
    }
}

/// In the second version of the interface a group has the controllers that the one above hands down, and the kubelet wants all.
fn enable_controllers(hierarchy: &Path) {
    let known = fs::read_to_string(hierarchy.join("cgroup.controllers")).unwrap_or_default();
    for controller in known.split_whitespace() {
        // One that cannot be handed down is missed by the kubelet, which says so better.
        let _ = fs::write(hierarchy.join("cgroup.subtree_control"), format!("+{controller}"));
    }
}

fn is_unified(hierarchy: &Path) -> bool {
    hierarchy.join("cgroup.controllers").exists()
}

/// The one of the second version, or all of the first; `cpu` and its like may be links to one that has both.
fn hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from(ROOT);
    if is_unified(&root) {
        return vec![root];
    }
    let Ok(entries) = fs::read_dir(&root) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let folders = folders.map(|entry| entry.path());
    folders.filter(|path| path.join("cgroup.procs").exists() && !is_unified(path)).collect()
}

/// The innermost first; one that still has a process stays for the next look.
fn remove_below(group: &Path) {
    let Ok(entries) = fs::read_dir(group) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_below(&entry.path());
    }
    let _ = fs::remove_dir(group);
}

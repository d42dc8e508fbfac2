//! Disks, and how much of them the mounted file systems use.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{HostFiles, calls::FileSystem};

/// The kernel counts sectors of this size, whatever the disk's own is.
const SECTOR: u64 = 512;
/// Devices that are no disks of the host.
const NOT_DISKS: [&str; 7] = ["loop", "ram", "zram", "sr", "fd", "dm-", "md"];

/// A mount of a block device.
pub(super) struct Mount {
    pub(super) device: String,
    pub(super) path: String,
}

/// The mounts of block devices, each device once.
pub(super) fn block_mounts(files: &HostFiles) -> Vec<Mount> {
    let text = files.text("proc/self/mountinfo").unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mounts = text.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(2);
        let (device, _root, path) = (left.next()?, left.next()?, left.next()?);
        let source = right.split(' ').nth(1)?;
        (source.starts_with("/dev/") && seen.insert(device.to_owned()))
            .then(|| Mount { device: device.to_owned(), path: unescape(path) })
    });
    mounts.collect()
}

/// The kernel writes blanks in mount points as octal escapes.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

/// The disks, in order of their names.
pub(super) fn disks(files: &HostFiles, file_systems: &[FileSystem]) -> Vec<Value> {
    let names = files.list("sys/block");
    let disks: Vec<_> =
        names.iter().filter(|name| !NOT_DISKS.iter().any(|not| name.starts_with(not))).collect();
    let owner = device_owners(files, &names, &disks);
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    for file_system in file_systems {
        if let Some(disk) = owner.get(&file_system.device) {
            *used.entry(disk).or_default() += file_system.used_bytes;
        }
    }
    let disk = |name: &&String| disk(files, name, used.get(name.as_str()).copied());
    disks.iter().filter_map(disk).collect()
}

fn disk(files: &HostFiles, name: &str, used: Option<u64>) -> Option<Value> {
    let size = files.number(&format!("sys/block/{name}/size")).filter(|size| *size > 0)? * SECTOR;
    let rotates = files.number(&format!("sys/block/{name}/queue/rotational")) == Some(1);
    let mut disk = json!({
        "id": name,
        "name": name,
        "path": format!("/dev/{name}"),
        "diskType": if rotates { "HDD" } else { "SSD" },
        "maxSizeInBytes": size,
    });
    let id = ["device/wwid", "wwid", "device/serial", "serial"];
    if let Some(id) = id.iter().find_map(|file| files.text(&format!("sys/block/{name}/{file}"))) {
        disk["generatedId"] = id.trim().into();
    }
    if let Some(used) = used {
        disk["usedSpaceInBytes"] = used.into();
    }
    Some(disk)
}

/// Device number → the disk that it is on: the disk itself, its partitions, and mapped devices (LVM, RAID, encryption) on them.
fn device_owners(files: &HostFiles, names: &[String], disks: &[&String]) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    let mut by_name = BTreeMap::new();
    for disk in disks {
        by_name.insert((*disk).clone(), (*disk).clone());
        owners.extend(files.text(&format!("sys/block/{disk}/dev")).map(|number| (number, (*disk).clone())));
        for part in files.list(&format!("sys/block/{disk}")) {
            if let Some(number) = files.text(&format!("sys/block/{disk}/{part}/dev")) {
                owners.insert(number, (*disk).clone());
                by_name.insert(part, (*disk).clone());
            }
        }
    }
    // A mapped device may lie on another one: as many rounds as there are devices settle it.
    let mapped: Vec<_> =
        names.iter().filter(|name| name.starts_with("dm-") || name.starts_with("md")).collect();
    for _ in 0..mapped.len() {
        for name in &mapped {
            let below = files.list(&format!("sys/block/{name}/slaves"));
            let Some(disk) = below.iter().find_map(|below| by_name.get(below).cloned()) else { continue };
            owners.extend(files.text(&format!("sys/block/{name}/dev")).map(|number| (number, disk.clone())));
            by_name.insert((*name).clone(), disk);
        }
    }
    owners
}

//! Processors, memory and firmware.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::HostFiles;

/// One processor package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) name: String,
    pub(super) cores: u64,
    pub(super) threads: u64,
}

/// The processor packages, in order.
pub(super) fn processors(files: &HostFiles) -> Vec<Socket> {
    let text = files.text("proc/cpuinfo").unwrap_or_default();
    // Package → (name, cores by their ids, threads).
    let mut sockets: BTreeMap<u64, (String, BTreeSet<String>, u64)> = BTreeMap::new();
    for block in text.split("\n\n") {
        let field = |key: &str| {
            let line =
                block.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let Some(number) = field("processor") else { continue };
        let package = field("physical id").and_then(|id| id.parse().ok()).unwrap_or(0);
        // ARM has no core ids: each processor is a core of its own.
        let core = field("core id").unwrap_or_else(|| number.clone());
        let name = field("model name").or_else(|| field("Model")).unwrap_or_else(|| arm_name(files, block));
        let socket = sockets.entry(package).or_insert_with(|| (name, BTreeSet::new(), 0));
        socket.1.insert(core);
        socket.2 += 1;
    }
    let socket = |(name, cores, threads): (String, BTreeSet<String>, u64)| Socket {
        name,
        cores: cores.len() as u64,
        threads,
    };
    sockets.into_values().map(socket).collect()
}

/// ARM tells implementer and part instead of a name; the device tree's model is what people know.
fn arm_name(files: &HostFiles, block: &str) -> String {
    let model = files.text("proc/device-tree/model").map(|model| model.trim_end_matches('\0').to_owned());
    model.unwrap_or_else(|| {
        let part =
            block.lines().find(|line| line.starts_with("CPU part")).and_then(|line| line.split_once(':'));
        part.map_or_else(|| "unknown".to_owned(), |(_, part)| format!("ARM part {}", part.trim()))
    })
}

/// The memory that the kernel manages.
pub(super) fn memory_bytes(files: &HostFiles) -> u64 {
    let text = files.text("proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The firmware's kind and serial number (which only root may read).
pub(super) fn firmware(files: &HostFiles) -> Value {
    let kind = if files.list("sys/firmware/efi").is_empty() { "BIOS" } else { "UEFI" };
    let mut firmware = json!({ "type": kind });
    if let Some(serial) = files.dmi("product_serial") {
        firmware["serialNumber"] = serial.into();
    }
    firmware
}

/// The firmware's UUID of this host (which only root may read).
pub(super) fn vm_uuid(files: &HostFiles) -> Option<String> {
    let uuid: uuid::Uuid = files.dmi("product_uuid")?.parse().ok()?;
    (!uuid.is_nil() && !uuid.is_max()).then(|| uuid.to_string())
}

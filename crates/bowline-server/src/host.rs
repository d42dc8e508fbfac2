//! How much of its host this server uses: open files and memory, where Linux says so.

use bowline_control::fleet::Used;

/// What of the host is used up.
#[must_use]
pub fn used() -> Vec<Used> {
    [files(), memory()].into_iter().flatten().collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kernel's view of this process is read here and nowhere else"
)]
fn text(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Every connection of a client or an agent is an open file.
#[expect(
    clippy::disallowed_methods,
    reason = "the kernel's view of this process is read here and nowhere else"
)]
fn files() -> Option<Used> {
    let limits = text("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit = line.split_whitespace().next()?.parse().ok()?;
    let used = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(Used { name: "open files", used, limit })
}

/// Of the memory that the group of processes may have, or of the host's.
fn memory() -> Option<Used> {
    let bytes = |path: &str, name: &str| -> Option<u64> {
        let text = text(path)?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
    };
    let used = bytes("/proc/self/status", "VmRSS:")?;
    let group = text("/sys/fs/cgroup/memory.max").and_then(|limit| limit.trim().parse().ok());
    let limit = group.or_else(|| bytes("/proc/meminfo", "MemTotal:"))?;
    Some(Used { name: "memory", used, limit })
}

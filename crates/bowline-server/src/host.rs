//! How much of its host this server uses: open files, memory and time, where Linux says so.

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

/// Takes as many open files as the host lets this process have: each connection is one, and the usual 1024 are for programs of another kind.
pub fn raise_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the number of open files stays what it was");
    }
}

/// The process in numbers.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// User and system time.
    pub cpu_seconds: f64,
    /// Resident memory.
    pub resident_bytes: u64,
    /// Virtual memory.
    pub virtual_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// When it began, in seconds since 1970.
    pub started: f64,
}

/// Linux counts a process' time in hundredths of a second, whatever the kernel's own clock does.
const TICKS: f64 = 100.0;

/// How this process is (proc(5), `/proc/pid/stat`).
#[must_use]
pub fn process() -> Option<Process> {
    let stat = text("/proc/self/stat")?;
    // The name of the program comes second, in brackets, and may hold anything; what follows begins with field 3.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let boot = text("/proc/stat")?;
    let boot: f64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Process {
        cpu_seconds: (field(14)? + field(15)?) / TICKS,
        resident_bytes: status_bytes("VmRSS:")?,
        virtual_bytes: status_bytes("VmSize:")?,
        threads: fields.get(20 - 3)?.parse().ok()?,
        started: boot + field(22)? / TICKS,
    })
}

/// Every connection of a client or an agent is an open file.
#[expect(
    clippy::disallowed_methods,
    reason = "the kernel's view of this process is read here and nowhere else"
)]
#[must_use]
pub fn files() -> Option<Used> {
    let limits = text("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit = line.split_whitespace().next()?.parse().ok()?;
    let used = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(Used { name: "open files", used, limit })
}

/// Of the memory that the group of processes may have, or of the host's.
fn memory() -> Option<Used> {
    let used = status_bytes("VmRSS:")?;
    let group = text("/sys/fs/cgroup/memory.max").and_then(|limit| limit.trim().parse().ok());
    let limit = group.or_else(|| bytes("/proc/meminfo", "MemTotal:"))?;
    Some(Used { name: "memory", used, limit })
}

fn status_bytes(name: &str) -> Option<u64> {
    bytes("/proc/self/status", name)
}

fn bytes(path: &str, name: &str) -> Option<u64> {
    let text = text(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

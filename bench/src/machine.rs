//! What the machine says: CPU and memory of processes, load, and how fast its disk makes a kilobyte durable.
#![expect(clippy::disallowed_methods, reason = "this module owns the reading of /proc and the probe's file")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Milliseconds of a clock tick of /proc: USER_HZ is 100 on every Linux that Bowline supports.
const TICK_MS: u64 = 10;

/// Where this program is.
pub(crate) fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("a running program has a path")
}

/// User and system time that these processes used so far, in milliseconds.
pub(crate) fn cpu_ms(pids: &[u32]) -> Result<u64> {
    let mut ticks = 0;
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
            .with_context(|| format!("the measured process {pid} ended"))?;
        let fields = stat.rsplit_once(')').context("a stat line names its program")?.1;
        let times = fields.split_whitespace().skip(11).take(2);
        ticks += times.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(ticks * TICK_MS)
}

/// The same of a process and all that it started, also of those that have ended: a PostgreSQL server and its connections.
pub(crate) fn family_cpu_ms(parent: u32) -> Result<u64> {
    let times = |pid: u32, count: usize| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<u64> = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        // Its parent, and user, system, and ended children's user and system time.
        Some((*fields.get(1)?, fields.get(11..11 + count)?.iter().sum::<u64>()))
    };
    let (_, mut ticks) = times(parent, 4).context("the measured process ended")?;
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if let Some((_, own)) = times(pid, 2).filter(|(of, _)| *of == u64::from(parent)) {
            ticks += own;
        }
    }
    Ok(ticks * TICK_MS)
}

/// A line of /proc/PID/status in its own unit (kB for memory), summed over the processes.
pub(crate) fn status(pids: &[u32], name: &str) -> Result<u64> {
    let mut sum = 0;
    for pid in pids {
        let text = fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("the measured process {pid} ended"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()).context("status has this line")?;
        sum += number.parse::<u64>()?;
    }
    Ok(sum)
}

/// Voluntary and other context switches of all threads of a process.
pub(crate) fn context_switches(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("status"))?;
        let lines = text.lines().filter(|line| line.contains("ctxt_switches"));
        sum += lines.filter_map(|line| line.rsplit('\t').next()?.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(sum)
}

/// CPU time of all processes of the machine, in milliseconds (without idle and waiting).
pub(crate) fn busy_ms() -> Result<u64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields: Vec<u64> =
        stat.lines().next().unwrap_or_default().split_whitespace().filter_map(|f| f.parse().ok()).collect();
    let busy = fields.iter().take(8).enumerate().filter(|(n, _)| ![3, 4].contains(n));
    Ok(busy.map(|(_, ticks)| ticks).sum::<u64>() * TICK_MS)
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// What a reader needs to know of the machine, and nothing that names it.
pub(crate) fn describe() -> Value {
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let os = os.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or_default();
    json!({
        "cores": cpus,
        "os": os.trim_matches('"'),
        "kernel": first_line("/proc/sys/kernel/osrelease"),
        "load": first_line("/proc/loadavg"),
        "memoryKb": first_line("/proc/meminfo").split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()),
    })
}

/// Appends a kilobyte and waits for the disk, 300 times: microseconds at the median and at the 99th of a hundred.
pub(crate) fn probe_disk(folder: &Path) -> Result<Value> {
    let path = folder.join("probe");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..300 {
        let started = Instant::now();
        file.write_all(&[7; 1024])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    fs::remove_file(&path)?;
    times.sort_unstable();
    let at = |q: usize| times[(times.len() - 1) * q / 100].as_micros() as u64;
    Ok(json!({"p50Us": at(50), "p99Us": at(99)}))
}

/// The wall clock in milliseconds, as a simulated agent says when a setting reached it.
pub(crate) fn unix_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Reads a file of a program that was measured.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Writes a file that only we may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file.write_all(text.as_bytes())?)
}

/// A new file.
pub(crate) fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("{} cannot be written", path.display()))
}

/// Appends to a log.
pub(crate) fn log(path: &Path) -> Result<File> {
    Ok(fs::OpenOptions::new().create(true).append(true).open(path)?)
}

/// Writes a result, and the folders to it.
pub(crate) fn write_result(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// Time since the process started, for durations.
pub(crate) fn moment() -> Duration {
    use std::sync::LazyLock;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

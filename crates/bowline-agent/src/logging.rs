//! The agent's log: to standard error, and on a machine to a file of bounded size beside its state. Its level follows the
//! desired settings.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, IsTerminal as _, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use tracing_subscriber::{
    EnvFilter, Registry, fmt::MakeWriter, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

/// A log file is closed at this size; one older one is kept.
const MAX_LOG: u64 = 4 * 1024 * 1024;
/// What is logged unless someone says otherwise: the HTTP stack's own chatter is not.
const DEFAULT: &str = "info,hyper=warn,reqwest=warn,rustls=warn,kube=warn";

static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging. Does nothing when something else (a test) logs already.
pub fn start(level: Option<&str>, file: Option<PathBuf>) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let stderr = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let stderr = stderr.with_ansi(io::stderr().is_terminal());
    let to_file = file.map(|path| {
        let writer = LogFile { path, open: Mutex::new(None) };
        tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false).with_target(false)
    });
    if tracing_subscriber::registry().with(filter).with(stderr).with(to_file).try_init().is_ok() {
        // It can only be set already if logging was started twice, which try_init has just ruled out.
        let _ = FILTER.set(handle);
    }
}

/// Changes the level: `error`, `warn`, `info`, `debug`, `trace`; back to the usual one when absent or unknown.
pub fn set_level(level: Option<&str>) {
    if let Some(handle) = FILTER.get()
        && let Err(error) = handle.reload(filter(level))
    {
        tracing::warn!(%error, "the log level could not be changed");
    }
}

fn filter(level: Option<&str>) -> EnvFilter {
    let known = level.filter(|level| ["error", "warn", "info", "debug", "trace"].contains(level));
    let text = known.map_or_else(|| DEFAULT.to_owned(), |level| DEFAULT.replacen("info", level, 1));
    EnvFilter::new(text)
}

/// A log file that starts over before it becomes too large.
struct LogFile {
    path: PathBuf,
    open: Mutex<Option<(File, u64)>>,
}

impl fmt::Debug for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogFile({})", self.path.display())
    }
}

#[allow(clippy::disallowed_methods, reason = "this module owns the log file")]
impl LogFile {
    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if open.as_ref().is_none_or(|(_, size)| *size >= MAX_LOG) {
            if open.take().is_some() {
                std::fs::rename(&self.path, older(&self.path))?;
            }
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
            let size = file.metadata()?.len();
            *open = Some((file, size));
        }
        let (file, size) = open.as_mut().expect("it was opened just now");
        file.write_all(line)?;
        *size += line.len() as u64;
        Ok(())
    }
}

/// The file that was closed last.
pub fn older(path: &Path) -> PathBuf {
    path.with_extension("log.1")
}

/// One event's way into the file: whole lines only.
#[derive(Debug)]
struct Line<'a> {
    to: &'a LogFile,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        // A full disk must not stop the agent; standard error still has the line.
        let _ = self.to.append(&self.bytes);
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { to: self, bytes: Vec::new() }
    }
}

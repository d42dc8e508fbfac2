//! The only door to this computer: environment, files, clock, random numbers.
//!
//! Files that hold a secret are written with mode 0600 from their first byte, beside their final name, and renamed:
//! a crash leaves the old or the new file, and nobody else can read either.
#![allow(clippy::disallowed_methods, reason = "this module owns the command's IO")]

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::failure::{Failure, Kind, Result};

/// No file that the command reads is larger: they are certificates, passwords and settings.
const MAX_FILE: u64 = 1024 * 1024;

/// An environment variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A random GUID, for names that only have to be new.
pub(crate) fn new_guid() -> Uuid {
    Uuid::new_v4()
}

pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

pub(crate) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

pub(crate) fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// The folder of `config.toml` and `credentials.json`.
pub(crate) fn config_dir() -> Result<PathBuf> {
    if let Some(dir) = variable("BOWLINE_CONFIG_DIR") {
        return Ok(PathBuf::from(dir));
    }
    if let Some(dir) = variable("XDG_CONFIG_HOME") {
        return Ok(PathBuf::from(dir).join("bowline"));
    }
    variable("HOME").map(|home| PathBuf::from(home).join(".config/bowline")).ok_or_else(|| {
        Failure::usage("there is no folder for the settings of bowline")
            .why("neither HOME nor BOWLINE_CONFIG_DIR is set")
            .next("set BOWLINE_CONFIG_DIR to a folder that only you can read")
    })
}

/// The path of this executable.
pub(crate) fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| {
        Failure::new(Kind::Service, "this program does not know where it lies").why(error.to_string())
    })
}

/// The path of this executable's neighbour `name`, or of the first one on `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|me| me.parent().map(|dir| dir.join(name)));
    let on_path = variable("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(std::env::split_paths(&on_path).map(|dir| dir.join(name)))
        .find(|candidate| candidate.is_file())
}

/// This host's name, for a machine that is not named otherwise.
pub(crate) fn host_name() -> Result<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Err(Failure::usage("this host has no name").next("add --name NAME"));
    }
    Ok(name)
}

/// A path that goes on meaning the same in another folder.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{} is not a path", path.display())).why(error.to_string()))
}

/// Our standard error, as the standard output of a program we start.
pub(crate) fn stderr_of_ours() -> std::io::Result<Stdio> {
    std::io::stderr().as_fd().try_clone_to_owned().map(Stdio::from)
}

/// Reads a file the user named, or standard input for `-`.
pub(crate) fn read_input(path: &Path, purpose: &str) -> Result<String> {
    let mut text = String::new();
    let outcome = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text))
    };
    outcome.map_err(|error| {
        Failure::usage(format!("{purpose} cannot be read from {}", shown(path)))
            .why(error.to_string())
            .next("check the path and that you may read the file")
    })?;
    if text.len() as u64 > MAX_FILE {
        return Err(Failure::usage(format!("{} is too large to be {purpose}", shown(path)))
            .why("at most 1 MiB is read"));
    }
    Ok(text)
}

/// Reads a file of any length that the user named.
pub(crate) fn read_log(path: &Path) -> Result<String> {
    fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{} cannot be read", shown(path))).why(error.to_string()))
}

/// Reads a password, secret or token: the first line, without its line end.
pub(crate) fn read_secret(path: &Path, purpose: &str) -> Result<String> {
    let text = read_input(path, purpose)?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    if line.is_empty() {
        return Err(Failure::usage(format!("{} is empty", shown(path)))
            .why(format!("{purpose} was expected on its first line")));
    }
    Ok(line)
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads one of our own files; none is fine.
pub(crate) fn read_own(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(own_file("read", path, &error)),
    }
}

/// Writes one of our own files, readable by its owner only, at once or not at all.
pub(crate) fn write_own(path: &Path, text: &str) -> Result<()> {
    write_with_mode(path, text, 0o600)
}

/// Writes a script for its owner to run.
pub(crate) fn write_program(path: &Path, text: &str) -> Result<()> {
    write_with_mode(path, text, 0o700)
}

/// The certificate authorities that this computer trusts, as one PEM text, from where its system keeps them.
pub(crate) fn system_certificates() -> Option<String> {
    const BUNDLES: [&str; 5] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok())
}

fn write_with_mode(path: &Path, text: &str, mode: u32) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_dir(folder)?;
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let outcome = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    outcome.map_err(|error| {
        // What is left of a failed write may hold a secret; the rename never happened.
        let _ = fs::remove_file(&beside);
        own_file("write", path, &error)
    })
}

/// Writes a secret to a file the user named, which must not exist yet.
pub(crate) fn write_new_secret(path: &Path, text: &str) -> Result<()> {
    let outcome = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    outcome.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(Kind::Conflict, format!("{} exists already", path.display()))
                .why("a secret never overwrites a file")
                .next("name another file, or remove that one first")
        }
        _ => Failure::usage(format!("{} cannot be written", path.display())).why(error.to_string()),
    })
}

/// Whether a new file can be made there: asked before something that cannot be undone is done.
pub(crate) fn may_create(path: &Path) -> Result<()> {
    write_new_secret(path, "")?;
    fs::remove_file(path).map_err(|error| own_file("write", path, &error))
}

pub(crate) fn remove_own(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(own_file("remove", path, &error)),
        _ => Ok(()),
    }
}

fn create_dir(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| own_file("create", folder, &error))
}

fn own_file(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Service, format!("bowline could not {verb} {}", path.display()))
        .why(error.to_string())
        .next("check the folder's owner and free space, or set BOWLINE_CONFIG_DIR to another one")
}

/// A folder that only its owner can read, and that goes with this value.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn temporary() -> Result<Self> {
        let made = tempfile::Builder::new().prefix("bowline-").tempdir();
        made.map(Self).map_err(|error| own_file("create", &std::env::temp_dir(), &error))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(Path::new("."));
        let made = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
        made.map_err(|error| own_file("write", &path, &error))
    }
}

/// Held while credentials are read, refreshed and written, so that two commands cannot spend one refresh token.
pub(crate) struct Lock(#[allow(dead_code, reason = "the lock ends when the file closes")] File);

impl Lock {
    /// Waits for the lock; gives up after 30 s, when its holder surely hangs.
    pub(crate) async fn acquire(path: &Path) -> Result<Self> {
        create_dir(path.parent().unwrap_or(Path::new(".")))?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| own_file("open", path, &error))?;
        for _ in 0..600 {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(fs::TryLockError::Error(error)) => return Err(own_file("lock", path, &error)),
            }
        }
        Err(Failure::new(Kind::Service, format!("{} is locked by another bowline command", path.display()))
            .why("it held the lock for more than 30 s")
            .next("look for it with: ps aux | grep bowline"))
    }
}

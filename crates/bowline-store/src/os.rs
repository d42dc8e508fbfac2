//! What the store takes from the operating system: files of the data directory, the lock on it, free space, random ids.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one module of the store that owns files and random ids"
)]

use crate::model::{Head, Revision};
use crate::store::OpenError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A random id.
pub(crate) fn random_uuid() -> Uuid {
    Uuid::new_v4()
}

/// How many bytes an ordinary process may still write to the file system of a path.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let stat = nix::sys::statvfs::statvfs(path)?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

/// The database in a data directory.
pub(crate) const DATABASE: &str = "bowline.db";

/// The data directory, held alone by this process until this value is dropped.
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// Remembers the newest head outside the database: see [`DataDirectory::remember`].
    head: File,
    /// The lock lives as long as this file is open; the kernel releases it also when the process is killed.
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory where needed and takes the lock.
    pub(crate) fn open(path: &Path) -> Result<DataDirectory, OpenError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| files_error(path, error))?;
        let lock = take_lock(path)?;
        let database = path.join(DATABASE);
        // Made here, so that nobody else can read it from its first moment; the files beside it inherit the mode.
        private_file(&database)?;
        let head = private_file(&path.join("head"))?;
        Ok(DataDirectory { path: path.to_owned(), head, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Makes an empty file beside the database; one that somebody left goes.
    pub(crate) fn make_afresh(&self, name: &str) -> Result<PathBuf, OpenError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(files_error(&path, error)),
            _ => {}
        }
        private_file(&path)?;
        Ok(path)
    }

    /// Flushes such a file and makes it the database. What belonged to the old one goes first, because it would be taken for a part of the new one.
    pub(crate) fn adopt(&self, path: &Path) -> Result<(), OpenError> {
        let adopt = || {
            File::open(path)?.sync_all()?;
            for suffix in ["-wal", "-shm", "-journal"] {
                match fs::remove_file(self.path.join(format!("{DATABASE}{suffix}"))) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            fs::rename(path, self.database())?;
            File::open(&self.path)?.sync_all()
        };
        adopt().map_err(|error| files_error(path, error))
    }

    /// Removes a file; what stays is removed by whoever makes it afresh.
    pub(crate) fn discard(path: &Path) {
        let _ = fs::remove_file(path);
    }

    /// Writes the newest head beside the database after each batch, without a flush. It is never ahead of what the
    /// database has flushed, so that a database behind it was replaced by an older copy.
    pub(crate) fn remember(&self, head: Head) -> io::Result<()> {
        self.head.write_all_at(format!("{} {:020}\n", head.epoch, head.revision.0).as_bytes(), 0)
    }

    /// What was remembered, if it can be read.
    pub(crate) fn remembered(&self) -> Option<Head> {
        let text = fs::read_to_string(self.path.join("head")).ok()?;
        let (epoch, revision) = text.trim_end().split_once(' ')?;
        Some(Head { epoch: epoch.parse().ok()?, revision: Revision(revision.parse().ok()?) })
    }
}

fn take_lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("lock");
    let mut lock = private_file(&path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            let holder = if holder.trim().is_empty() { "unknown" } else { holder.trim() };
            let (directory, holder) = (directory.display().to_string(), holder.to_owned());
            return Err(OpenError::Locked { directory, holder });
        }
        Err(TryLockError::Error(error)) => return Err(files_error(&path, error)),
    }
    let written = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    written.map_err(|error| files_error(&path, error))?;
    Ok(lock)
}

fn private_file(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(|error| files_error(path, error))
}

fn files_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Files { path: path.display().to_string(), source }
}

//! The only place where the agent writes files: each write is all or nothing, and durable before it returns.

#![allow(clippy::disallowed_methods, reason = "everything else reads and writes files through here")]

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use tokio::io::unix::AsyncFd;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The owner only.
    Private,
    /// Everyone.
    Public,
}

/// A file or folder operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("{} could not be {done}", path.display())]
pub struct DiskError {
    path: PathBuf,
    done: &'static str,
    #[source]
    source: io::Error,
}

impl DiskError {
    fn new(path: &Path, done: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { path: path.to_owned(), done, source }
    }

    /// What the system said.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

/// Reads a file of at most `limit` bytes; `None` when there is none.
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DiskError::new(path, "opened")(error)),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(DiskError::new(path, "read"))?;
    if bytes.len() as u64 > limit {
        return Err(DiskError::new(path, "read")(io::Error::other(format!(
            "it is larger than {limit} bytes"
        ))));
    }
    Ok(Some(bytes))
}

/// Opens a file that is too large to be read as a whole; `None` when there is none.
pub fn open(path: &Path) -> Result<Option<File>, DiskError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DiskError::new(path, "opened")(error)),
    }
}

/// Size and time of the last change of a file or folder; what is not there has none.
pub fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Reads a text file; `None` when there is none.
pub fn read_text(path: &Path, limit: u64) -> Result<Option<String>, DiskError> {
    let Some(bytes) = read(path, limit)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"));
    text.map(Some).map_err(DiskError::new(path, "read"))
}

/// Writes a file: a temporary one beside it, flushed, renamed over it, and the folder flushed.
pub fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), DiskError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.new"));
    let mode = if access == Access::Private { 0o600 } else { 0o644 };
    let failed = DiskError::new(path, "written");
    let put = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&temporary)?;
        // The mode above counts only for a new file; a left-over one keeps its own.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    };
    put().map_err(failed)
}

/// Gives a file another name in the same folder, in one durable step.
pub fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    let put = || {
        fs::rename(from, to)?;
        File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    put().map_err(DiskError::new(from, "renamed"))
}

/// Removes a file; one that is not there is fine.
pub fn remove(path: &Path) -> Result<(), DiskError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskError::new(path, "removed")(error)),
        _ => Ok(()),
    }
}

/// Removes a folder and what is in it; one that is not there is fine.
pub fn remove_folder(path: &Path) -> Result<(), DiskError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskError::new(path, "removed")(error)),
        _ => Ok(()),
    }
}

/// Makes a folder that only the owner may enter.
pub fn make_folder(path: &Path) -> Result<(), DiskError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(DiskError::new(path, "created"))
}

/// The names in a folder, sorted; none when there is no folder.
pub fn list(path: &Path) -> Result<Vec<String>, DiskError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(DiskError::new(path, "listed")(error)),
    };
    let mut names: Vec<_> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// Where a symbolic link leads, as text.
pub fn link_target(path: &Path) -> Option<String> {
    fs::read_link(path).ok()?.into_os_string().into_string().ok()
}

/// The path without symbolic links; itself when it cannot be resolved.
pub fn resolve(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Reads all of standard input, up to a limit.
pub fn read_stdin(limit: u64) -> Result<String, DiskError> {
    let mut text = String::new();
    let read = io::stdin().take(limit).read_to_string(&mut text);
    read.map_err(DiskError::new(Path::new("standard input"), "read"))?;
    Ok(text)
}

/// Holds a folder for one process; released when dropped or when the process ends.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "holding it open is what holds the lock")] File);

/// Takes a folder for this process; `None` when another one has it.
pub fn lock_folder(path: &Path) -> Result<Option<FolderLock>, DiskError> {
    let at = path.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&at);
    let file = file.map_err(DiskError::new(&at, "opened"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(FolderLock(file))),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(DiskError::new(&at, "locked")(error)),
    }
}

/// Tells when a file in a folder appeared, changed or went. It costs nothing while nothing does.
#[derive(Debug)]
pub struct FolderWatch(AsyncFd<OwnedFd>);

impl FolderWatch {
    /// Watches a folder that exists.
    pub fn new(path: &Path) -> Result<Self, DiskError> {
        let start = || -> io::Result<Self> {
            let notices = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
            let news = AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_DELETE;
            notices.add_watch(path, news)?;
            #[expect(unsafe_code, reason = "the reactor borrows a descriptor by its number")]
            // SAFETY: the AsyncFd owns the OwnedFd, which is this one descriptor, open until it is dropped.
            let registered = unsafe { AsyncFd::register(OwnedFd::from(notices)) };
            Ok(Self(registered?))
        };
        start().map_err(DiskError::new(path, "watched"))
    }

    /// Waits until something happened; one answer may stand for many. Dropping the future loses nothing.
    pub async fn changed(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            // What happened to which file is not asked: whoever waits looks at the folder again.
            let mut notices = [0; 4096];
            match nix::unistd::read(self.0.get_ref(), &mut notices) {
                Ok(_) => return Ok(()),
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

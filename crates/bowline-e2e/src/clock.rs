//! A host whose clock jumps: programs that are started with its environment go by a file of the test's (libfaketime), their monotonic clock does not.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

/// See the module.
#[derive(Debug)]
pub struct HostClock {
    folder: TempDir,
    library: PathBuf,
}

impl HostClock {
    /// One that is right, or says which test does not run without the library.
    #[must_use]
    pub fn new(test: &str) -> Option<Self> {
        let Some(library) = library() else {
            let _ =
                writeln!(std::io::stderr(), "skipped: {test}: there is no libfaketime (package faketime)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL is another user.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let clock = Self { folder, library };
        clock.set(0);
        Some(clock)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// From now on it is ahead of the true time by so many seconds.
    pub fn set(&self, seconds: i64) {
        // Whoever reads it finds the old or the new one, never half of it.
        std::fs::write(self.file("next"), format!("{seconds:+}\n")).unwrap();
        std::fs::set_permissions(self.file("next"), std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::rename(self.file("next"), self.file("offset")).unwrap();
    }

    /// What a program needs to go by it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD", text(self.library.clone())),
            ("FAKETIME_TIMESTAMP_FILE", text(self.file("offset"))),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// Where Debian puts it, by architecture.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.is_file())
}

//! A host's files below one root, read in small pieces: `/` in life, a recorded copy in tests.

use std::path::PathBuf;

use crate::disk;

/// No file of /proc or /sys that is read here is larger; more of it is of no use.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// A host's files.
#[derive(Debug, Clone)]
pub struct HostFiles {
    root: PathBuf,
}

impl HostFiles {
    /// The files below a root.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A file's text without trailing white space; `None` when it cannot be read or is empty.
    pub fn text(&self, path: &str) -> Option<String> {
        let text = disk::read_text(&self.root.join(path), MAX_FILE).ok().flatten()?;
        let text = text.trim_end().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// A file that holds one number.
    pub fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.trim().parse().ok()
    }

    /// The names in a folder.
    pub fn list(&self, path: &str) -> Vec<String> {
        disk::list(&self.root.join(path)).unwrap_or_default()
    }

    /// Where a file is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Where a symbolic link leads.
    pub fn link(&self, path: &str) -> Option<String> {
        disk::link_target(&self.root.join(path))
    }

    /// A field of the firmware's tables; `None` too for the fillers that vendors leave in them.
    pub fn dmi(&self, field: &str) -> Option<String> {
        const FILLERS: [&str; 8] = [
            "none",
            "not specified",
            "not applicable",
            "default string",
            "to be filled by o.e.m.",
            "system serial number",
            "no asset tag",
            "0",
        ];
        let text = self.text(&format!("sys/class/dmi/id/{field}"))?.trim().to_owned();
        (!FILLERS.contains(&text.to_lowercase().as_str())).then_some(text)
    }
}

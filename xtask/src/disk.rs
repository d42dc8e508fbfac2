//! How much room there is, said before it runs out.

use std::path::Path;

use anyhow::{Result, bail};
use nix::sys::statvfs::statvfs;

use crate::say;

/// Fails with what to do unless so much is free where the folder is or will be.
pub(crate) fn require(folder: &Path, bytes: u64, purpose: &str) -> Result<()> {
    let Some(free) = free(folder) else { return Ok(()) };
    if free < bytes {
        bail!(
            "the disk of {} has {} free, and {purpose} needs about {}: free some, or set XDG_CACHE_HOME and XDG_DATA_HOME to folders on a larger disk",
            folder.display(),
            say::bytes(free),
            say::bytes(bytes)
        );
    }
    Ok(())
}

/// What an ordinary user may still write there; a folder that does not exist yet is judged by its parents.
pub(crate) fn free(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|ancestor| ancestor.exists())?;
    let stat = statvfs(there).ok()?;
    Some(stat.blocks_available() * stat.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_refused_with_advice() {
        let folder = Path::new("/tmp/not/there/yet");
        assert!(require(folder, 1, "this").is_ok());
        let error = require(folder, u64::MAX, "this").unwrap_err().to_string();
        assert!(error.contains("XDG_CACHE_HOME") && error.contains("this needs"), "{error}");
    }
}

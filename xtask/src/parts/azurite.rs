//! Azurite, Azure's own emulator of its storage: backups are tried on it.

use std::path::PathBuf;

use anyhow::Result;

use super::pinned::{self, Pinned, with_npm};
use crate::paths::Paths;

const AZURITE: Pinned = Pinned {
    name: "azurite",
    kept: "azurite",
    folder: "parts/azurite",
    what: "Azurite from npm, 0.4 GB, half a minute",
    pins: &["package.json", "package-lock.json"],
    tool: "npm",
    install: with_npm,
};

/// The part's name, for `cargo xtask parts`.
pub(crate) const NAME: &str = AZURITE.name;
/// What it is.
pub(crate) const WHAT: &str = "Azure's emulator of its storage, which backups are tried on";

/// Where it is, if it is there.
pub(crate) fn find(paths: &Paths) -> Result<Option<PathBuf>> {
    pinned::find(paths, &AZURITE)
}

/// Finds or installs it.
pub(crate) fn ensure(paths: &Paths) -> Result<PathBuf> {
    pinned::ensure(paths, &AZURITE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_pinned() {
        pinned::tests::check(&Paths::find().unwrap(), &AZURITE);
    }
}

//! PostgreSQL's servers that Debian does not package beside its own: what the store promises is tried on each.
//!
//! They come from npm, where somebody publishes plain builds: servers only, so the tests take clients from Debian.

use std::path::PathBuf;

use anyhow::Result;

use super::pinned::{self, Pinned, with_npm_and_scripts};
use crate::paths::Paths;

/// Beside Debian's 15; the newest is the last.
const VERSIONS: [u32; 3] = [16, 17, 18];

const SERVERS: Pinned = Pinned {
    name: "postgres-versions",
    kept: "postgres-versions",
    folder: "parts/postgres",
    what: "PostgreSQL 16, 17 and 18 from npm, 0.2 GB, 10 s",
    pins: &["package.json", "package-lock.json"],
    tool: "npm",
    install: with_npm_and_scripts,
};

/// The part's name, for `cargo xtask parts`.
pub(crate) const NAME: &str = SERVERS.name;
/// What it is.
pub(crate) const WHAT: &str = "the servers of PostgreSQL 16, 17 and 18, which the store is tested on";

/// Whether there are any for this machine: they are published for x86-64 alone among those we run on.
pub(crate) fn exist() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// Where they are, if they are there.
pub(crate) fn find(paths: &Paths) -> Result<Option<PathBuf>> {
    pinned::find(paths, &SERVERS)
}

/// The folder of each version's programs, the oldest first.
pub(crate) fn ensure(paths: &Paths) -> Result<Vec<(u32, PathBuf)>> {
    let place = pinned::ensure(paths, &SERVERS)?;
    let folder = |version| place.join(format!("node_modules/postgres-{version}/native/bin"));
    Ok(VERSIONS.into_iter().map(|version| (version, folder(version))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_pinned() {
        let paths = Paths::find().unwrap();
        pinned::tests::check(&paths, &SERVERS);
        let pins = std::fs::read_to_string(paths.root.join("parts/postgres/package.json")).unwrap();
        for version in VERSIONS {
            assert!(pins.contains(&format!("\"postgres-{version}\": \"npm:")), "{version}");
        }
    }
}

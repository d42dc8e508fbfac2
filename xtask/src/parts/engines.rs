//! The engines that queries are measured beside: `cargo xtask bench inventory`.

use std::path::PathBuf;

use anyhow::Result;

use super::pinned::{self, Pinned, with_pip};
use crate::paths::Paths;

const ENGINES: Pinned = Pinned {
    name: "engines",
    kept: "engines",
    folder: "bench/peers",
    what: "chDB and DuckDB from PyPI, 1 GB, a minute",
    pins: &["requirements.txt"],
    tool: "python3",
    install: with_pip,
};

/// The part's name, for `cargo xtask parts`.
pub(crate) const NAME: &str = ENGINES.name;
/// What it is.
pub(crate) const WHAT: &str = "chDB, DuckDB and a client of PostgreSQL, which queries are measured beside";

/// Where it is, if it is there.
pub(crate) fn find(paths: &Paths) -> Result<Option<PathBuf>> {
    pinned::find(paths, &ENGINES)
}

/// Finds or installs it.
pub(crate) fn ensure(paths: &Paths) -> Result<PathBuf> {
    pinned::ensure(paths, &ENGINES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_pinned() {
        pinned::tests::check(&Paths::find().unwrap(), &ENGINES);
    }
}

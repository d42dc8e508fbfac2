//! Where things are: the checkout, the cache of what can be made again, and the data that a user keeps.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that chores work in.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// What can be made again: parts and build output.
    pub(crate) cache: PathBuf,
    /// Cargo's output, outside the checkout so that it survives a new clone.
    pub(crate) target: PathBuf,
    /// The data of `up`.
    pub(crate) data: PathBuf,
}

impl Paths {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask's folder has no parent; start it from a checkout with `cargo xtask`")?
            .to_owned();
        let home = folder("HOME").context(
            "HOME is not set, so there is no place for the cache and the data; set it to a folder you can write to",
        )?;
        let cache = folder("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")).join("bowline");
        let data = folder("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")).join("bowline");
        let target = folder("CARGO_TARGET_DIR").unwrap_or_else(|| cache.join("target"));
        Ok(Self { root, cache, target, data })
    }

    /// A program that cargo built in the dev profile.
    pub(crate) fn built(&self, program: &str) -> PathBuf {
        self.target.join("debug").join(program)
    }
}

/// An absolute folder from the environment; the XDG specification says that relative ones are ignored.
fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

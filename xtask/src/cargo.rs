//! How chores call cargo: always the same way, so that no two of them build the same thing twice.

use std::env;
use std::process::Command;

use crate::paths::Paths;

/// `cargo SUBCOMMAND` on this workspace, with the shared output folder.
pub(crate) fn command(paths: &Paths, subcommand: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(subcommand).current_dir(&paths.root).env("CARGO_TARGET_DIR", &paths.target);
    if in_ci() {
        // A CI machine compiles once and throws away: incremental files and debug info cost time and disk only.
        cargo
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never");
    }
    cargo
}

/// Whether this runs without a person; the variable is the one that CI services agree on.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

//! `bowline version`.

use std::sync::LazyLock;

use serde_json::json;

use crate::render::{Answer, Column};

/// What `docs/reference/wire.md` calls the protocol.
const PROTOCOL: u32 = 1;

const COLUMNS: &[Column] = &[
    Column::text("Version", &["/version"]),
    Column::text("Commit", &["/commit"]),
    Column::text("Protocol", &["/protocol"]),
];

/// The commit, as whoever builds tells it; a build from an archive has none.
const COMMIT: &str = match option_env!("BOWLINE_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// What `--version` prints.
pub(crate) static TEXT: LazyLock<String> =
    LazyLock::new(|| format!("{} (commit {COMMIT}, protocol {PROTOCOL})", env!("CARGO_PKG_VERSION")));

pub(crate) fn version() -> Answer {
    Answer::details(
        json!({"version": env!("CARGO_PKG_VERSION"), "commit": COMMIT, "protocol": PROTOCOL}),
        COLUMNS,
    )
}

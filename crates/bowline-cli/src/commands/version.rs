//! `bowline version`.

use serde_json::json;

use crate::render::{Answer, Column};

/// What `docs/reference/wire.md` calls the protocol.
const PROTOCOL: u32 = 1;

const COLUMNS: &[Column] = &[
    Column::text("Version", &["/version"]),
    Column::text("Commit", &["/commit"]),
    Column::text("Protocol", &["/protocol"]),
];

pub(crate) fn version() -> Answer {
    // The commit is told by whoever builds; a build from an archive has none.
    let commit = option_env!("BOWLINE_COMMIT").unwrap_or("unknown");
    Answer::details(
        json!({"version": env!("CARGO_PKG_VERSION"), "commit": commit, "protocol": PROTOCOL}),
        COLUMNS,
    )
}

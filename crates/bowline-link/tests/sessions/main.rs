//! Replays recorded sessions of each protocol version with both ends, and breaks them in the ways that matter.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests read their fixtures and may panic")]

mod backoff;
mod lines;
mod merge;
mod observed;
mod replay;
mod timing;

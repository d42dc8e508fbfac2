//! Replays recorded sessions of each protocol version with both ends, and breaks them in the ways that matter.

mod backoff;
mod lines;
mod merge;
mod observed;
mod replay;
mod timing;

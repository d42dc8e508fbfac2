//! Transcripts of the `bowline` command: what was typed, the exit code, and both outputs, against servers that speak
//! TLS on loopback. They hold the output contract; `INSTA_UPDATE=always cargo test -p bowline-cli` blesses a change.
#![allow(clippy::disallowed_methods, reason = "tests read the clock, environment and files")]
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where it unwraps; clippy knows only the functions marked as tests"
)]

mod arm;
mod connect;
mod contract;
mod env;
mod install;
mod kubernetes;
mod resources;
mod server;
mod sign_in;
mod transcript;

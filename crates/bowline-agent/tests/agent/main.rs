//! The agent against a server of its own wire: a small one in this process, made of `bowline-link`'s end of the session.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read files and the clock, may panic, and have no outside"
)]

mod connect;
mod ends;
mod home_at_rest;
mod host;
mod loads;
mod observed;
mod server;
mod session;
mod transports;
mod waits;

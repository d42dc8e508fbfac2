//! The server's routes, in process.
#![allow(
    clippy::disallowed_methods,
    reason = "reads sources, writes the committed output, signs tokens for now"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod authorization;
mod blessed;
mod objects;
mod role_matrix;
mod security;
mod world;

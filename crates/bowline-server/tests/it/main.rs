//! The server's routes, in process.
#![allow(
    clippy::disallowed_methods,
    reason = "reads sources, writes the committed output, signs tokens for now"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// As in the server: it counts what a query holds.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

mod authorization;
mod blessed;
mod objects;
mod query_limits;
mod query_masks;
mod query_saved;
mod role_matrix;
mod security;
mod world;

//! What the crate promises, from outside: case files for the pure rules, a scripted API server for the loops.

#![allow(clippy::unwrap_used, reason = "in a test a panic with its line is the message")]

mod cases;
mod mock;
mod requests;
mod watching;

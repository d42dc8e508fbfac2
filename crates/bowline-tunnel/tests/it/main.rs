//! Both ends of a tunnel, in one process, before an API server that says what it was asked.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod passing;
mod scene;

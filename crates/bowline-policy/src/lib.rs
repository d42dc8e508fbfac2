//! Rules that somebody wrote about a request, decided without knowing who asks for the decision: [`condition`]s on role assignments.
//!
//! # Design notes
//! The engine is regorus, and this is the only crate that names it. No socket, no store, no clock: the moment is an argument.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read files"))]

pub mod condition;

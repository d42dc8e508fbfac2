//! The agent: one binary, two roles, cluster and machine.
pub mod cluster;

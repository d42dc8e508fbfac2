//! The agent: one binary, two roles, cluster and machine.
pub mod cluster;
pub mod home;
pub mod ledger;
pub mod session;

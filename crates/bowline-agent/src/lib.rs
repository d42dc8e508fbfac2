//! The agent: one binary, two roles, cluster and machine.
//!
//! | module | what it holds |
//! |---|---|
//! | [`session`] | the one outbound session, shared by both roles; its doc is the contract with a role |
//! | [`machine`] | the machine role and its commands |
//! | [`cluster`] | the cluster role |
//! | [`conditions`] | what an agent tells about itself |
//! | [`home`], [`ledger`] | what a role keeps at rest, as traits; files here, objects of the cluster there |
//! | [`key`] | the one credential |
//! | [`clock`], [`disk`] | the only places that read clocks and write files |

pub mod args;
pub mod clock;
pub mod cluster;
pub mod conditions;
pub mod disk;
pub mod health;
pub mod home;
pub mod key;
mod known;
pub mod ledger;
pub mod logging;
pub mod machine;
pub mod session;
pub mod simulate;

/// This agent's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

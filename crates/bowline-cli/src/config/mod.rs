//! What the command knows before it asks the server: settings and credentials.
//!
//! This folder alone reads the environment, files, the clock and random numbers ([`host`]); everything else is
//! given values. A setting is looked for as a flag, then in the environment, then in `config.toml`.

pub(crate) mod credentials;
pub(crate) mod host;
pub(crate) mod settings;

pub(crate) use settings::{Overrides, Settings};

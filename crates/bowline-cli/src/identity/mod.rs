//! Who the command acts as: signing in (OAuth 2.0), and tokens that stay fresh while it runs.

mod assertion;
mod keys;
mod oauth;
mod session;

pub(crate) use assertion::AssertionKey;
pub(crate) use keys::AgentKey;
pub(crate) use oauth::{Issuer, Proof, Tokens};
pub(crate) use session::{AccessToken, Session};

//! Who is calling, and may they.
//!
//! Two questions, answered without a socket, a store or a clock: the caller passes `now`, and all
//! randomness comes from [`random`].
//!
//! *Who is calling*: [`keys`] holds the issuer's signing keys and their rotation, [`token`] the access and
//! identity tokens, [`assertion`] the proof by which agents and service principals show that they hold a
//! registered [`public_key`], [`federation`] the tokens of other issuers that may stand for it, [`audience`] whom a token is for; [`password`], [`secret`], [`device`] and [`pkce`] are the other ways to sign in,
//! [`throttle`] slows down those who guess, and [`oauth_error`] says no in the words that OAuth clients know.
//! [`seal`] keeps what must be stored and not read; [`statement`] signs what is to be believed years later.
//!
//! *May they*: [`roles`] holds Azure's role definitions as data and answers `check(subject, action, scope)`.
//!
//! # Design notes
//! Signatures go through `jws` (private), a compact JWS of about a hundred lines over aws-lc-rs, and not
//! through a JWT library: the libraries read the clock themselves, choose the algorithm from a list at run
//! time, and parse the key at each verification. Here the algorithm is a property of the key, so that a token
//! cannot choose how it is checked.

pub mod assertion;
pub mod audience;
pub mod device;
pub mod federation;
mod jws;
pub mod keys;
pub mod oauth_error;
pub mod password;
pub mod pkce;
pub mod public_key;
pub mod random;
pub mod roles;
pub mod seal;
pub mod secret;
pub mod statement;
pub mod throttle;
pub mod token;
pub mod upstream;

pub use assertion::{AssertionClaims, AssertionError, parse_unverified_client_id, verify_assertion};
pub use keys::{KeySet, RotationRule, SigningKey};
pub use oauth_error::OAuthError;
pub use public_key::PublicKey;
pub use roles::{
    Authorizer, Condition, Decision, Facts, Hierarchy, Mask, Permission, Plane, Question, Reason,
    RoleAssignment, RoleDefinition, ScopeSet, Subject,
};
pub use secret::Secret;
pub use statement::{StatementKey, verify_statement};
pub use token::{AccessClaims, Expected, TokenCache, TokenError, verify_access_token};

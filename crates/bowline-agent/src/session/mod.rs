//! One outbound session to the server, shared by both roles: identity, token, watch, reports, key rotation, back-off.
//!
//! # The contract with a role
//! A role never talks to the server. [`role_channel`] makes two ends: the session takes [`SessionEnd`], the role keeps
//! [`RoleEnd`], which is a [`Reporter`] (upwards) and [`Orders`] (downwards).
//!
//! **Downwards.** [`Orders::next`] yields
//! - [`Order::Desired`]: a new desired document. It is in the ledger already; the role converges to it. The first one
//!   after a start comes from the ledger, before any connection, so that a role works while the server is away.
//! - [`Order::SendEverything`]: deliver the whole source again: [`Reporter::begin_full`], every object once,
//!   [`Reporter::finish_full`]. It comes once after each start of the process (the server may have lost or never had the
//!   log) and whenever the server asks for a resync. A role without objects calls the two one after the other.
//!   While a full delivery runs, changes of objects already delivered are sent as further deltas, in order: the stream
//!   between the two calls may mention a key more than once and the last mention counts.
//!   If `SendEverything` comes in the middle of a full delivery, start over with `begin_full`.
//!
//! - [`Order::Pace`]: the day's byte budget sets another pace. The role gathers changes for longer ([`Pace::gathering`]) and lets
//!   the least important ones wait; the session spaces its batches by itself.
//!
//! Only the newest unseen document is kept, and two pending `SendEverything` are one: orders never queue up.
//!
//! **Upwards.** [`Reporter::status`] takes the resource's reported properties (compared with the previous ones: equal
//! ones are not sent; never put anything in them that changes by itself). [`Reporter::delta`] takes a whole object or a
//! tombstone and waits while more than [`QUEUE_BYTES`] are queued or unacknowledged: that is the memory bound and the
//! back-pressure. While the server is away nothing drains, so a role coalesces its changes by key and asks
//! [`Reporter::room`] before it reads an object it would have to hold. Objects larger than a batch are refused
//! by [`Reporter::delta`] with an error; report such a thing as missing, not as a failure of the role.
//! Deltas sent before the first `begin_full` after a `SendEverything` are dropped, so a role need not hold them back.
//!
//! The session does the rest: batches of at most 1 MiB, zstd, sequence numbers, one batch in flight, retries with back-off,
//! reconnects, and the server's resync requests.
//!
//! # What the session needs from where it runs
//! [`Home`](crate::home::Home) (identity and keys at rest: files on a machine, a Secret and a ConfigMap in a cluster) and
//! [`Ledger`](crate::ledger::Ledger) (the desired document at rest).

mod budget;
mod channel;
pub mod client;
mod report;
mod rotate;
mod run;
pub mod sign_in;
pub mod status;
mod stream;
pub mod token;
mod tunnel;
mod watch;

pub use budget::Pace;
pub use channel::{
    Gone, Order, Orders, QUEUE_BYTES, Report, ReportError, Reporter, RoleEnd, SessionEnd, role_channel,
};
pub use run::{Outcome, SessionConfig, SessionError, run};
pub use tunnel::Passage;

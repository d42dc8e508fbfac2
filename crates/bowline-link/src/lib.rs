//! What server and agents say to each other: messages, versions and the session's state machine for both ends.
//! There are no sockets, clocks or random numbers here: bytes, time and randomness are passed in.
//!
//! | module | what it holds |
//! |---|---|
//! | [`message`] | the lines of a session, in both directions |
//! | [`mod@line`] | those lines as bytes, with their size limits |
//! | [`item`] | the desired document: items, their hashes, what an agent has and what it still needs |
//! | [`server_session`] | the server's end of a session |
//! | [`agent_session`] | the agent's end of a session |
//! | [`observed`] | batches of what an agent saw: sequence, epochs, resync, for both ends |
//! | [`backoff`] | how long to wait before the next attempt |
//! | [`wire`] | paths, header names and the small bodies of the other agent requests |
//!
//! # Time
//! Both state machines take a [`Moment`]: the time since any origin that the caller chose on a *monotonic* clock.
//! Wall-clock time appears only as data on the wire, so that a host whose clock jumps keeps its session.
//!
//! # How a server drives its end
//! ```
//! # use bowline_link::{item::DesiredDocument, server_session::*};
//! # use std::time::Duration;
//! # let now = Duration::ZERO;
//! # let opening = Opening {
//! #   session: uuid::Uuid::nil(), epoch: uuid::Uuid::nil(), server_version: "0.1.0".into(), time: "2026-11-01T00:00:00Z".parse()?,
//! #   lifetime: Duration::from_secs(1800), keep_alive: Duration::from_secs(20), direction: Direction::Both, claim: Claim::default(),
//! # };
//! let (mut session, hello) = ServerSession::open(opening, now);   // write `hello`
//! let document = DesiredDocument { epoch: uuid::Uuid::nil(), generation: 1, items: vec![] };
//! if let Some(line) = session.desired(&document, now) { /* write `line` */ }
//! match session.tick(now) {
//!     Tick::Wait(until) => { /* sleep until then, or until a line or a new document arrives */ }
//!     Tick::Send(line) => { /* write it */ }
//!     Tick::End(line) => { /* write it and close */ }
//!     Tick::Silent => { /* close: the agent is gone */ }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod agent_session;
pub mod backoff;
pub mod item;
pub mod line;
pub mod message;
pub mod observed;
pub mod server_session;
pub mod wire;

/// The protocol that this build speaks. A server accepts every hello with this number or a lower one.
pub const PROTOCOL: u32 = 1;

/// A point on the caller's monotonic clock, counted from an origin of the caller's choice.
pub type Moment = std::time::Duration;

//! The server's end of a session: what to send now, and when to give up. Small on purpose: one lives per connected agent.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Moment, PROTOCOL,
    item::{ContentHash, DesiredDocument},
    message::{Applied, Down, End, EndReason, Hello, KeepAlive, Tunnel, Up},
};

/// How many keep-alive intervals without a line end a session.
pub const MISSED_KEEP_ALIVES: u32 = 3;

/// Whether the agent can write on this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// An upgraded connection: both ends write.
    Both,
    /// A streamed answer or a long poll: only the server writes, so the agent's silence means nothing.
    Down,
}

/// What the agent said that it has: `?epoch=&generation=`, and the hashes that the server believes belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    pub epoch: Option<Uuid>,
    pub generation: u64,
    /// Hashes which the server knows this agent to have (of that epoch and generation); empty sends all contents.
    pub hashes: Vec<ContentHash>,
}

/// Everything a session starts from.
#[derive(Debug, Clone)]
pub struct Opening {
    pub session: Uuid,
    pub epoch: Uuid,
    pub server_version: String,
    /// The server's clock, for the hello.
    pub time: Timestamp,
    /// Until the token expires, with the server's jitter already taken off.
    pub lifetime: Duration,
    pub keep_alive: Duration,
    pub direction: Direction,
    pub claim: Claim,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Tick {
    /// Nothing until this moment, unless something arrives.
    Wait(Moment),
    /// Write this line, then tick again.
    Send(Down),
    /// Write this line and close.
    End(Down),
    /// Close: the agent missed its keep-alives.
    Silent,
}

/// The server's end of one session.
#[derive(Debug)]
pub struct ServerSession {
    session: Uuid,
    keep_alive: Duration,
    ends: Moment,
    last_sent: Moment,
    last_heard: Moment,
    direction: Direction,
    /// The document that the agent has, or will have once it has read what was sent.
    epoch: Option<Uuid>,
    generation: u64,
    hashes: Box<[ContentHash]>,
    applied: Option<Applied>,
}

impl ServerSession {
    /// Opens a session; the hello is to be written first.
    pub fn open(opening: Opening, now: Moment) -> (Self, Down) {
        let lifetime = jiff::SignedDuration::try_from(opening.lifetime).unwrap_or(jiff::SignedDuration::MAX);
        let ends_at = opening.time.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        let hello = Hello {
            protocol: PROTOCOL,
            server: opening.server_version,
            session: opening.session,
            epoch: opening.epoch,
            keep_alive_seconds: u32::try_from(opening.keep_alive.as_secs()).unwrap_or(u32::MAX),
            ends_at,
            time: opening.time,
            capabilities: vec!["zstd".to_owned()],
        };
        let session = Self {
            session: opening.session,
            keep_alive: opening.keep_alive,
            ends: now.saturating_add(opening.lifetime),
            last_sent: now,
            last_heard: now,
            direction: opening.direction,
            epoch: opening.claim.epoch,
            generation: opening.claim.generation,
            hashes: opening.claim.hashes.into_boxed_slice(),
            applied: None,
        };
        (session, Down::Hello(hello))
    }

    /// The id that the hello carried.
    pub fn id(&self) -> Uuid {
        self.session
    }

    /// What the agent said last that it has applied.
    pub fn applied(&self) -> Option<Applied> {
        self.applied
    }

    /// The line that brings the agent to this document, or `None` when it has it already.
    pub fn desired(&mut self, document: &DesiredDocument, now: Moment) -> Option<Down> {
        let same_epoch = self.epoch == Some(document.epoch);
        if same_epoch && document.generation <= self.generation {
            if document.generation == self.generation {
                self.hashes = document.items.iter().map(|item| item.hash).collect();
            }
            return None;
        }
        let line = document.line_for(|hash| same_epoch && self.hashes.contains(hash));
        self.epoch = Some(document.epoch);
        self.generation = document.generation;
        self.hashes = document.items.iter().map(|item| item.hash).collect();
        self.last_sent = now;
        Some(Down::Desired(line))
    }

    /// Takes a line of the agent. Says what the agent applied, when that is what the line was about.
    pub fn received(&mut self, line: Up, now: Moment) -> Option<Applied> {
        self.last_heard = now;
        match line {
            Up::KeepAlive(KeepAlive {}) => None,
            Up::Applied(applied) => {
                self.applied = Some(applied);
                Some(applied)
            }
        }
    }

    /// The line that asks the agent for a tunnel.
    pub fn tunnel(&mut self, rendezvous: String, now: Moment) -> Down {
        self.last_sent = now;
        Down::Tunnel(Tunnel { rendezvous })
    }

    /// Notes that a line was written that this machine did not make (a resync, for example).
    pub fn sent(&mut self, now: Moment) {
        self.last_sent = now;
    }

    /// What to do at this moment.
    pub fn tick(&mut self, now: Moment) -> Tick {
        if now >= self.ends {
            return Tick::End(Down::End(End {
                reason: EndReason::TokenExpired,
                message: "The access token of this session expires; connect again with a new one.".to_owned(),
                reconnect_after_seconds: Some(0),
            }));
        }
        if self.direction == Direction::Both && now >= self.silent_at() {
            return Tick::Silent;
        }
        if now >= self.last_sent + self.keep_alive {
            self.last_sent = now;
            return Tick::Send(Down::KeepAlive(KeepAlive {}));
        }
        Tick::Wait(self.deadline())
    }

    /// The next moment at which [`tick`](Self::tick) has something to say.
    pub fn deadline(&self) -> Moment {
        let mut next = self.ends.min(self.last_sent + self.keep_alive);
        if self.direction == Direction::Both {
            next = next.min(self.silent_at());
        }
        next
    }

    fn silent_at(&self) -> Moment {
        self.last_heard + self.keep_alive * MISSED_KEEP_ALIVES
    }
}

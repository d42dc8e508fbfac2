//! The agent's end of a session: waits for the hello, keeps alive, judges desired lines, notices silence.

use std::time::Duration;

use crate::{
    Moment, PROTOCOL,
    item::{KnownDocument, MergeError, Merged},
    message::{Applied, Down, End, Hello, KeepAlive, Resync, Tunnel, Up},
    server_session::MISSED_KEEP_ALIVES,
};

/// How long an agent waits for the hello before it falls back to long polls.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// What a line means for the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The session is open.
    Opened(Hello),
    /// Write this to the ledger, tell the role, then call [`AgentSession::applied`].
    Desired(Merged),
    /// Send everything of this source again.
    Resync(Resync),
    /// Open a tunnel.
    Tunnel(Tunnel),
    /// The session is over.
    Ended(End),
    /// Nothing to do.
    Nothing,
}

/// Why the agent closes the session from its side.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SessionFault {
    #[error(
        "the server sent another line before its hello: something between here and there answers in its place"
    )]
    NoHelloFirst,
    #[error("the server speaks protocol {theirs} and this agent speaks up to {PROTOCOL}: update the agent")]
    NewerProtocol { theirs: u32 },
    #[error("the desired document cannot be completed; the whole document is asked for")]
    Merge(#[from] MergeError),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentTick {
    /// Nothing until this moment, unless a line arrives.
    Wait(Moment),
    /// Write this line, then tick again.
    Send(Up),
    /// No hello in time: close, and use long polls.
    NoHello,
    /// The server missed its keep-alives: close, and connect again.
    Silent,
}

/// The agent's end of one session.
#[derive(Debug)]
pub struct AgentSession {
    known: KnownDocument,
    opened: Option<Duration>,
    last_sent: Moment,
    last_heard: Moment,
}

impl AgentSession {
    /// Starts when the server's response head has arrived.
    pub fn start(known: KnownDocument, now: Moment) -> Self {
        Self { known, opened: None, last_sent: now, last_heard: now }
    }

    /// What the agent has.
    pub fn known(&self) -> &KnownDocument {
        &self.known
    }

    /// Whether the hello has arrived.
    pub fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    /// Takes a line of the server.
    pub fn received(&mut self, line: Down, now: Moment) -> Result<Event, SessionFault> {
        self.last_heard = now;
        if !self.is_open() && !matches!(line, Down::Hello(_) | Down::End(_)) {
            return Err(SessionFault::NoHelloFirst);
        }
        Ok(match line {
            Down::Hello(hello) => {
                if hello.protocol > PROTOCOL {
                    return Err(SessionFault::NewerProtocol { theirs: hello.protocol });
                }
                self.opened = Some(Duration::from_secs(u64::from(hello.keep_alive_seconds.max(1))));
                self.last_sent = now;
                Event::Opened(hello)
            }
            Down::Desired(desired) => self.known.merge(desired)?.map_or(Event::Nothing, Event::Desired),
            Down::Resync(resync) => Event::Resync(resync),
            Down::Tunnel(tunnel) => Event::Tunnel(tunnel),
            Down::End(end) => Event::Ended(end),
            Down::KeepAlive(KeepAlive {}) => Event::Nothing,
        })
    }

    /// The document is in the ledger and the role was told: the line to send.
    pub fn applied(&mut self, known: KnownDocument, now: Moment) -> Up {
        self.last_sent = now;
        let applied = Applied { epoch: known.epoch, generation: known.generation };
        self.known = known;
        Up::Applied(applied)
    }

    /// What to do at this moment.
    pub fn tick(&mut self, now: Moment) -> AgentTick {
        let Some(keep_alive) = self.opened else {
            let until = self.last_heard + HELLO_TIMEOUT;
            return if now >= until { AgentTick::NoHello } else { AgentTick::Wait(until) };
        };
        let silent_at = self.last_heard + keep_alive * MISSED_KEEP_ALIVES;
        if now >= silent_at {
            return AgentTick::Silent;
        }
        let speak_at = self.last_sent + keep_alive;
        if now >= speak_at {
            self.last_sent = now;
            return AgentTick::Send(Up::KeepAlive(KeepAlive {}));
        }
        AgentTick::Wait(speak_at.min(silent_at))
    }
}

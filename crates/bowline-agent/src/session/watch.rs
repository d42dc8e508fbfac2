//! The watch: desired state comes down, keep-alives go both ways, and the ledger is written before anything else happens.
//!
//! An attempt ends with a [`WatchEnd`]; the loop around it (in [`run`](super::run())) decides how long to wait.
//! The transport is chosen per attempt: an upgraded connection; a streamed answer when the server (or a proxy that dropped the
//! header) answers 200; long polls for a day after a hello stayed away for 10 s or the upgrade was refused.

use std::{sync::Arc, time::Duration};

use bowline_link::{
    Moment,
    agent_session::{AgentSession, AgentTick, Event, HELLO_TIMEOUT, SessionFault},
    item::{DesiredDocument, KnownDocument, Merged, kind},
    line,
    message::{Down, End, EndReason, Hello, Tunnel},
    wire,
};
use reqwest::{Method, StatusCode, header};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    budget::Meter,
    channel::OrderSender,
    client::{Client, RequestError},
    status::{StatusBoard, Transport},
    stream::{Carrier, Lines, StreamError},
    token::{TokenError, Tokens},
    tunnel::Asked,
};
use crate::{
    clock,
    ledger::{Ledger, LedgerError},
};

/// How long long polls are used before the upgrade is tried again.
const FALLBACK_LASTS: Duration = Duration::from_secs(24 * 3600);
/// How long a line may take to be written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// A poll that is answered without news sooner than this is not followed at once.
const POLL_PAUSE: Duration = Duration::from_secs(1);

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum WatchEnd {
    /// The server ended the session.
    Server(End),
    /// It broke after the hello.
    Broken(WatchError),
    /// It never opened.
    NotOpened(WatchError),
    /// The document moves the agent to another endpoint.
    Moved,
    /// The process stops.
    Stopped,
}

/// Why a watch failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum WatchError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Fault(#[from] SessionFault),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the server was silent for three keep-alives")]
    Silent,
    #[error("no hello came within {} s: something on the way buffers the answer; falling back to long polls", HELLO_TIMEOUT.as_secs())]
    NoHello,
    #[error("the connection could not be upgraded ({status}): falling back to long polls")]
    UpgradeRefused { status: StatusCode },
}

/// What the reporter needs to know of the current session.
#[derive(Clone)]
pub(super) struct Uplink {
    pub(super) session: Uuid,
    pub(super) client: Arc<Client>,
    pub(super) tokens: Arc<Tokens>,
}

/// The watch's state across attempts.
pub(super) struct Watch {
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) document: Arc<DesiredDocument>,
    pub(super) instance: String,
    pub(super) orders: OrderSender,
    pub(super) status: StatusBoard,
    pub(super) meter: Arc<Meter>,
    pub(super) uplink: watch::Sender<Option<Uplink>>,
    pub(super) resyncs: mpsc::UnboundedSender<String>,
    /// Tunnels to open; none when this agent opens none.
    pub(super) tunnels: Option<mpsc::Sender<Asked>>,
    pub(super) stop: CancellationToken,
    /// Long polls until this moment.
    pub(super) fallback_until: Option<Moment>,
    /// A line could not be completed: ask for the whole document.
    pub(super) ask_whole: bool,
}

impl Watch {
    /// One attempt: connects, and stays until something ends it.
    pub(super) async fn attempt(&mut self, client: &Arc<Client>, tokens: &Arc<Tokens>) -> WatchEnd {
        let uplink = Uplink { session: Uuid::nil(), client: client.clone(), tokens: tokens.clone() };
        let stop = self.stop.clone();
        let end = tokio::select! {
            end = self.attempt_any(&uplink) => end,
            () = stop.cancelled() => WatchEnd::Stopped,
        };
        self.uplink.send_replace(None);
        self.status.update(|status| {
            status.connected = false;
            status.session = None;
            status.clock_offset_seconds = client.clock_offset();
        });
        if let WatchEnd::NotOpened(WatchError::Request(error)) = &end
            && error.status() == Some(StatusCode::UNAUTHORIZED)
        {
            tokens.forget().await;
        }
        if let WatchEnd::NotOpened(error @ (WatchError::NoHello | WatchError::UpgradeRefused { .. })) = &end {
            self.fallback_until = Some(clock::moment() + FALLBACK_LASTS);
            self.status.update(|status| status.transport_reason = Some(error.to_string()));
        }
        end
    }

    async fn attempt_any(&mut self, uplink: &Uplink) -> WatchEnd {
        if self.fallback_until.is_some_and(|until| clock::moment() < until) {
            let end = self.poll(uplink).await;
            if matches!(end, WatchEnd::NotOpened(_)) {
                // Long polls do not work either: whatever is wrong, it is not the upgrade.
                self.fallback_until = None;
            }
            return end;
        }
        let lines = match self.connect(uplink).await {
            Ok(lines) => lines,
            Err(error) => return WatchEnd::NotOpened(error),
        };
        self.follow(lines, uplink).await
    }

    /// Sends the request and takes the connection over, or the streamed answer.
    async fn connect(&mut self, uplink: &Uplink) -> Result<Lines, WatchError> {
        let request = self.session_request(uplink, None).await?;
        let request =
            request.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, wire::UPGRADE_TOKEN);
        let answer = match uplink.client.send(request, HELLO_TIMEOUT).await {
            // A proxy that buffers may hold back even the head.
            Err(RequestError::NoAnswer { .. }) => return Err(WatchError::NoHello),
            answer => answer?,
        };
        match answer.status() {
            StatusCode::SWITCHING_PROTOCOLS => {
                let connection = answer.upgrade().await.map_err(StreamError::from)?;
                self.set_transport(Transport::Upgraded, None);
                Ok(Lines::new(Carrier::Upgraded(Box::new(connection))))
            }
            StatusCode::OK => {
                let reason =
                    "the answer to the upgrade was an ordinary one: a proxy on the way drops the header";
                self.set_transport(Transport::Streamed, Some(reason));
                Ok(Lines::new(Carrier::Streamed(Box::new(answer))))
            }
            status if upgrade_is_to_blame(status) => Err(WatchError::UpgradeRefused { status }),
            _ => Err(uplink.client.refusal(answer).await.into()),
        }
    }

    async fn session_request(
        &mut self,
        uplink: &Uplink,
        wait: Option<u32>,
    ) -> Result<reqwest::RequestBuilder, WatchError> {
        let bearer = uplink.tokens.bearer().await?;
        let known = self.known();
        let epoch = (!known.epoch.is_nil()).then_some(known.epoch);
        let query = wire::SessionQuery { epoch, generation: known.generation, wait };
        let request = uplink.client.request(Method::GET, wire::SESSION_PATH).query(&query);
        let request = request.bearer_auth(bearer.secret()).header(wire::INSTANCE_HEADER, &self.instance);
        Ok(match self.tunnels {
            Some(_) => request.header(wire::CAPABILITIES_HEADER, wire::TUNNEL_CAPABILITY),
            None => request,
        })
    }

    fn known(&self) -> KnownDocument {
        if self.ask_whole { KnownDocument::default() } else { self.document.known() }
    }

    fn set_transport(&self, transport: Transport, reason: Option<&str>) {
        self.status.update(|status| {
            status.transport = transport;
            status.transport_reason = reason.map(str::to_owned);
        });
    }

    /// Reads lines until something ends the session.
    async fn follow(&mut self, mut lines: Lines, uplink: &Uplink) -> WatchEnd {
        let mut session = AgentSession::start(self.known(), clock::moment());
        let end = loop {
            match session.tick(clock::moment()) {
                AgentTick::NoHello => break WatchEnd::NotOpened(WatchError::NoHello),
                AgentTick::Silent => break WatchEnd::Broken(WatchError::Silent),
                AgentTick::Send(up) => {
                    if let Err(error) = write(&mut lines, &up).await {
                        break WatchEnd::Broken(error.into());
                    }
                }
                AgentTick::Wait(until) => {
                    let line = tokio::select! {
                        line = lines.next() => line,
                        () = clock::sleep_until(until) => continue,
                    };
                    let opened = session.is_open();
                    match self
                        .take(line.map_err(WatchError::from), &mut session, Some(&mut lines), uplink)
                        .await
                    {
                        Ok(None) => {}
                        Ok(Some(end)) => break end,
                        Err(error) if opened => break WatchEnd::Broken(error),
                        Err(error) => break WatchEnd::NotOpened(error),
                    }
                }
            }
            self.count(&mut lines);
        };
        self.count(&mut lines);
        end
    }

    fn count(&self, lines: &mut Lines) {
        let (bytes_in, bytes_out) =
            (std::mem::take(&mut lines.bytes_in), std::mem::take(&mut lines.bytes_out));
        if bytes_in + bytes_out > 0 {
            self.status.update(|status| status.bytes_in += bytes_in);
            self.meter.sent(bytes_out);
        }
    }

    /// Takes one line. `Some` ends the session.
    async fn take(
        &mut self,
        line: Result<Down, WatchError>,
        session: &mut AgentSession,
        lines: Option<&mut Lines>,
        uplink: &Uplink,
    ) -> Result<Option<WatchEnd>, WatchError> {
        let event = session.received(line?, clock::moment());
        if matches!(event, Err(SessionFault::Merge(_))) {
            self.ask_whole = true;
        }
        match event? {
            Event::Nothing => {}
            Event::Opened(hello) => self.opened(&hello, uplink),
            Event::Ended(end) => return Ok(Some(WatchEnd::Server(end))),
            Event::Resync(resync) => {
                tracing::info!(
                    source = resync.source,
                    reason = resync.reason,
                    "the server asks for a full sync"
                );
                // The receiver lives as long as the session; without it the process is stopping anyway.
                let _ = self.resyncs.send(resync.reason);
            }
            Event::Tunnel(tunnel) => self.ask_for(tunnel, uplink),
            Event::Desired(merged) => {
                let endpoint = self.document.content(kind::ENDPOINT).cloned();
                let known = self.store(merged).await?;
                let applied = session.applied(known, clock::moment());
                if let Some(lines) = lines {
                    write(lines, &applied).await?;
                }
                let new = self.document.content(kind::ENDPOINT);
                if new.is_some() && new != endpoint.as_ref() {
                    return Ok(Some(WatchEnd::Moved));
                }
            }
        }
        Ok(None)
    }

    /// Hands a tunnel on; one that is too many is not opened, and whoever waits for it is told so by the server.
    fn ask_for(&self, tunnel: Tunnel, uplink: &Uplink) {
        let Some(tunnels) = &self.tunnels else { return };
        if tunnels.try_send(Asked { tunnel, uplink: uplink.clone() }).is_err() {
            tracing::warn!("the server asks for more tunnels at once than this agent opens");
        }
    }

    fn opened(&self, hello: &Hello, uplink: &Uplink) {
        tracing::info!(session = %hello.session, server = hello.server, "connected");
        self.status.update(|status| {
            status.connected = true;
            status.session = Some(hello.session);
            status.server = uplink.client.server().to_string();
            status.connected_since = Some(clock::now());
            status.sessions_opened += 1;
            status.clock_offset_seconds = uplink.client.clock_offset();
            status.last_error = None;
        });
        self.uplink.send_replace(Some(Uplink { session: hello.session, ..uplink.clone() }));
    }

    /// The ledger first, then the role.
    async fn store(&mut self, merged: Merged) -> Result<KnownDocument, WatchError> {
        let merged = self.document.complete(merged);
        self.ledger.store(&merged).await?;
        self.ask_whole = false;
        let document = Arc::unwrap_or_clone(std::mem::take(&mut self.document));
        self.document = Arc::new(document.apply(&merged));
        self.status.update(|status| {
            status.epoch = Some(merged.known.epoch);
            status.generation = merged.known.generation;
        });
        tracing::info!(
            generation = merged.known.generation,
            items = merged.known.items.len(),
            "new desired document"
        );
        self.meter.follow(&self.document);
        self.orders.desired(self.document.clone());
        Ok(merged.known)
    }

    /// Long polls, one after the other, until one fails.
    async fn poll(&mut self, uplink: &Uplink) -> WatchEnd {
        self.status.update(|status| status.transport = Transport::LongPoll);
        let mut opened = false;
        while self.fallback_until.is_some_and(|until| clock::moment() < until) {
            let started = clock::moment();
            let generation = self.document.generation;
            let known_session = self.uplink.borrow().as_ref().map(|uplink| uplink.session);
            match self.poll_once(uplink, known_session).await {
                Ok(None) => opened = true,
                Ok(Some(end)) => return end,
                Err(error) if opened => return WatchEnd::Broken(error),
                Err(error) => return WatchEnd::NotOpened(error),
            }
            if self.document.generation == generation && clock::moment() - started < POLL_PAUSE {
                tokio::time::sleep(POLL_PAUSE).await;
            }
        }
        let reason = EndReason::Unknown;
        let message = "a day of long polls is over; trying the upgrade again".to_owned();
        WatchEnd::Server(End { reason, message, reconnect_after_seconds: Some(0) })
    }

    async fn poll_once(
        &mut self,
        uplink: &Uplink,
        known_session: Option<Uuid>,
    ) -> Result<Option<WatchEnd>, WatchError> {
        // The first answer must come at once, so that a session exists which reports can name.
        let wait = if known_session.is_some() { wire::MAX_WAIT_SECONDS } else { 0 };
        let request = self.session_request(uplink, Some(wait)).await?;
        let timeout = Duration::from_secs(u64::from(wait)) + HELLO_TIMEOUT;
        let answer = uplink.client.send(request, timeout).await?;
        if !answer.status().is_success() {
            return Err(uplink.client.refusal(answer).await.into());
        }
        let body = uplink.client.body(answer).await?;
        self.status.update(|status| status.bytes_in += body.len() as u64);
        self.meter.sent(0);
        let mut session = AgentSession::start(self.known(), clock::moment());
        for line in line::decode_poll(&body).map_err(StreamError::from)? {
            if matches!(&line, Down::Hello(hello) if Some(hello.session) == known_session) {
                session.received(line, clock::moment())?;
                continue;
            }
            let end = self.take(Ok(line), &mut session, None, uplink).await?;
            match end {
                // A poll that ends because its token expires is simply followed by the next.
                Some(WatchEnd::Server(End { reason: EndReason::TokenExpired, .. })) => {
                    uplink.tokens.forget().await;
                }
                Some(end) => return Ok(Some(end)),
                None => {}
            }
        }
        Ok(None)
    }
}

async fn write(lines: &mut Lines, up: &bowline_link::message::Up) -> Result<(), StreamError> {
    let timed_out = || std::io::Error::new(std::io::ErrorKind::TimedOut, "a line could not be written");
    tokio::time::timeout(WRITE_TIMEOUT, lines.write(up)).await.map_err(|_| timed_out())?
}

/// Answers which say that something on the way does not do upgrades, while the same request without one may work.
fn upgrade_is_to_blame(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED | StatusCode::UPGRADE_REQUIRED)
        || matches!(status, StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED)
}

/// The server's wish for when to try again.
pub(super) fn retry_after(error: &WatchError) -> Option<Duration> {
    match error {
        WatchError::Request(error) | WatchError::Token(TokenError::Request(error)) => error.retry_after(),
        // Falling back is not a failure to be slow about.
        _ => None,
    }
}

/// Whether the server says that another instance is connected with this identity.
pub(super) fn is_cloned(error: &WatchError) -> bool {
    matches!(error, WatchError::Request(error) if error.code().is_some_and(|code| code.ends_with("Cloned")))
}

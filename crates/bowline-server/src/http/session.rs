//! `GET /agents/v1/session`: the agent's one long connection (wire.md §2), as a takeover, as a stream, or as a long poll.
//!
//! # Design notes
//! A taken-over connection leaves hyper after the request head: hyper's buffers are most of the memory of an idle
//! session. What remains is the TLS state, this task and a channel.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use bowline_arm::Error;
use bowline_control::context::OpContext;
use bowline_control::fleet::AttachError;
use bowline_control::providers::registered_key;
use bowline_control::reconcile::presence::{self, Presence};
use bowline_control::sessions::{Attachment, Cloned};
use bowline_link::item::DesiredDocument;
use bowline_link::line::{LineReader, encode, encode_poll};
use bowline_link::message::{Down, End, EndReason};
use bowline_link::server_session::{Claim, Direction, Opening, ServerSession, Tick};
use bowline_link::wire::{
    CAPABILITIES_HEADER, INSTANCE_HEADER, MAX_WAIT_SECONDS, SessionQuery, TUNNEL_CAPABILITY, UPGRADE_TOKEN,
};
use bowline_store::fleet::{Attaching, Detaching};
use bowline_store::{Record, StoreError};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};

use super::State;
use super::agents::{Agent, agent};
use super::context::challenge;
use crate::listener::Stream;

/// An agent that does not read a line in this time is gone.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How long after a poll's answer the next one may begin.
const POLL_GAP: Duration = Duration::from_secs(5);
/// What is read at once from an agent: a keep-alive is 17 bytes.
const READ_BUFFER: usize = 128;

/// An agent's place on this server; leaving it starts the way to Offline.
struct Place {
    state: Arc<State>,
    uid: uuid::Uuid,
    attachment: Attachment,
}

impl Drop for Place {
    fn drop(&mut self) {
        let control = &self.state.control;
        if !control.sessions().detach(self.uid, self.attachment.id) {
            return;
        }
        let settings = control.settings();
        let delay =
            if control.fleet().is_draining() { settings.restart_grace } else { settings.offline_delay };
        let ended = Detaching { agent: self.uid, connection: self.attachment.id, delay };
        control.fleet().detach(ended, &self.attachment.key);
    }
}

/// A session that was opened. In a box from the beginning: the task that holds it would have room for it once in each of its parts.
struct Opened {
    place: Place,
    session: ServerSession,
    started: Instant,
}

/// Opens a session in the form that the request asks for.
pub async fn open(Shared(state): Shared<Arc<State>>, mut request: Request) -> Response {
    let takeover = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let upgrade = parts
        .headers
        .get(header::UPGRADE)
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(UPGRADE_TOKEN.as_bytes()));
    let query: SessionQuery = match serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => {
            return challenge(
                &state,
                Error::bad_request(
                    "InvalidQuery",
                    format!("The session's query is not understood: {error}."),
                ),
            );
        }
    };
    let direction = if upgrade { Direction::Both } else { Direction::Down };
    let (opened, hello) = match begin(&state, &parts, &query, direction).await {
        Ok(opened) => opened,
        Err(error) => return challenge(&state, error),
    };
    super::gate::release(&parts);
    if let Some(wait) = query.wait {
        return poll(opened, hello, Duration::from_secs(u64::from(wait.min(MAX_WAIT_SECONDS)))).await;
    }
    let hello = encode(&hello).unwrap_or_default();
    if !upgrade {
        return stream(opened, hello);
    }
    tokio::spawn(take_over(takeover, opened, hello));
    (
        StatusCode::SWITCHING_PROTOCOLS,
        [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static(UPGRADE_TOKEN)),
        ],
    )
        .into_response()
}

async fn begin(
    state: &Arc<State>,
    parts: &Parts,
    query: &SessionQuery,
    direction: Direction,
) -> Result<(Box<Opened>, Down), Error> {
    if state.control.fleet().is_draining() {
        return Err(Error::unavailable(
            "This server is going down and takes no agents. Connect again: another server answers.",
            1,
        ));
    }
    let Agent { context, record, until } = agent(state, parts).await?;
    let instance = parts
        .headers
        .get(INSTANCE_HEADER)
        .and_then(|v| v.to_str().ok())
        .filter(|v| v.len() <= 128)
        .unwrap_or_default();
    let control = &state.control;
    let weighed = control.weigh_cursor(&record.key, query.epoch, query.generation).await;
    weighed.map_err(|error| {
        Error::unavailable("This server cannot take the session right now. Connect again.", 2)
            .with_context(error)
    })?;
    let document = control.desired().document(&record.key);
    let claim = claim(query, &document);
    let keep_alive =
        document.content("agentSettings").and_then(|s| s["keepAliveSeconds"].as_u64()).unwrap_or(20);
    let polls = query.wait.is_some();
    let place = match attach(state, &record, instance, document, polls).await {
        Err(AttachError::Cloned) => {
            presence::show_cloned(control, &record.key, record.uid, context.now).await?;
            return Err(cloned(&record));
        }
        Err(error @ AttachError::Unavailable(_)) => {
            let message = "This server cannot take the session right now. Connect again.";
            return Err(Error::unavailable(message, 2).with_context(error));
        }
        Ok(place) => place,
    };
    let own: Value = serde_json::from_str(&record.document).unwrap_or_default();
    if opens_tunnels(parts) {
        control.sessions().note_tunnels(record.uid, place.attachment.id);
    }
    control.sessions().note_key(record.uid, place.attachment.id, registered_key(&own));
    let shows = OpContext::system("presence", context.now);
    presence::show(control, &shows, &record.key, record.uid, Presence::Connected).await?;
    let left = Duration::try_from(until.duration_since(context.now)).unwrap_or_default();
    let opening = Opening {
        session: place.attachment.session,
        epoch: control.store().watch().borrow().epoch,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        time: context.now,
        lifetime: jittered(left),
        keep_alive: Duration::from_secs(keep_alive),
        direction,
        claim,
    };
    let started = Instant::now();
    let (session, hello) = ServerSession::open(opening, Duration::ZERO);
    Ok((Box::new(Opened { place, session, started }), hello))
}

/// Whether the agent says that it opens tunnels.
fn opens_tunnels(parts: &Parts) -> bool {
    let said = parts.headers.get_all(CAPABILITIES_HEADER).iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|value| value.split(',')).any(|one| one.trim() == TUNNEL_CAPABILITY)
}

fn cloned(record: &Record) -> Error {
    if !presence::is_machine(&record.resource_type) {
        return Error::conflict(
            "ClusterCloned",
            "Another cluster is connected with this identity: this one was probably restored from its backup. \
             On the copy run 'bowline cluster connect' under a name of its own; if the other one is gone for good, run it here under the old name with --replace. \
             If the agent was just restarted hard, wait a minute: its old session then ends by itself.",
        );
    }
    Error::conflict(
        "MachineCloned",
        "Another installation is connected with this identity: this host's disk was probably copied from it. \
         On the copy run 'bowline-agent machine disconnect --force-local-only', then 'connect' under a name of its own. \
         If this host was just restarted hard, wait a minute: its old session then ends by itself.",
    )
}

/// Takes the agent's place: among the sessions of this server, and before all servers.
async fn attach(
    state: &Arc<State>,
    record: &Record,
    instance: &str,
    document: Arc<DesiredDocument>,
    polls: bool,
) -> Result<Place, AttachError> {
    let control = &state.control;
    let unavailable = |error: StoreError| AttachError::Unavailable(error.to_string());
    // A poll goes to whichever server the balancer chose; the session that the agent reports under goes with it.
    let before = if polls { control.fleet().find(record.uid).await.map_err(unavailable)? } else { None };
    let elsewhere = before.filter(|one| one.instance == instance).map(|one| one.session);
    let attachment = control
        .sessions()
        .attach(record.uid, &record.key, instance, document, polls, elsewhere)
        .map_err(|Cloned| AttachError::Cloned)?;
    let (session, connection) = (attachment.session, attachment.id);
    // From here on leaving is certain, also when the agent goes away while it is written down.
    let place = Place { state: Arc::clone(state), uid: record.uid, attachment };
    let (agent, resource) = (record.uid, record.key.clone());
    let attaching = Attaching { agent, resource, session, connection, instance: instance.to_owned() };
    control.fleet().attach(attaching).await?;
    Ok(place)
}

/// What the agent has: the server's document when it names the same generation.
fn claim(query: &SessionQuery, document: &DesiredDocument) -> Claim {
    let same = query.epoch == Some(document.epoch) && query.generation == document.generation;
    let hashes = if same { document.items.iter().map(|i| i.hash).collect() } else { Vec::new() };
    Claim { epoch: query.epoch, generation: query.generation, hashes }
}

/// Sessions that began together end apart: up to a tenth of the lifetime is taken off.
fn jittered(lifetime: Duration) -> Duration {
    let part = u32::from(bowline_auth::random::bytes::<1>()[0]);
    lifetime.saturating_sub(lifetime / 10 * part / 255)
}

/// Waits for the connection, and lives as a session on it. What is needed for the beginning only is gone when [`hold`] waits.
async fn take_over(takeover: OnUpgrade, opened: Box<Opened>, hello: Vec<u8>) {
    let parts = match takeover.await {
        Ok(upgraded) => upgraded.downcast::<TokioIo<Stream>>(),
        Err(error) => return tracing::debug!(%error, "a session's connection ended before it began"),
    };
    let Ok(parts) = parts else {
        return tracing::error!("a session's connection is not one of this listener");
    };
    let mut io = Box::new(parts.io.into_inner());
    let mut lines = LineReader::new();
    lines.feed(&parts.read_buf);
    drop(parts.read_buf);
    if write(&mut io, &hello).await.is_err() {
        return;
    }
    drop(hello);
    // A task of its own: the memory of this one, made for the beginning, is given back.
    tokio::spawn(hold(io, lines, opened));
}

/// Holds a taken-over connection until either side ends it.
async fn hold(mut io: Box<Stream>, mut lines: LineReader, mut opened: Box<Opened>) {
    let mut buffer = [0_u8; READ_BUFFER];
    opened.place.attachment.signal.look_again();
    loop {
        let step = tokio::select! {
            changed = opened.place.attachment.signal.changed() => match changed {
                true => opened.signalled(),
                false => Step::Close,
            },
            read = io.read(&mut buffer) => match read {
                Ok(0) | Err(_) => Step::Close,
                Ok(n) => {
                    lines.feed(&buffer[..n]);
                    opened.received(&mut lines)
                }
            },
            () = sleep_until(opened.started + opened.session.deadline()) => opened.tick(),
        };
        match step {
            Step::Wait => {}
            Step::Send(line) => {
                if write_line(&mut io, &line).await.is_err() {
                    break;
                }
            }
            Step::End(line) => {
                let _ = write_line(&mut io, &line).await;
                let _ = timeout(WRITE_PATIENCE, io.shutdown()).await;
                break;
            }
            Step::Close => break,
        }
    }
}

/// What a session does next.
enum Step {
    Wait,
    Send(Down),
    End(Down),
    Close,
}

impl Opened {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn signalled(&mut self) -> Step {
        let now = self.now();
        let signals = &self.place.attachment.signal;
        let signal = signals.look();
        if let Some(end) = &signal.end {
            return Step::End(Down::End((**end).clone()));
        }
        let waiting = signal.summons.clone();
        if let Some(line) = self.session.desired(&signal.document, now) {
            if waiting.is_some() {
                // What else there is to tell comes with the next turn.
                signals.look_again();
            }
            return Step::Send(line);
        }
        drop(signal);
        let Some((rendezvous, more)) = waiting.and_then(|summons| summons.take()) else {
            return Step::Wait;
        };
        if more {
            signals.look_again();
        }
        Step::Send(self.session.tunnel(rendezvous, now))
    }

    fn received(&mut self, lines: &mut LineReader) -> Step {
        let now = self.now();
        loop {
            match lines.next_message() {
                Ok(Some(up)) => {
                    self.session.received(up, now);
                }
                Ok(None) => return Step::Wait,
                Err(error) => {
                    return Step::End(Down::End(End {
                        reason: EndReason::Unknown,
                        message: format!("A line of the agent was refused: {error}."),
                        reconnect_after_seconds: Some(30),
                    }));
                }
            }
        }
    }

    fn tick(&mut self) -> Step {
        match self.session.tick(self.now()) {
            Tick::Wait(_) => Step::Wait,
            Tick::Send(line) => Step::Send(line),
            Tick::End(line) => Step::End(line),
            Tick::Silent => Step::Close,
        }
    }

    /// Waits for the next line to send; none when the session is over.
    async fn next(&mut self) -> Step {
        loop {
            let step = tokio::select! {
                changed = self.place.attachment.signal.changed() => match changed {
                    true => self.signalled(),
                    false => Step::Close,
                },
                () = sleep_until(self.started + self.session.deadline()) => self.tick(),
            };
            if !matches!(step, Step::Wait) {
                return step;
            }
        }
    }
}

async fn write_line(io: &mut Stream, line: &Down) -> std::io::Result<()> {
    let bytes = encode(line).map_err(std::io::Error::other)?;
    write(io, &bytes).await
}

async fn write(io: &mut Stream, bytes: &[u8]) -> std::io::Result<()> {
    let writing = async {
        io.write_all(bytes).await?;
        io.flush().await
    };
    timeout(WRITE_PATIENCE, writing).await.map_err(|_| std::io::ErrorKind::TimedOut)?
}

/// The lines as a streamed answer: for curl, and for proxies that strip the upgrade.
fn stream(opened: Box<Opened>, hello: Vec<u8>) -> Response {
    opened.place.attachment.signal.look_again();
    let lines =
        futures::stream::unfold((Some(Bytes::from(hello)), Some(opened)), |(first, opened)| async move {
            if let Some(first) = first {
                return Some((Ok::<_, std::convert::Infallible>(first), (None, opened)));
            }
            let mut opened = opened?;
            match opened.next().await {
                Step::Send(line) => Some((Ok(Bytes::from(encode(&line).ok()?)), (None, Some(opened)))),
                Step::End(line) => Some((Ok(Bytes::from(encode(&line).ok()?)), (None, None))),
                Step::Wait | Step::Close => None,
            }
        });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// The lines of a long poll: what there is to say now, or what comes within the wait.
async fn poll(mut opened: Box<Opened>, hello: Down, wait: Duration) -> Response {
    let mut messages = vec![hello];
    match opened.signalled() {
        Step::Send(line) | Step::End(line) => messages.push(line),
        Step::Wait | Step::Close => {
            if let Ok(Step::Send(line) | Step::End(line)) = timeout(wait, next_news(&mut opened)).await {
                messages.push(line);
            }
        }
    }
    let answer = match encode_poll(&messages) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => challenge(&opened.place.state, Error::internal(error)),
    };
    // Between two polls the session lives on, so that reports under it are taken.
    tokio::spawn(async move {
        tokio::time::sleep(POLL_GAP).await;
        drop(opened);
    });
    answer
}

/// Keep-alives are no news to a poll.
async fn next_news(opened: &mut Opened) -> Step {
    loop {
        match opened.next().await {
            Step::Send(Down::KeepAlive(_)) => {}
            step => return step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// There is one for each connected agent.
    #[test]
    fn the_task_of_an_idle_session_is_small() {
        let held = size_of_future(hold);
        assert!(held <= 1024, "the task of an idle session takes {held} bytes");
    }
}

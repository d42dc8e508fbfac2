//! `GET {scope}/providers/Microsoft.Bowline/events`: changed resources as server-sent events (HTML Living Standard §9.2).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bowline_arm::{Error, ResourceId};
use bowline_control::context::OpContext;
use bowline_control::events::Stream;
use bowline_store::Revision;
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use super::State;
use super::budget::principal;
use super::call::Call;
use super::context::session_cookie;
use crate::limits::Open;

/// Silence after which a keep-alive is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often the session of a stream is looked for that was opened with the portal's cookie: another server may have ended it.
pub(super) const SESSION_CHECK: Duration = Duration::from_secs(3);

struct Live {
    state: Arc<State>,
    events: Stream,
    /// Roles, principals and groups have changed.
    rights: watch::Receiver<Revision>,
    /// The portal's cookie, where that is the proof.
    session: Option<String>,
    check: tokio::time::Instant,
    /// When a silent stream says that it lives.
    alive: tokio::time::Instant,
    ends: tokio::time::Instant,
    first: bool,
    /// Counted as long as it is open.
    _open: Open,
}

/// Opens the stream; it ends when the caller's proof does, and the client comes back with its cursor.
///
/// # Errors
/// When the caller sees nothing at the scope.
pub async fn stream(
    state: &Arc<State>,
    context: OpContext,
    scope: &ResourceId,
    call: &Call,
    headers: &HeaderMap,
    until: Timestamp,
) -> Result<Response, Error> {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let cursor = call.parameter("cursor").or(last).filter(|c| !c.is_empty());
    let remaining = Duration::try_from(until.duration_since(context.now))
        .unwrap_or_default()
        .min(Duration::from_secs(3600));
    let open = state.gates.streams.open(principal(&context.actor))?;
    // Before the right is checked: what changes meanwhile is looked at again.
    let rights = state.control.authorization().watch();
    let events = Stream::begin(Arc::clone(&state.control), context, scope.clone(), cursor).await?;
    let now = tokio::time::Instant::now();
    let session = session_cookie(headers).map(str::to_owned);
    let live = Live {
        state: Arc::clone(state),
        events,
        rights,
        session,
        check: now + SESSION_CHECK,
        alive: now + KEEP_ALIVE,
        ends: now + remaining,
        first: true,
        _open: open,
    };
    let lines = stream::unfold(Some(live), |live| async move { next(live?).await });
    Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "text/event-stream")
        .header("x-accel-buffering", "no")
        .body(Body::from_stream(lines))
        .map_err(Error::internal)
}

impl Live {
    /// Whether the session was ended; a database that cannot be asked ends nothing.
    async fn signed_out(&self) -> bool {
        let Some(cookie) = &self.session else { return false };
        matches!(self.state.control.portal_session(cookie, self.state.clock.now()).await, Ok(None))
    }
}

/// The last event: why the stream ends.
fn end(
    reason: &str,
    code: &str,
    message: &str,
) -> Option<(Result<Bytes, std::convert::Infallible>, Option<Live>)> {
    let data = json!({"reason": reason, "code": code, "message": message});
    Some((Ok(Bytes::from(format!("event: end\ndata: {data}\n\n"))), None))
}

async fn next(mut live: Live) -> Option<(Result<Bytes, std::convert::Infallible>, Option<Live>)> {
    if std::mem::take(&mut live.first) {
        return Some((Ok(Bytes::from_static(b"retry: 2000\n\n")), Some(live)));
    }
    loop {
        let text = tokio::select! {
          () = live.state.stopping.cancelled() => {
              return end("draining", "ServiceUnavailable", "The server is going down; connect again.");
          }
          () = tokio::time::sleep_until(live.ends) => {
              let message = "The sign-in has expired; sign in again and connect with the cursor.";
              return end("tokenExpired", "ExpiredAuthenticationToken", message);
          }
          changed = live.rights.changed() => {
              changed.ok()?;
              match live.events.require_right().await {
                  Ok(()) => continue,
                  Err(error) => return end("rightsWithdrawn", error.code, &error.message),
              }
          }
          () = tokio::time::sleep_until(live.check), if live.session.is_some() => {
              live.check = tokio::time::Instant::now() + SESSION_CHECK;
              if live.signed_out().await {
                  let message = "This browser was signed out; sign in again and connect with the cursor.";
                  return end("signedOut", "AuthenticationFailed", message);
              }
              continue;
          }
          () = tokio::time::sleep_until(live.alive) => "event: keepAlive\ndata: {}\n\n".to_owned(),
          event = live.events.next() => match event {
              Ok(event) if event.name == "snapshot" => format!("event: snapshot\ndata: {}\n\n", event.data),
              Ok(event) => format!("id: {}\nevent: {}\ndata: {}\n\n", event.cursor, event.name, event.data),
              Err(error) => {
                  tracing::warn!(%error, context = error.context(), "an event stream ends");
                  return None;
              }
          },
        };
        live.alive = tokio::time::Instant::now() + KEEP_ALIVE;
        return Some((Ok(Bytes::from(text)), Some(live)));
    }
}

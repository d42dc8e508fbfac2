//! `GET {scope}/providers/Microsoft.Bowline/events`: changed resources as server-sent events (HTML Living Standard §9.2).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bowline_arm::{Error, ResourceId};
use bowline_control::context::OpContext;
use bowline_control::events::Stream;
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

use super::State;
use super::arm::Call;

/// Silence after which a keep-alive is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Live {
    state: Arc<State>,
    events: Stream,
    ends: tokio::time::Instant,
    first: bool,
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
    let events = Stream::begin(Arc::clone(&state.control), context, scope.clone(), cursor).await?;
    let live =
        Live { state: Arc::clone(state), events, ends: tokio::time::Instant::now() + remaining, first: true };
    let lines = stream::unfold(Some(live), |live| async move { next(live?).await });
    Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "text/event-stream")
        .header("x-accel-buffering", "no")
        .body(Body::from_stream(lines))
        .map_err(Error::internal)
}

async fn next(mut live: Live) -> Option<(Result<Bytes, std::convert::Infallible>, Option<Live>)> {
    if std::mem::take(&mut live.first) {
        return Some((Ok(Bytes::from_static(b"retry: 2000\n\n")), Some(live)));
    }
    let text = tokio::select! {
        () = live.state.stopping.cancelled() => return None,
        () = tokio::time::sleep_until(live.ends) => return None,
        () = tokio::time::sleep(KEEP_ALIVE) => "event: keepAlive\ndata: {}\n\n".to_owned(),
        event = live.events.next() => match event {
            Ok(event) if event.name == "snapshot" => format!("event: snapshot\ndata: {}\n\n", event.data),
            Ok(event) => format!("id: {}\nevent: {}\ndata: {}\n\n", event.cursor, event.name, event.data),
            Err(error) => {
                tracing::warn!(%error, context = error.context(), "an event stream ends");
                return None;
            }
        },
    };
    Some((Ok(Bytes::from(text)), Some(live)))
}

//! A reader of the live event stream (server-sent events), which remembers its cursor.

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use crate::api::Api;

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// `changed`, `deleted`, `ready`, …
    pub name: String,
    /// The cursor, if it has one.
    pub id: Option<String>,
    /// JSON.
    pub data: Value,
}

/// An open stream.
pub struct Events {
    bytes: futures::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    buffer: String,
}

impl Events {
    /// Opens the stream of a scope, at a cursor or from now.
    ///
    /// # Errors
    /// When the server does not answer with a stream.
    pub async fn open(api: &Api, scope: &str, cursor: Option<&str>) -> anyhow::Result<Self> {
        let mut path = path(scope);
        if let Some(cursor) = cursor {
            path.push_str(&format!("&cursor={cursor}"));
        }
        Self::answer(api.request(Method::GET, &path)).await
    }

    /// Opens the stream of a scope as a browser that has the portal's cookie.
    ///
    /// # Errors
    /// When the server does not answer with a stream.
    pub async fn open_by_cookie(api: &Api, scope: &str, cookie: &str) -> anyhow::Result<Self> {
        Self::answer(api.request(Method::GET, &path(scope)).header("cookie", cookie)).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Self> {
        let response = request.send().await?.error_for_status()?;
        let bytes = response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec())).boxed();
        Ok(Self { bytes, buffer: String::new() })
    }

    /// The next event; none when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                match parse(&block) {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk = self.bytes.next().await?.ok()?;
            self.buffer.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
}

fn path(scope: &str) -> String {
    format!("{scope}/providers/Microsoft.Bowline/events?api-version=2026-11-01")
}

fn parse(block: &str) -> Option<Event> {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name).map(|v| v.trim().to_owned()));
    Some(Event {
        name: field("event:")?,
        id: field("id:"),
        data: serde_json::from_str(&field("data:")?).unwrap_or_default(),
    })
}

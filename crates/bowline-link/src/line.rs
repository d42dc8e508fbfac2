//! Session lines as bytes: one JSON object and a newline, with a limit for each direction, checked while reading so
//! that a peer can never make the other buffer more.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::message::{Down, Up};

/// The longest line a server may send, in bytes with its newline.
pub const MAX_DOWN: usize = 1024 * 1024;
/// The longest line an agent may send, in bytes with its newline.
pub const MAX_UP: usize = 64 * 1024;

/// Why a line was refused.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("a line of {length} bytes exceeds the limit of {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("a line is not a JSON object with one key: {excerpt}")]
    NotAMessage { excerpt: String },
    #[error("the message '{kind}' is malformed")]
    Malformed {
        kind: String,
        #[source]
        source: serde_json::Error,
    },
}

/// A message that has a direction, and with it a limit and a set of known kinds.
pub trait Message: Serialize + DeserializeOwned + Sized {
    const LIMIT: usize;
    const KINDS: &'static [&'static str];
}

impl Message for Down {
    const LIMIT: usize = MAX_DOWN;
    const KINDS: &'static [&'static str] = &["hello", "desired", "keepAlive", "resync", "tunnel", "end"];
}

impl Message for Up {
    const LIMIT: usize = MAX_UP;
    const KINDS: &'static [&'static str] = &["keepAlive", "applied"];
}

/// Encodes a message as a line with its newline.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, LineError> {
    let mut bytes =
        serde_json::to_vec(message).expect("messages are made of strings, numbers and maps with string keys");
    bytes.push(b'\n');
    if bytes.len() > M::LIMIT {
        return Err(LineError::TooLong { length: bytes.len(), limit: M::LIMIT });
    }
    Ok(bytes)
}

/// Decodes a line, with or without its newline. `None` is a kind of message that a newer peer knows.
pub fn decode<M: Message>(line: &[u8]) -> Result<Option<M>, LineError> {
    if line.len() > M::LIMIT {
        return Err(LineError::TooLong { length: line.len(), limit: M::LIMIT });
    }
    let value = serde_json::from_slice(line).map_err(|_| not_a_message(line))?;
    decode_value(value).ok_or_else(|| not_a_message(line))?
}

/// The lines of a long poll's answer: one JSON array.
pub fn decode_poll<M: Message>(body: &[u8]) -> Result<Vec<M>, LineError> {
    if body.len() > M::LIMIT {
        return Err(LineError::TooLong { length: body.len(), limit: M::LIMIT });
    }
    let values: Vec<Value> = serde_json::from_slice(body).map_err(|_| not_a_message(body))?;
    let mut messages = Vec::with_capacity(values.len());
    for value in values {
        if let Some(message) = decode_value(value).ok_or_else(|| not_a_message(body))?? {
            messages.push(message);
        }
    }
    Ok(messages)
}

/// Encodes the answer of a long poll.
pub fn encode_poll<M: Message>(messages: &[M]) -> Result<Vec<u8>, LineError> {
    let bytes = serde_json::to_vec(messages)
        .expect("messages are made of strings, numbers and maps with string keys");
    if bytes.len() > M::LIMIT {
        return Err(LineError::TooLong { length: bytes.len(), limit: M::LIMIT });
    }
    Ok(bytes)
}

fn decode_value<M: Message>(value: Value) -> Option<Result<Option<M>, LineError>> {
    let Value::Object(mut object) = value else { return None };
    let Some(kind) = M::KINDS.iter().find(|kind| object.contains_key(**kind)) else {
        return (!object.is_empty()).then_some(Ok(None));
    };
    let content = object.remove(*kind)?;
    let single = Value::Object([((*kind).to_owned(), content)].into_iter().collect());
    Some(
        serde_json::from_value(single)
            .map(Some)
            .map_err(|source| LineError::Malformed { kind: (*kind).to_owned(), source }),
    )
}

fn not_a_message(line: &[u8]) -> LineError {
    let excerpt = String::from_utf8_lossy(&line[..line.len().min(80)]).trim_end().to_owned();
    LineError::NotAMessage { excerpt }
}

/// Cuts a byte stream into lines, holding at most one line of the direction's limit.
///
/// The buffer gives its memory back when it is empty, so that an idle session costs nothing for it.
#[derive(Debug, Default)]
pub struct LineReader {
    buffer: Vec<u8>,
    searched: usize,
}

impl LineReader {
    /// A reader with an empty buffer.
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), searched: 0 }
    }

    /// Adds bytes that arrived. Call [`next_message`](Self::next_message) until it says `None` before reading more.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, skipping blank lines and kinds that only a newer peer knows.
    pub fn next_message<M: Message>(&mut self) -> Result<Option<M>, LineError> {
        while let Some(line) = self.next_line(M::LIMIT)? {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if let Some(message) = decode(&line)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn next_line(&mut self, limit: usize) -> Result<Option<Vec<u8>>, LineError> {
        let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            if self.buffer.len() >= limit {
                return Err(LineError::TooLong { length: self.buffer.len(), limit });
            }
            if self.buffer.is_empty() {
                self.buffer = Vec::new();
            }
            return Ok(None);
        };
        let rest = self.buffer.split_off(self.searched + at + 1);
        self.searched = 0;
        Ok(Some(std::mem::replace(&mut self.buffer, rest)))
    }
}

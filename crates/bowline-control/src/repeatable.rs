//! What was answered to a repeatable request, so that a repetition gets the same answer and changes nothing.
//!
//! An id is claimed before the request is carried out; the commit that changes a resource notes it in the same transaction; the answer is
//! kept after that. A server that dies in between leaves one of three: claimed (nothing was changed: a repetition is carried out), committed (it
//! was, and the answer is lost: a repetition is told so), answered.
//!
//! # Design notes
//! Answers may hold secrets, so they are sealed. They are kept for a day and up to [`MAX_ANSWER`] bytes.

use bowline_arm::Error;
use bowline_store::{CommitError, Entry, EntryWrite, Reason};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::Control;
use crate::context::Actor;
use crate::pipeline::{commit_error, contended, store_error};

const KIND: &str = "repeatable";
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// After that a claim without a commit was left by a server that died.
const CLAIMED: SignedDuration = SignedDuration::from_secs(60);
/// The largest answer that is kept.
const MAX_ANSWER: usize = 256 << 10;

/// Who repeats what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    key: String,
    digest: String,
}

impl Repeat {
    /// The request `id` of a caller; `digest` is that of method, URL and body.
    #[must_use]
    pub fn new(actor: &Actor, id: Uuid, digest: &str) -> Self {
        let key = Sha256::digest(format!("{}\n{}\n{id}", actor.object_id, actor.name));
        Self { key: hex::encode(&key[..16]), digest: digest.to_owned() }
    }

    /// The entry that a commit of this request writes along.
    pub(crate) fn committed(&self, now: Timestamp) -> Option<EntryWrite> {
        let held = Held { digest: self.digest.clone(), at: now, committed: true, answer: None };
        Some(EntryWrite::Put { entry: self.entry(&held, now)? })
    }

    fn entry(&self, held: &Held, now: Timestamp) -> Option<Entry> {
        let data = serde_json::to_vec(held).ok()?;
        let (kind, key) = (KIND.to_owned(), self.key.clone());
        Some(Entry { kind, key, data, uses: 0, version: 0, expires_at: Some(now + KEPT) })
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to the answer.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Begun {
    /// Nobody sent this before: carry it out.
    First,
    /// It was carried out: this was the answer.
    Again(Answer),
}

#[derive(Serialize, Deserialize)]
struct Held {
    digest: String,
    at: Timestamp,
    committed: bool,
    /// Sealed.
    answer: Option<Vec<u8>>,
}

impl Control {
    /// Claims a repeatable request, or gives the answer that it had.
    ///
    /// # Errors
    /// `RepeatabilityMismatch` (400) when another request had this id, `RepeatedRequestInProgress` (409) while the first is carried out,
    /// `RepeatabilityAnswerLost` (409) when its answer was not kept.
    pub async fn begin_repeatable(&self, repeat: &Repeat, now: Timestamp) -> Result<Begun, Error> {
        let held = Held { digest: repeat.digest.clone(), at: now, committed: false, answer: None };
        let entry = repeat.entry(&held, now).ok_or_else(|| Error::internal("a claim cannot be encoded"))?;
        match self.write_entries(KIND, vec![EntryWrite::Insert { entry: entry.clone() }], now).await {
            Ok(()) => return Ok(Begun::First),
            Err(CommitError::Refused(refusal)) if refusal.reason == Reason::EntryExists => {}
            Err(error) => return Err(commit_error(&error).unwrap_or_else(contended)),
        }
        let found = self.store().entry(KIND, &repeat.key).await.map_err(|e| store_error(&e))?;
        let found = found.ok_or_else(contended)?;
        let held: Held = serde_json::from_slice(&found.data).map_err(Error::internal)?;
        if held.digest != repeat.digest {
            return Err(Error::bad_request(
                "RepeatabilityMismatch",
                "Another request was sent with this Repeatability-Request-ID. Use a new id for each request.",
            ));
        }
        match held.answer {
            Some(sealed) => self.open_answer(repeat, &sealed).map(Begun::Again),
            None if held.at + CLAIMED > now => Err(Error::conflict(
                "RepeatedRequestInProgress",
                "The first attempt of this request is still being carried out. Try again shortly.",
            )
            .with_retry_after(1)),
            None if held.committed => Err(Error::conflict(
                "RepeatabilityAnswerLost",
                "This request was carried out, but its answer was not kept. Read the resource; do not send the request again.",
            )),
            // A server died before it changed anything: whoever takes the claim over first carries it out.
            None => {
                let over = EntryWrite::Replace { entry, expected_version: found.version };
                let taken = self.write_entries(KIND, vec![over], now).await;
                taken.map(|()| Begun::First).map_err(|e| commit_error(&e).unwrap_or_else(contended))
            }
        }
    }

    /// Keeps the answer. A failure that may pass is forgotten, so that a repetition is carried out.
    pub async fn end_repeatable(&self, repeat: &Repeat, answer: Answer, now: Timestamp) {
        let passing = answer.status >= 500 || answer.status == 429;
        let committed = || async {
            let found = self.store().entry(KIND, &repeat.key).await.ok().flatten();
            found.is_none_or(|e| serde_json::from_slice::<Held>(&e.data).is_ok_and(|h| h.committed))
        };
        let write = if passing {
            if committed().await {
                return;
            }
            Some(EntryWrite::Remove { kind: KIND.to_owned(), key: repeat.key.clone() })
        } else if answer.body.len() > MAX_ANSWER {
            repeat.committed(now)
        } else {
            self.seal_answer(repeat, &answer).and_then(|sealed| {
                let held =
                    Held { digest: repeat.digest.clone(), at: now, committed: true, answer: Some(sealed) };
                Some(EntryWrite::Put { entry: repeat.entry(&held, now)? })
            })
        };
        let Some(write) = write else { return };
        if let Err(error) = self.write_entries(KIND, vec![write], now).await {
            tracing::warn!(%error, "the answer of a repeatable request was not kept");
        }
    }

    fn seal_answer(&self, repeat: &Repeat, answer: &Answer) -> Option<Vec<u8>> {
        let plain = serde_json::to_vec(answer).ok()?;
        Some(self.seal().seal(KIND, repeat.key.as_bytes(), &plain))
    }

    fn open_answer(&self, repeat: &Repeat, sealed: &[u8]) -> Result<Answer, Error> {
        let plain = self.seal().open(KIND, repeat.key.as_bytes(), sealed).map_err(Error::internal)?;
        serde_json::from_slice(&plain).map_err(Error::internal)
    }
}

//! Answers as bytes: what GET and LIST say of one version of a record, encoded when it is first read and kept for the next.
//!
//! # Design notes
//! - A kept answer belongs to a version of a record. Whoever wants one asks the store first which version there is (its [`Stamp`]), so that a client
//!   reads its writes on every server and nothing needs to be invalidated; a newer version takes the place of the older.
//! - What only this moment knows is not in the kept bytes: its place is, and [`Control::finish`] writes it there as the answer leaves.
//! - The ceiling is in bytes, whatever the documents' sizes; what was not used for longest goes first.

use std::ops::Range;
use std::sync::Arc;

use bowline_arm::{ApiVersion, Error};
use bowline_store::{Record, Revision, Stamp};
use bytes::Bytes;
use jiff::Timestamp;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::Control;
use crate::pipeline::{parse, record_id, render, store_error};
use crate::provider::{ResourceProvider, Spec, properties_of};

/// The most bytes that are kept: about 25,000 answers of a usual machine.
pub const CEILING_BYTES: u64 = 48 << 20;
/// What an answer takes beside its bytes.
const OVERHEAD_BYTES: usize = 256;
/// For how many answers room is made at first.
const EXPECTED: usize = 8192;

/// One resource in one api-version.
#[derive(Debug)]
pub(crate) struct Answer {
    revision: Revision,
    /// The entity tag.
    pub(crate) etag: Box<str>,
    json: Bytes,
    live: Option<Box<Live>>,
}

impl Answer {
    /// Whether it holds values that only the moment knows.
    pub(crate) fn is_live(&self) -> bool {
        self.live.is_some()
    }
}

/// Where this moment's values go.
#[derive(Debug)]
struct Live {
    /// `properties.lastConnectivityTime`.
    seen: Option<Range<usize>>,
    /// `properties.uses`.
    uses: Option<Range<usize>>,
    /// The entry that counts them.
    counter: Option<(&'static str, String)>,
}

/// A modelled api-version of a type, and its place among them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Serving {
    pub(crate) version: &'static ApiVersion,
    number: u16,
}

impl Serving {
    /// The version that serves a request.
    pub(crate) fn of(spec: &Spec, asked: &ApiVersion) -> Self {
        let version = spec.serving(asked);
        let number = spec.shape.versions.iter().position(|v| v == version).unwrap_or_default();
        Self { version, number: u16::try_from(number).unwrap_or(u16::MAX) }
    }

    /// Its place among the type's versions.
    pub(crate) fn number(self) -> u16 {
        self.number
    }
}

type Key = (Uuid, u16);

#[derive(Clone)]
struct Size;

impl Weighter<Key, Arc<Answer>> for Size {
    fn weight(&self, _: &Key, answer: &Arc<Answer>) -> u64 {
        (answer.json.len() + OVERHEAD_BYTES) as u64
    }
}

/// The answers that are kept.
pub(crate) struct Answers {
    kept: Cache<Key, Arc<Answer>, Size>,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(CEILING_BYTES)
    }
}

impl Answers {
    fn new(ceiling: u64) -> Self {
        Self { kept: Cache::with_weighter(EXPECTED, ceiling, Size) }
    }

    /// The answer about exactly this version of a record.
    pub(crate) fn find(&self, stamp: &Stamp, serving: Serving) -> Option<Arc<Answer>> {
        self.kept
            .get(&(stamp.uid, serving.number))
            .filter(|kept| kept.revision == stamp.revision && *kept.etag == *stamp.etag)
    }

    /// Forgets everything: in another epoch the same revision may mean something else.
    pub(crate) fn forget(&self) {
        self.kept.clear();
    }
}

impl Control {
    /// The answer about a record, encoded unless it is kept.
    pub(crate) fn answer(
        &self,
        provider: &dyn ResourceProvider,
        record: &Record,
        serving: Serving,
    ) -> Result<Arc<Answer>, Error> {
        if let Some(kept) = self.answers().find(&record.stamp(), serving) {
            return Ok(kept);
        }
        let answer = Arc::new(encode(provider, record, serving.version)?);
        self.answers().kept.insert((record.uid, serving.number), Arc::clone(&answer));
        Ok(answer)
    }

    /// The answer with what only this moment knows: a cluster whose agent is connected was in contact now, a token was used so often.
    pub(crate) async fn finish(&self, uid: Uuid, answer: &Answer, now: Timestamp) -> Result<Bytes, Error> {
        let Some(live) = &answer.live else { return Ok(answer.json.clone()) };
        let mut edits: Vec<(&Range<usize>, String)> = Vec::new();
        if let Some(place) = live.seen.as_ref().filter(|_| self.is_connected(uid, answer)) {
            edits.push((place, format!("\"{now}\"")));
        }
        if let (Some(place), Some((kind, key))) = (&live.uses, &live.counter) {
            let entry = self.store().entry(kind, key).await.map_err(|e| store_error(&e))?;
            edits.push((place, entry.map_or(0, |e| e.uses).to_string()));
        }
        Ok(splice(&answer.json, edits))
    }
}

impl Control {
    /// Whether an agent is connected: to this server, or, as the resource itself says, to another one.
    fn is_connected(&self, uid: Uuid, answer: &Answer) -> bool {
        let says = || memchr::memmem::find(&answer.json, b"\"connectivityStatus\":\"Connected\"").is_some();
        self.sessions().is_attached(uid) || (self.fleet().is_shared() && says())
    }
}

/// What a record says in an api-version.
pub(crate) fn encode(
    provider: &dyn ResourceProvider,
    record: &Record,
    version: &ApiVersion,
) -> Result<Answer, Error> {
    let spec = provider.spec();
    let document = parse(record)?;
    let counter = provider.counter(&document);
    let mut resource = render(spec, &record_id(record)?, document, Some(&record.etag), version);
    if counter.is_some() {
        properties_of(&mut resource).insert("uses".to_owned(), 0.into());
    }
    let json = serde_json::to_vec(&resource).map_err(Error::internal)?;
    let live = match spec.agent_key.is_some() || counter.is_some() {
        true => places(&json, counter).map_err(Error::internal)?,
        false => None,
    };
    Ok(Answer { revision: record.revision, etag: record.etag.as_str().into(), json: json.into(), live })
}

/// Finds where this moment's values are in the encoded resource.
fn places(
    json: &[u8],
    counter: Option<(&'static str, String)>,
) -> Result<Option<Box<Live>>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Resource<'a> {
        #[serde(borrow)]
        properties: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Properties<'a> {
        #[serde(borrow, rename = "lastConnectivityTime")]
        seen: Option<&'a RawValue>,
        #[serde(borrow)]
        uses: Option<&'a RawValue>,
    }
    let Some(properties) = serde_json::from_slice::<Resource<'_>>(json)?.properties else { return Ok(None) };
    let found: Properties<'_> = serde_json::from_str(properties.get())?;
    let place = |value: &RawValue| {
        let start = value.get().as_ptr().addr() - json.as_ptr().addr();
        start..start + value.get().len()
    };
    let seen = found.seen.map(place);
    let uses = found.uses.filter(|_| counter.is_some()).map(place);
    Ok((seen.is_some() || uses.is_some()).then(|| Box::new(Live { seen, uses, counter })))
}

/// The bytes with some ranges replaced. The ranges do not overlap.
fn splice(json: &Bytes, mut edits: Vec<(&Range<usize>, String)>) -> Bytes {
    if edits.is_empty() {
        return json.clone();
    }
    edits.sort_unstable_by_key(|(place, _)| place.start);
    let mut spliced = Vec::with_capacity(json.len() + 32);
    let mut from = 0;
    for (place, text) in &edits {
        spliced.extend_from_slice(&json[from..place.start]);
        spliced.extend_from_slice(text.as_bytes());
        from = place.end;
    }
    spliced.extend_from_slice(&json[from..]);
    spliced.into()
}

/// Resources in a row as they stand in a JSON array, as values again: for answers that show them in another form.
pub(crate) fn parse_row(row: &Bytes) -> Result<Vec<Value>, Error> {
    let text = [b"[", &row[..], b"]"].concat();
    serde_json::from_slice(&text).map_err(Error::internal)
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;

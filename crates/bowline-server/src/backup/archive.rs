//! A backup as a file: a tar archive of compressed JSON lines, which ordinary tools can read too.
//!
//! ```text
//! about.json                    what this is a backup of
//! rows/000001-resource.jsonl.zst …   at most 8 MiB of rows of one table, a JSON object a line
//! manifest.json                 about.json, and of each part its rows, bytes and SHA-256; rows by table; the activity log's head
//! manifest.json.sha256          as sha256sum writes it
//! ```
//!
//! # Design notes
//! - It is written and read in one pass, so that it can go to and come from anywhere. Therefore the manifest comes last, and the
//!   row that makes a copy whole (the counter) is handed on only when the manifest agrees: a damaged or cut backup is never
//!   taken for a whole one.
//! - Secrets are in it as they are in the database: sealed under the root key, which is not in it.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_store::copy::{
    About, CopyError, Kind, Page, Row, RowSender, Rows, TABLES, Table, Value, channel,
};
use bowline_store::{Head, Revision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Raised when a program of today could not read what the next one writes.
const FORMAT: u32 = 1;
/// JSON in one part, unless one row alone is larger.
const PART_BYTES: usize = 8 << 20;
/// The largest part that is read: the largest segment, as text, with room.
const MAX_PART_BYTES: u64 = 512 << 20;
/// The largest manifest that is read: some hundred thousand parts.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
const LEVEL: i32 = 3;

/// The first file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Of this file format.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// When the rows were read.
    pub taken_at: Timestamp,
    /// The newest migration of the database.
    pub schema: u32,
    /// Where the database was.
    pub epoch: Uuid,
    /// Where the database was.
    pub revision: u64,
}

/// The last file but one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The first file again.
    #[serde(flatten)]
    pub header: Header,
    /// The newest entry of the activity log, and the link after it in hex.
    pub activity: ActivityHead,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
    /// What there is.
    pub parts: Vec<Part>,
}

/// Where the activity log ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityHead {
    /// Its newest entry.
    pub seq: i64,
    /// The link after it, in hex.
    pub link: String,
}

/// One file of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    name: String,
    table: String,
    rows: u64,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// All rows.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows.values().sum()
    }
}

fn outside(error: impl std::fmt::Display) -> CopyError {
    CopyError::Outside(format!("the backup could not be written: {error}"))
}

fn damaged(what: impl Into<String>) -> CopyError {
    CopyError::Damaged(what.into())
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Writes all rows; `check_room` is asked before each part.
///
/// # Errors
/// What the giver of the rows met, and when they cannot be written.
pub fn write(
    mut rows: Rows,
    to: impl Write,
    taken_at: Timestamp,
    check_room: &dyn Fn() -> Result<(), CopyError>,
) -> Result<Manifest, CopyError> {
    let About { schema, head } = rows.about;
    let header = Header {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        schema,
        epoch: head.epoch,
        revision: head.revision.0,
    };
    let mut writer = Writer::begin(to, header)?;
    while let Some(page) = rows.next_blocking()? {
        check_room()?;
        writer.take(&page)?;
    }
    writer.end()
}

struct Writer<W: Write> {
    archive: tar::Builder<W>,
    manifest: Manifest,
    table: &'static Table,
    lines: Vec<u8>,
    waiting: u64,
}

impl<W: Write> Writer<W> {
    fn begin(to: W, header: Header) -> Result<Self, CopyError> {
        let rows = TABLES.iter().map(|table| (table.name.to_owned(), 0)).collect();
        let manifest = Manifest { header, activity: ActivityHead::default(), rows, parts: Vec::new() };
        let archive = tar::Builder::new(to);
        let mut writer = Self { archive, manifest, table: &TABLES[0], lines: Vec::new(), waiting: 0 };
        let about = serde_json::to_vec_pretty(&writer.manifest.header).map_err(outside)?;
        writer.append("about.json", &about)?;
        Ok(writer)
    }

    fn append(&mut self, name: &str, content: &[u8]) -> Result<(), CopyError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(self.manifest.header.taken_at.as_second().unsigned_abs());
        self.archive.append_data(&mut header, name, content).map_err(outside)
    }

    fn take(&mut self, page: &Page) -> Result<(), CopyError> {
        if page.table != self.table {
            self.end_part()?;
            self.table = page.table;
        }
        for row in &page.rows {
            serde_json::to_writer(&mut self.lines, &to_json(page.table, row)).map_err(outside)?;
            self.lines.push(b'\n');
            self.waiting += 1;
            if self.lines.len() >= PART_BYTES {
                self.end_part()?;
            }
        }
        if page.table.is_counter()
            && let Some(counter) = page.rows.first()
        {
            self.manifest.activity = activity_head(page.table, counter);
        }
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), CopyError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let packed = zstd::bulk::compress(&self.lines, LEVEL).map_err(outside)?;
        let table = self.table.name;
        let name = format!("rows/{:06}-{table}.jsonl.zst", self.manifest.parts.len() + 1);
        self.append(&name, &packed)?;
        let (bytes, sha256) = (packed.len() as u64, digest(&packed));
        self.manifest.parts.push(Part { name, table: table.to_owned(), rows: self.waiting, bytes, sha256 });
        *self.manifest.rows.entry(table.to_owned()).or_default() += self.waiting;
        self.waiting = 0;
        self.lines.clear();
        Ok(())
    }

    fn end(mut self) -> Result<Manifest, CopyError> {
        self.end_part()?;
        let text = serde_json::to_vec_pretty(&self.manifest).map_err(outside)?;
        self.append("manifest.json", &text)?;
        self.append("manifest.json.sha256", format!("{}  manifest.json\n", digest(&text)).as_bytes())?;
        self.archive.into_inner().and_then(|mut to| to.flush()).map_err(outside)?;
        Ok(self.manifest)
    }
}

fn activity_head(table: &Table, counter: &Row) -> ActivityHead {
    let mut head = ActivityHead::default();
    for (column, value) in table.columns.iter().zip(counter) {
        match (column.name, value) {
            ("activity", Value::Integer(seq)) => head.seq = *seq,
            ("activity_link", Value::Bytes(link)) => head.link = hex::encode(link),
            _ => {}
        }
    }
    head
}

fn to_json(table: &Table, row: &Row) -> Json {
    let members = table.columns.iter().zip(row).map(|(column, value)| {
        let value = match value {
            Value::Null => Json::Null,
            Value::Integer(number) => (*number).into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
            Value::Id(id) => id.to_string().into(),
        };
        (column.name.to_owned(), value)
    });
    members.collect::<Map<_, _>>().into()
}

fn from_json(table: &Table, line: &str) -> Result<Row, CopyError> {
    let wrong = |what: &str| damaged(format!("a row of {}: {what}", table.name));
    let mut members: Map<String, Json> =
        serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
    let row = table.columns.iter().map(|column| {
        let member = members.remove(column.name).ok_or_else(|| wrong(&format!("no {}", column.name)))?;
        let value = match (member, column.kind) {
            (Json::Null, _) => Some(Value::Null),
            (Json::Number(number), Kind::Integer) => number.as_i64().map(Value::Integer),
            (Json::Bool(flag), Kind::Flag) => Some(Value::Flag(flag)),
            (Json::String(text), Kind::Text) => Some(Value::Text(text)),
            (Json::String(text), Kind::Bytes) => STANDARD.decode(text).ok().map(Value::Bytes),
            (Json::String(text), Kind::Id) => text.parse().ok().map(Value::Id),
            _ => None,
        };
        value.ok_or_else(|| wrong(&format!("{} is not what it should be", column.name)))
    });
    let row = row.collect::<Result<Row, _>>()?;
    match members.keys().next() {
        Some(unknown) => Err(wrong(&format!("{unknown} is not known"))),
        None => Ok(row),
    }
}

/// Opens a backup: what it is of, and its rows. Nothing of it counts until its last row has come.
///
/// # Errors
/// When it is none, or of a later program.
pub async fn read(from: Box<dyn Read + Send>) -> Result<(Header, Rows), CopyError> {
    let (opened, result) = oneshot::channel();
    // It ends when the rows were taken, or when nobody takes them any more.
    tokio::task::spawn_blocking(move || {
        let mut archive = tar::Archive::new(from);
        let mut opened = Some(opened);
        let mut sender = None;
        if let Err(error) = read_all(&mut archive, &mut opened, &mut sender) {
            match (opened, sender) {
                (Some(opened), _) => drop(opened.send(Err(error))),
                (None, Some(sender)) => drop(RowSender::send_blocking(&sender, Err(error))),
                (None, None) => {}
            }
        }
    });
    result.await.unwrap_or(Err(CopyError::Incomplete))
}

type Opened = oneshot::Sender<Result<(Header, Rows), CopyError>>;

fn read_all(
    archive: &mut tar::Archive<Box<dyn Read + Send>>,
    opened: &mut Option<Opened>,
    sender: &mut Option<RowSender>,
) -> Result<(), CopyError> {
    let mut entries = Entries(archive.entries().map_err(|error| damaged(error.to_string()))?);
    let header = read_header(&mut entries)?;
    let head = Head { epoch: header.epoch, revision: Revision(header.revision) };
    let (to, rows) = channel(About { schema: header.schema, head });
    let to = sender.insert(to);
    if let Some(opened) = opened.take()
        && opened.send(Ok((header.clone(), rows))).is_err()
    {
        return Ok(());
    }
    let (mut parts, mut counter) = (Vec::new(), None);
    let manifest = loop {
        let (name, content) = entries.next(MAX_PART_BYTES)?;
        if name == "manifest.json" {
            break content;
        }
        let (part, table, rows) = read_part(name, &content)?;
        parts.push(part);
        if table.is_counter() {
            counter = Some(Page { table, rows });
            continue;
        }
        let mut rows = rows.into_iter();
        loop {
            let rows: Vec<Row> = rows.by_ref().take(1000).collect();
            if rows.is_empty() {
                break;
            }
            if to.send_blocking(Ok(Page { table, rows })).is_err() {
                return Ok(());
            }
        }
    };
    check_manifest(&manifest, &mut entries, &header, &parts)?;
    let counter = counter.ok_or(CopyError::Incomplete)?;
    // The taker learns by itself when it is not there any more.
    let _ = to.send_blocking(Ok(counter));
    Ok(())
}

struct Entries<'a>(tar::Entries<'a, Box<dyn Read + Send>>);

impl Entries<'_> {
    /// The next file, whole.
    fn next(&mut self, most: u64) -> Result<(String, Vec<u8>), CopyError> {
        let unreadable = |error: std::io::Error| damaged(error.to_string());
        let mut entry = self
            .0
            .next()
            .ok_or_else(|| damaged("it ends before its manifest: it was cut"))?
            .map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.to_string_lossy().into_owned();
        let size = entry.size();
        if size > most {
            return Err(damaged(format!("{name} has {size} bytes")));
        }
        let mut content = Vec::new();
        entry.by_ref().take(most).read_to_end(&mut content).map_err(unreadable)?;
        if content.len() as u64 != size {
            return Err(damaged(format!("it ends in the middle of {name}: it was cut")));
        }
        Ok((name, content))
    }
}

fn read_header(entries: &mut Entries<'_>) -> Result<Header, CopyError> {
    let none = || damaged("this is no backup of Bowline");
    let (name, content) = entries.next(MAX_MANIFEST_BYTES).map_err(|_| none())?;
    let about: Json = serde_json::from_slice(&content).map_err(|_| none())?;
    if name != "about.json" {
        return Err(none());
    }
    match about["format"].as_u64() {
        Some(format) if format > u64::from(FORMAT) => Err(CopyError::Outside(format!(
            "the backup has format {format}, this program knows up to {FORMAT}: use a program at least as new as the one that made it"
        ))),
        _ => serde_json::from_value(about).map_err(|_| none()),
    }
}

fn read_part(name: String, content: &[u8]) -> Result<(Part, &'static Table, Vec<Row>), CopyError> {
    let table = name.strip_suffix(".jsonl.zst").and_then(|stem| stem.split_once('-')).map(|(_, table)| table);
    let table = table.and_then(Table::of_name).ok_or_else(|| damaged(format!("what is {name}?")))?;
    let broken = |error: std::io::Error| damaged(format!("{name} cannot be unpacked: {error}"));
    let mut lines = String::new();
    let mut unpacked = zstd::Decoder::new(content).map_err(broken)?.take(MAX_PART_BYTES);
    unpacked.read_to_string(&mut lines).map_err(broken)?;
    let rows = lines.lines().map(|line| from_json(table, line)).collect::<Result<Vec<_>, _>>()?;
    let (bytes, sha256) = (content.len() as u64, digest(content));
    let part = Part { name, table: table.name.to_owned(), rows: rows.len() as u64, bytes, sha256 };
    Ok((part, table, rows))
}

fn check_manifest(
    text: &[u8],
    entries: &mut Entries<'_>,
    header: &Header,
    parts: &[Part],
) -> Result<(), CopyError> {
    let (name, stated) = entries.next(MAX_MANIFEST_BYTES)?;
    if name != "manifest.json.sha256" || !stated.starts_with(digest(text).as_bytes()) {
        return Err(damaged("its manifest is not the one that was written"));
    }
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
    if manifest.header != *header {
        return Err(damaged("about.json and manifest.json do not belong together"));
    }
    let differing = manifest.parts.iter().zip(parts).find(|(stated, found)| stated != found);
    if let Some((stated, found)) = differing {
        return Err(damaged(format!(
            "{} is not what was written ({} rows with SHA-256 {}, not {} with {})",
            found.name, found.rows, found.sha256, stated.rows, stated.sha256
        )));
    }
    if manifest.parts.len() != parts.len() {
        return Err(damaged(format!("it has {} parts of {}", parts.len(), manifest.parts.len())));
    }
    Ok(())
}

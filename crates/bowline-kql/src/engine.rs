//! The port behind which queries run: what an engine is given, and what it gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bind::Catalogue;
use crate::diagnostic::Diagnostic;
use crate::plan::{Render, Schema};
use crate::syntax::parser::Dialect;
use crate::value::Value;

/// A row: a value for each column.
pub type Row = Vec<Value>;
/// Rows that may be shared.
pub type Rows = Arc<Vec<Row>>;

/// Where tables come from. What it gives is what the caller may see, so that nothing else can be in an answer, a count or an error.
pub trait Source: Sync {
    /// All rows of a table of the catalogue, with all its columns.
    ///
    /// # Errors
    /// When they cannot be had.
    fn rows(&self, table: &str) -> Result<Rows, EngineError>;

    /// What an engine knows to be its own: tables that it holds in another form than rows.
    fn own(&self) -> Option<&dyn std::any::Any> {
        None
    }
}

/// What a query may not look up itself.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// `now()`, in ticks.
    pub now: i64,
    /// Where `rand()` begins.
    pub seed: u64,
}

/// How much one query may hold, and what ends it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Rows that are held at once, over all steps.
    pub rows: usize,
    /// Bytes of text that one value may have.
    pub value_bytes: usize,
    /// Bytes that it may hold at once, whatever holds them.
    pub bytes: usize,
    /// What the query began with, so that only its own counts.
    pub meter: Meter,
    /// Set by whoever no longer waits.
    pub ended: Arc<AtomicBool>,
}

/// Reads what the thread has taken of memory and not given back; a query runs on one thread. An allocator that does not tell is always at 0.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    read: fn() -> i64,
    before: i64,
}

impl Meter {
    /// From now on, on this thread.
    #[must_use]
    pub fn begin(read: fn() -> i64) -> Meter {
        Meter { read, before: read() }
    }

    fn taken(self) -> usize {
        usize::try_from((self.read)() - self.before).unwrap_or_default()
    }
}

impl Default for Meter {
    fn default() -> Self {
        Meter { read: || 0, before: 0 }
    }
}

impl Limits {
    /// Whether the query may go on; asked wherever there is work, so that it ends soon after it should.
    ///
    /// # Errors
    /// When nobody waits for it, or it holds too much.
    pub fn check(&self) -> Result<(), EngineError> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(EngineError::Ended);
        }
        if self.meter.taken() > self.bytes {
            return Err(EngineError::TooLarge { what: "bytes", limit: self.bytes });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 5_000_000,
            value_bytes: 16 << 20,
            bytes: 1 << 30,
            meter: Meter::default(),
            ended: Arc::default(),
        }
    }
}

/// One table of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub schema: Schema,
    pub rows: Rows,
    pub render: Option<Render>,
}

/// Why a query that makes sense has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// It would hold more than it may.
    TooLarge { what: &'static str, limit: usize },
    /// Nobody waits for it any more, or it took too long.
    Ended,
    /// A part of the language that is read and bound and does not run yet.
    Unsupported { what: String },
    /// What the query itself asked to check does not hold, or a value is impossible.
    Failed { message: String },
}

impl EngineError {
    /// A part of the language that does not run yet.
    pub fn unsupported(what: impl Into<String>) -> EngineError {
        EngineError::Unsupported { what: what.into() }
    }

    /// A run that cannot go on.
    pub fn failed(message: impl Into<String>) -> EngineError {
        EngineError::Failed { message: message.into() }
    }
}

impl std::error::Error for EngineError {}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::TooLarge { what, limit } => write!(
                f,
                "the query needs more than its limit of {limit} {what}; narrow it with 'where' or 'project' before what makes it large"
            ),
            EngineError::Ended => f.write_str("the query was ended before it had an answer"),
            EngineError::Unsupported { what } => write!(f, "'{what}' cannot be run by this server yet"),
            EngineError::Failed { message } => f.write_str(message),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The text, or its meaning.
    Query(Vec<Diagnostic>),
    /// The run.
    Run(EngineError),
}

/// What runs queries.
pub trait Engine: Send + Sync {
    /// The tables that a query asks for.
    ///
    /// # Errors
    /// See [`Failure`].
    fn answer(
        &self,
        text: &str,
        dialect: Dialect,
        catalogue: &Catalogue,
        source: &dyn Source,
        moment: Moment,
        limits: &Limits,
    ) -> Result<Vec<Answer>, Failure>;
}

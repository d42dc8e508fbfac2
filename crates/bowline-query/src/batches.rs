//! The seam between tables that are held as columns and what runs plans over them.
//!
//! # Design notes
//! A plan says what it wants of a table, so that nothing else is unpacked or read. Texts and `dynamic` values are Arrow texts
//! (`Utf8View`) or dictionaries of them (`Dictionary(Int32, Utf8)`), as the table sees fit, but one type per column of a scan; a `dynamic` is its
//! JSON text, and null where there is none; a text is never null. Moments and lengths of time are `Int64` ticks, `long` is `Int64`, `int` is `Int32`.

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;

use crate::error::QueryError;

/// A column of a table, or what stands at a path of keys into a `dynamic` one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Its position in the table's schema.
    pub column: usize,
    /// Keys into it; none: all of it.
    pub path: Vec<String>,
}

/// Rows whose column is none of these texts are of no use to the plan. A table may use this to skip rows, and need not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOf {
    /// The column, which is a `string`.
    pub column: usize,
    /// What it may be.
    pub texts: Vec<String>,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
}

impl OneOf {
    /// Whether a text is one of them.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        self.texts.iter().any(|wanted| match self.ignore_case {
            true => text.to_lowercase() == wanted.to_lowercase(),
            false => text == wanted,
        })
    }
}

/// What a plan asks of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The table, by its name in the catalogue.
    pub table: String,
    /// The columns, in this order.
    pub wanted: Vec<Wanted>,
    /// All of these hold for the rows that the plan needs.
    pub only: Vec<OneOf>,
}

/// What a table gives, batch after batch.
pub type BatchStream = Box<dyn Iterator<Item = Result<RecordBatch, QueryError>> + Send>;

/// Tables that are held as columns, as one caller may see them at one revision.
pub trait Batches: Send + Sync {
    /// The Arrow types of what a scan gives.
    ///
    /// # Errors
    /// When the table is not one of these.
    fn types(&self, scan: &Scan) -> Result<Vec<DataType>, QueryError>;

    /// The rows, as batches of at most 65,536.
    ///
    /// # Errors
    /// When the table is not one of these.
    fn scan(&self, scan: &Scan) -> Result<BatchStream, QueryError>;
}

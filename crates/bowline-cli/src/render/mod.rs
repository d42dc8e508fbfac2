//! What the command says: answers on standard output, everything else on standard error.
//!
//! An answer is one JSON value and a [`View`] that says how people see it. `json` and `yaml` show the value itself,
//! `table` and `tsv` the view; `--query` replaces the value first, and a queried value is shown as it is.

mod error;
mod query;
mod steps;
mod table;

use std::io::Write;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::Value;

use crate::failure::{Failure, Kind, Result};
pub(crate) use error::print_failure;
pub(crate) use query::Query;
pub(crate) use steps::Steps;
pub(crate) use table::{Column, Show, type_of};

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people
    Table,
    /// The full answer as JSON
    Json,
    /// The full answer as YAML
    Yaml,
    /// The table's cells, separated by tabs, without a heading
    Tsv,
    /// The table with its heading, separated by commas (RFC 4180)
    Csv,
    /// Nothing
    None,
}

impl Format {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::from_str(text, true).ok()
    }
}

/// How people see an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View {
    /// A list, one row each; the text is shown (on standard error) when there is none.
    List { columns: &'static [Column], empty: &'static str },
    /// One thing, one line per fact.
    Details(&'static [Column]),
    /// One member of the answer, bare: for `$(bowline token)`.
    Bare(&'static str),
    /// One member of the answer, a text of several lines, as it is: for `> file`.
    Text(&'static str),
    /// Named columns and rows, in their order: `{"columns": [{"name": …}], "rows": [[…]]}`. Programs get an object for each row.
    Rows,
    /// Whatever the value is.
    Plain,
}

/// What a command found.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    pub(crate) view: View,
}

impl Answer {
    pub(crate) fn list(value: Vec<Value>, columns: &'static [Column], empty: &'static str) -> Self {
        Self { value: Value::Array(value), view: View::List { columns, empty } }
    }

    pub(crate) fn details(value: Value, columns: &'static [Column]) -> Self {
        Self { value, view: View::Details(columns) }
    }

    /// Rows with their columns as an object each; anything else as it is.
    fn with_objects(self) -> Self {
        if !matches!(self.view, View::Rows) {
            return self;
        }
        let names: Vec<&str> = table::names_of(&self.value);
        let rows = self.value["rows"].as_array().into_iter().flatten();
        let object = |row: &Value| -> Value {
            let cells = row.as_array().into_iter().flatten().cloned();
            names.iter().map(|name| (*name).to_owned()).zip(cells).collect::<serde_json::Map<_, _>>().into()
        };
        Self { value: rows.map(object).collect(), view: View::Plain }
    }

    /// An answer without content: a deletion that is done.
    pub(crate) const fn nothing() -> Self {
        Self { value: Value::Null, view: View::Plain }
    }
}

/// Where and how to write.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// What was asked for; none means a table on a terminal and JSON elsewhere.
    pub(crate) asked: Option<Format>,
    pub(crate) query: Option<Query>,
    pub(crate) stdout_terminal: bool,
    pub(crate) stderr_terminal: bool,
    pub(crate) colour: bool,
}

impl Output {
    /// Failures are JSON only when a person asked for JSON: a log of a pipeline is read by people.
    pub(crate) fn failures_as_json(&self) -> bool {
        self.asked == Some(Format::Json)
    }

    pub(crate) fn steps(&self) -> Steps {
        Steps::new(self.stderr_terminal, self.colour && self.stderr_terminal)
    }

    /// What somebody has to act on: shown in every format.
    pub(crate) fn say(&self, text: &str) {
        eprintln!("{text}");
    }

    /// A remark for people; never part of the answer.
    pub(crate) fn note(&self, text: &str) {
        if self.asked != Some(Format::None) {
            self.say(text);
        }
    }

    fn format(&self, view: View) -> Format {
        match (self.asked, view) {
            (Some(format), _) => format,
            (None, View::Bare(_) | View::Text(_)) => Format::Table,
            (None, _) if self.stdout_terminal => Format::Table,
            (None, _) => Format::Json,
        }
    }

    /// Writes the answer.
    pub(crate) fn print(&self, answer: Answer, now: Timestamp) -> Result<()> {
        write(&self.text_of(answer, now)?).map(|_| ())
    }

    /// Writes one of several answers, of which the newest counts: a table on a terminal takes the place of the one before, under its heading.
    /// False when nobody reads any more.
    pub(crate) fn print_again(
        &self,
        answer: Answer,
        heading: &str,
        first: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let view = if self.query.is_some() { View::Plain } else { answer.view };
        let drawn = self.stdout_terminal && self.format(view) == Format::Table;
        let text = self.text_of(answer, now)?;
        write(&match self.format(view) {
            // From the top left corner of a terminal that was emptied.
            _ if drawn => format!("\x1b[2J\x1b[H{heading}\n\n{text}"),
            Format::Yaml => format!("---\n{text}"),
            Format::Table | Format::Csv | Format::Tsv if !first => format!("\n{text}"),
            _ => text,
        })
    }

    /// The answer as it is written.
    fn text_of(&self, answer: Answer, now: Timestamp) -> Result<String> {
        let whole = self.query.is_some() || matches!(self.format(answer.view), Format::Json | Format::Yaml);
        let answer = if whole { answer.with_objects() } else { answer };
        let (value, view) = match &self.query {
            Some(query) => (query.apply(&answer.value)?, View::Plain),
            None => (answer.value, answer.view),
        };
        let format = self.format(view);
        if let (View::Text(pointer), Format::Table | Format::Tsv | Format::Csv) = (view, format) {
            return Ok(value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned());
        }
        Ok(match format {
            Format::None => String::new(),
            // A deletion has nothing to show, in any format; a query that found nothing shows null.
            Format::Json | Format::Yaml if value.is_null() && self.query.is_none() => String::new(),
            Format::Json => serde_json::to_string_pretty(&value).expect("a JSON value is JSON") + "\n",
            Format::Yaml => yaml(&value)?,
            Format::Tsv => table::tsv(&value, view, now),
            Format::Csv => table::csv(&value, view),
            Format::Table => {
                if let (View::List { empty, .. }, Some(true)) = (view, value.as_array().map(Vec::is_empty)) {
                    self.note(empty);
                }
                table::table(&value, view, now, self.colour && self.stdout_terminal)
            }
        })
    }
}

/// False when nobody reads any more.
fn write(text: &str) -> Result<bool> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // `| head` closed the pipe: it has what it wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Failure::new(Kind::Service, "the answer could not be written").why(error.to_string()))
        }
        Ok(()) => Ok(true),
    }
}

fn yaml(value: &Value) -> Result<String> {
    let mut text = serde_saphyr::to_string(value).map_err(|error| {
        Failure::new(Kind::Service, "the answer cannot be written as YAML")
            .why(error.to_string())
            .next("use -o json")
    })?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

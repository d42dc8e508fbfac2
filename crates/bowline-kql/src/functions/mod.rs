//! The one table of functions: names, signatures, result types, one sentence each.
//!
//! From it come what the binder knows, the reference page (`docs/reference/kql-functions.md`) and the list that an editor
//! completes from ([`completion`]).

mod aggregates;
mod arrays;
mod conversion;
mod geo;
mod logic;
mod network;
mod numbers;
pub mod page;
mod series;
mod signature;
mod text;
mod time;
mod windows;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Serialize;

pub use signature::{Class, Parameter, ResultType, Signature};

/// Where a function may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Scalar,
    /// Over the rows of a group, in `summarize` and `make-series`.
    Aggregate,
    /// Over neighbouring rows of a table in order.
    Window,
}

/// What a column is called that a call without a name makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `Column1`.
    None,
    /// As the first argument.
    First,
    /// A word, then the first argument: `sum_price`.
    Prefix(&'static str),
    /// A word alone.
    Word(&'static str),
}

#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub kind: Kind,
    pub group: &'static str,
    pub naming: Naming,
    pub doc: &'static str,
}

/// A line of the table.
type Line = (&'static str, &'static str, Naming, &'static str);

struct Table {
    functions: Vec<Function>,
    signatures: Vec<Vec<Signature>>,
    by_name: HashMap<(&'static str, bool), usize>,
}

const GROUPS: &[(&str, Kind, &[Line])] = &[
    ("Text", Kind::Scalar, text::LINES),
    ("Conversion and parsing", Kind::Scalar, conversion::LINES),
    ("Conditions and types", Kind::Scalar, logic::LINES),
    ("Date and time", Kind::Scalar, time::LINES),
    ("Numbers", Kind::Scalar, numbers::LINES),
    ("Lists and bags", Kind::Scalar, arrays::LINES),
    ("Addresses", Kind::Scalar, network::LINES),
    ("Series", Kind::Scalar, series::LINES),
    ("Geography", Kind::Scalar, geo::LINES),
    ("Neighbouring rows", Kind::Window, windows::LINES),
    ("Aggregates", Kind::Aggregate, aggregates::LINES),
];

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { functions: Vec::new(), signatures: Vec::new(), by_name: HashMap::new() };
        for (group, kind, lines) in GROUPS {
            for (name, signature, naming, doc) in *lines {
                table.by_name.insert((name, *kind == Kind::Aggregate), table.functions.len());
                table.signatures.push(signature::parse(signature));
                table.functions.push(Function { name, kind: *kind, group, naming: *naming, doc });
            }
        }
        table
    })
}

/// The scalar or window function of this name.
pub fn scalar(name: &str) -> Option<&'static Function> {
    // The key borrows for as long as the table lives, which a shorter name cannot; so it is looked up by value.
    find(name, false)
}

/// The aggregate of this name.
pub fn aggregate(name: &str) -> Option<&'static Function> {
    find(name, true)
}

fn find(name: &str, aggregate: bool) -> Option<&'static Function> {
    let table = table();
    table.by_name.get(&(name, aggregate)).map(|index| &table.functions[*index])
}

/// All functions, group by group.
pub fn all() -> &'static [Function] {
    &table().functions
}

impl Function {
    pub fn signatures(&'static self) -> &'static [Signature] {
        let table = table();
        let index = table.by_name[&(self.name, self.kind == Kind::Aggregate)];
        &table.signatures[index]
    }
}

/// What an editor shows while somebody types.
#[derive(Debug, Serialize)]
pub struct Completion {
    pub name: &'static str,
    pub kind: Kind,
    pub group: &'static str,
    pub signatures: Vec<String>,
    pub doc: &'static str,
}

/// The table as data, for completion.
pub fn completion() -> Vec<Completion> {
    all()
        .iter()
        .map(|function| Completion {
            name: function.name,
            kind: function.kind,
            group: function.group,
            signatures: function.signatures().iter().map(|one| format!("{}{one}", function.name)).collect(),
            doc: function.doc,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_and_every_signature_is_read() {
        let mut seen = std::collections::HashSet::new();
        for function in all() {
            assert!(
                seen.insert((function.name, function.kind == Kind::Aggregate)),
                "{} stands twice",
                function.name
            );
            assert!(!function.signatures().is_empty(), "{}", function.name);
            assert!(
                function.doc.ends_with('.') && !function.doc.contains('|'),
                "{}: {}",
                function.name,
                function.doc
            );
        }
        assert!(seen.len() > 300, "{}", seen.len());
    }

    #[test]
    fn completion_is_data() {
        let json = serde_json::to_value(completion()).unwrap();
        let strlen = json.as_array().unwrap().iter().find(|one| one["name"] == "strlen").unwrap();
        assert_eq!(strlen["signatures"][0], "strlen(text: string) → long");
        assert_eq!(strlen["kind"], "scalar");
    }
}

//! What nodes are made of beside expressions.

use super::Expr;
use crate::types::Type;

/// An aggregate function over the rows of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Its name in the table of functions. `arg_max` and `arg_min` take what is compared, then the one value to give.
    pub function: &'static str,
    pub arguments: Vec<Expr>,
    pub ty: Type,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    pub function: &'static str,
    pub arguments: Vec<Expr>,
    pub ty: Type,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Inner, of the left rows one for each key.
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftSemi,
    RightSemi,
    LeftAnti,
    RightAnti,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub value: Expr,
    pub descending: bool,
    pub nulls_first: bool,
}

/// A list to expand, and the type of its elements.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    pub value: Expr,
    pub ty: Type,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub aggregate: Aggregate,
    pub default: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternPart {
    /// Anything, as little as possible.
    Skip,
    Text(String),
    /// The next of the new columns.
    Column(Type),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseMode {
    /// A value that does not convert makes the whole row not fit.
    Simple,
    /// A value that does not convert is null.
    Relaxed,
    Regex {
        flags: String,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvOptions {
    pub pair_delimiters: String,
    pub kv_delimiters: String,
    pub quotes: String,
    pub escape: String,
    pub greedy: bool,
    /// What finds a pair instead of delimiters: its first group is the key, its second the value.
    pub regex: String,
}

/// A level of [`super::Node::TopNested`].
#[derive(Clone, Debug, PartialEq)]
pub struct NestedLevel {
    pub key: Expr,
    pub aggregate: Aggregate,
    pub descending: bool,
    pub nulls_first: bool,
    /// How many groups; all of them without it.
    pub count: Option<Expr>,
    /// The value of a row that stands for all the other groups.
    pub others: Option<Expr>,
}

/// A step of [`super::Node::Scan`].
#[derive(Clone, Debug, PartialEq)]
pub struct ScanStep {
    pub condition: Expr,
    /// The declared columns, by their position among themselves, and what they become.
    pub assignments: Vec<(usize, Expr)>,
    pub output: ScanOutput,
}

/// Which rows of a step come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanOutput {
    All,
    /// Of rows that follow each other the last.
    Last,
    None,
}

//! What a query means: a tree of few, typed nodes, with every name resolved and every conversion written down.
//!
//! # Design notes
//! Whoever runs a plan needs no knowledge of the language's rules for names and types. Columns are positions in the input, not
//! names. Sugar (`top`, `count`, `distinct`, `project-away`, `lookup`, `search`, `find`, …) is gone: it is made of the nodes below.
//! A plan is shared where the query names it twice, so it is a graph without cycles; [`Plan::size`] counts it as a tree.
//!
//! Two plug-ins, `bag_unpack` and `pivot`, have columns that only their data knows. Their node's schema is then *open*: run its
//! input, find the columns, and bind the query again with them ([`crate::bind::Catalogue::discovered`]). Until then a name that
//! nobody knows above such a node is [`ExprKind::Late`], a `dynamic`.

mod explain;
mod expr;
mod schema;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use expr::{Expr, ExprKind, Op, Step};
pub use schema::{Column, Schema};

use crate::types::Type;
use crate::value::Value;

/// Everything that one query asks for.
#[derive(Clone, Debug)]
pub struct Query {
    /// Usually one; `facet` and `fork` give several, and so do several queries in one text. A text that only declares has none.
    pub outputs: Vec<Output>,
    /// What `materialize` and `as` hold: computed once, whatever reads them by [`Node::Shared`].
    pub shared: Vec<Arc<Plan>>,
    /// The tables of the catalogue that it reads, each once.
    pub tables: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Output {
    pub name: Option<String>,
    pub plan: Arc<Plan>,
    pub render: Option<Render>,
}

/// How an answer should be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Render {
    pub chart: String,
    pub properties: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub schema: Schema,
    pub node: Node,
    /// Nodes of this plan counted as a tree; the binder bounds it.
    pub size: u32,
}

#[derive(Clone, Debug)]
pub enum Node {
    /// A table of the catalogue, all its columns.
    Table {
        name: String,
    },
    /// Rows that stand in the query.
    Rows(Vec<Vec<Value>>),
    /// One column that counts.
    Range {
        from: Expr,
        to: Expr,
        step: Expr,
    },
    Filter {
        input: Arc<Plan>,
        predicate: Expr,
    },
    /// These expressions over the input are the columns.
    Project {
        input: Arc<Plan>,
        columns: Vec<Expr>,
    },
    /// Groups: the keys, then the aggregates. Without keys it is one row, also of nothing.
    Aggregate {
        input: Arc<Plan>,
        keys: Vec<Expr>,
        aggregates: Vec<Aggregate>,
    },
    /// The left columns, then the right ones; of a semi or anti join only those of the side that it keeps.
    Join {
        left: Arc<Plan>,
        right: Arc<Plan>,
        kind: JoinKind,
        on: Vec<(Expr, Expr)>,
    },
    /// Inputs that all have this schema.
    Union {
        inputs: Vec<Arc<Plan>>,
    },
    Sort {
        input: Arc<Plan>,
        keys: Vec<SortKey>,
    },
    /// The first rows; after a sort the top ones. The count is a constant or a scalar sub-query.
    Limit {
        input: Arc<Plan>,
        count: Expr,
    },
    /// Rows picked at random.
    Sample {
        input: Arc<Plan>,
        count: Expr,
    },
    /// The input's columns, then one column per list, then the position if asked for: a row per element.
    Expand {
        input: Arc<Plan>,
        lists: Vec<List>,
        with_index: bool,
        limit: Option<Expr>,
        bags_as_arrays: bool,
    },
    /// For each row, `body` over the rows of its lists; these columns of the input, then these of the body.
    Apply {
        input: Arc<Plan>,
        lists: Vec<List>,
        with_index: bool,
        limit: Option<Expr>,
        body: Arc<Plan>,
        outer: Vec<usize>,
        kept: Vec<usize>,
    },
    /// The rows over which a body runs. In [`Node::Apply`]: the input's row, repeated for each element, then one column per list,
    /// then the position if asked for. In [`Node::Partition`]: the input's rows of one key.
    Elements,
    /// `body` over the rows of each value of the key, one after the other.
    Partition {
        input: Arc<Plan>,
        key: Expr,
        body: Arc<Plan>,
    },
    /// The input's columns, then those that the pattern finds; of each the type to convert to.
    Parse {
        input: Arc<Plan>,
        source: Expr,
        pattern: Vec<PatternPart>,
        mode: ParseMode,
        only_matches: bool,
    },
    /// The input's columns, then the values of these keys.
    ParseKv {
        input: Arc<Plan>,
        source: Expr,
        options: KvOptions,
    },
    /// The input's columns, then functions that look at neighbouring rows.
    Window {
        input: Arc<Plan>,
        columns: Vec<Window>,
    },
    /// The keys, then a list per series, then the axis.
    Series {
        input: Arc<Plan>,
        keys: Vec<Expr>,
        series: Vec<Series>,
        axis: Expr,
        from: Option<Expr>,
        to: Option<Expr>,
        step: Expr,
    },
    /// `evaluate`. The ordinal counts the plug-ins of the query, for [`crate::bind::Catalogue::discovered`].
    Plugin {
        input: Option<Arc<Plan>>,
        name: String,
        arguments: Vec<Expr>,
        ordinal: usize,
    },
    /// One of [`Query::shared`].
    Shared {
        index: usize,
    },
}

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
}

impl Plan {
    pub(crate) fn new(schema: Schema, node: Node) -> Arc<Plan> {
        let size = 1 + node.inputs().iter().map(|input| input.size).fold(0, u32::saturating_add);
        Arc::new(Plan { schema, node, size })
    }

    /// The plans right below this one, those of sub-queries in expressions not counted.
    pub fn inputs(&self) -> Vec<&Arc<Plan>> {
        self.node.inputs()
    }
}

impl Node {
    fn inputs(&self) -> Vec<&Arc<Plan>> {
        match self {
            Node::Table { .. }
            | Node::Rows(_)
            | Node::Range { .. }
            | Node::Elements
            | Node::Shared { .. } => Vec::new(),
            Node::Filter { input, .. }
            | Node::Project { input, .. }
            | Node::Aggregate { input, .. }
            | Node::Sort { input, .. }
            | Node::Limit { input, .. }
            | Node::Sample { input, .. }
            | Node::Expand { input, .. }
            | Node::Parse { input, .. }
            | Node::ParseKv { input, .. }
            | Node::Window { input, .. }
            | Node::Series { input, .. } => vec![input],
            Node::Join { left, right, .. } => vec![left, right],
            Node::Apply { input, body, .. } | Node::Partition { input, body, .. } => vec![input, body],
            Node::Union { inputs } => inputs.iter().collect(),
            Node::Plugin { input, .. } => input.iter().collect(),
        }
    }
}

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
mod parts;
mod schema;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use expr::{Expr, ExprKind, Op, Step};
pub use parts::{
    Aggregate, JoinKind, KvOptions, List, NestedLevel, ParseMode, PatternPart, ScanOutput, ScanStep, Series,
    SortKey, Window,
};
pub use schema::{Column, Schema};

use crate::value::Value;

/// Everything that one query asks for.
#[derive(Clone, Debug)]
pub struct Query {
    /// Usually one; `facet` and `fork` give several, and so do several queries in one text. A text that only declares has none.
    pub outputs: Vec<Output>,
    /// What `materialize` and `as` hold: computed once, whatever reads them by [`Node::Shared`].
    pub shared: Vec<Arc<Plan>>,
    /// Whether a step into a `dynamic` finds a key whatever its case ([`ExprKind::Path`]); the one that is written like it comes first.
    pub ignore_case: bool,
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
    /// Of each level the value and its aggregate: the best groups of the first level, inside of each those of the next.
    TopNested {
        input: Arc<Plan>,
        levels: Vec<NestedLevel>,
    },
    /// The input's columns, then the declared ones, then the number of the match if asked for: rows as they fit the steps. The
    /// steps' expressions read the row with its declared columns, then so many columns of each step's latest row.
    Scan {
        input: Arc<Plan>,
        /// What the declared columns hold before a step gives them something.
        declared: Vec<Expr>,
        steps: Vec<ScanStep>,
        with_match_id: bool,
    },
    /// One of [`Query::shared`].
    Shared {
        index: usize,
    },
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
            | Node::TopNested { input, .. }
            | Node::Scan { input, .. }
            | Node::Series { input, .. } => vec![input],
            Node::Join { left, right, .. } => vec![left, right],
            Node::Apply { input, body, .. } | Node::Partition { input, body, .. } => vec![input, body],
            Node::Union { inputs } => inputs.iter().collect(),
            Node::Plugin { input, .. } => input.iter().collect(),
        }
    }
}

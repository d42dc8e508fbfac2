//! What a name may mean, and where.

use std::sync::Arc;

use crate::plan::{Aggregate, Expr, Plan, Schema, Window};
use crate::syntax::ast::{Function, Pattern};

/// The tables that a query may name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    pub tables: Vec<Table>,
    /// Where a query begins that begins with an operator.
    pub default_table: Option<String>,
    /// Whether `resources` is `Resources`, as Resource Graph has it; the same for columns and for keys in a `dynamic`.
    pub ignore_case: bool,
    /// The columns of the query's plug-ins, by their ordinal, as far as they were found by running their inputs.
    pub discovered: Vec<Option<Schema>>,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub schema: Schema,
}

impl Catalogue {
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        let exact = self.tables.iter().find(|table| table.name == name);
        exact.or_else(|| {
            self.tables.iter().find(|table| self.ignore_case && table.name.eq_ignore_ascii_case(name))
        })
    }
}

/// What `let`, `as` or a parameter gave a name to.
#[derive(Clone, Debug)]
pub(crate) enum Meaning {
    /// A value, and the row whose columns it reads, if it reads any.
    Scalar(Expr, Option<usize>),
    Table(Arc<Plan>),
    Function(Arc<Closure>),
    Pattern(Arc<Pattern>),
    /// Read, but refused when it is used: the words say why.
    Refused(&'static str),
}

/// A function and the names that it sees.
#[derive(Debug)]
pub(crate) struct Closure {
    pub(crate) function: Function,
    pub(crate) names: Arc<std::collections::HashMap<String, Meaning>>,
}

/// The row over which an expression is bound.
pub(crate) struct Row<'r> {
    pub(crate) schema: &'r Schema,
    /// In `summarize`: the keys, and the aggregates so far. A column of the result is a key or an aggregate.
    pub(crate) groups: Option<Groups>,
    /// Where functions of neighbouring rows may stand: those so far. Their columns follow those of the schema.
    pub(crate) windows: Option<Vec<Window>>,
    /// Rows beside this one whose columns are read by their names: the sides of a join, the steps of a scan.
    pub(crate) sides: Vec<Side<'r>>,
}

pub(crate) struct Groups {
    pub(crate) keys: Vec<Expr>,
    pub(crate) aggregates: Vec<Aggregate>,
}

/// A row that has a name, and where its columns begin.
pub(crate) struct Side<'r> {
    pub(crate) name: &'r str,
    pub(crate) offset: usize,
    pub(crate) schema: &'r Schema,
}

impl<'r> Row<'r> {
    pub(crate) fn over(schema: &'r Schema) -> Row<'r> {
        Row { schema, groups: None, windows: None, sides: Vec::new() }
    }

    /// With functions of neighbouring rows.
    pub(crate) fn in_order(schema: &'r Schema) -> Row<'r> {
        Row { windows: Some(Vec::new()), ..Row::over(schema) }
    }
}

//! A run of a query: its tables, its moment, its limits; node by node.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

pub use bowline_kql::engine::{Limits, Moment, Row, Rows, Source};
use bowline_kql::plan::{Expr, Node, Plan, Query, Schema};
use bowline_kql::{Type, Value};

use crate::columnar::{self, Columns};
use crate::compare::{Key, is_null, key};
use crate::error::QueryError;
use crate::{eval, nodes};

/// After so many steps of work a run looks whether it may go on.
const LOOK: u32 = 256;
/// A text of so many bytes is worth a look of its own.
const LONG_TEXT: usize = 64 << 10;

/// One run.
pub(crate) struct Run<'a> {
    source: &'a dyn Source,
    pub(crate) moment: Moment,
    /// Whether keys are found whatever their case.
    pub(crate) ignore_case: bool,
    limits: &'a Limits,
    /// What runs the parts of the plan that stand on columns.
    columns: Option<Columns>,
    shared: Vec<(Arc<Plan>, RefCell<Option<Rows>>)>,
    held: Cell<usize>,
    ticks: Cell<u32>,
    dice: Cell<u64>,
    /// What sub-queries of expressions gave, by their plans, which live as long as the query does.
    answered: RefCell<HashMap<*const Plan, Rows>>,
    /// The first columns of those of them that were asked for a member.
    members: RefCell<HashMap<*const Plan, Rc<HashSet<Key>>>>,
    /// The columns of a plug-in that only its data knew, by its ordinal.
    pub(crate) found: RefCell<Option<(usize, Schema)>>,
    /// The rows of the nodes around, for [`Node::Elements`]; the innermost last.
    elements: RefCell<Vec<Rows>>,
}

pub(crate) fn begin<'a>(
    query: &Query,
    source: &'a dyn Source,
    moment: Moment,
    limits: &'a Limits,
    columns: Option<Columns>,
) -> Run<'a> {
    let shared = query.shared.iter().map(|plan| (Arc::clone(plan), RefCell::default())).collect();
    Run { columns, shared, ..alone(source, moment, limits, query.ignore_case) }
}

/// A run of expressions that ask for no table.
pub(crate) fn alone<'a>(
    source: &'a dyn Source,
    moment: Moment,
    limits: &'a Limits,
    ignore_case: bool,
) -> Run<'a> {
    Run {
        source,
        moment,
        ignore_case,
        limits,
        columns: None,
        shared: Vec::new(),
        held: Cell::new(0),
        ticks: Cell::new(0),
        dice: Cell::new(moment.seed | 1),
        elements: RefCell::default(),
        answered: RefCell::default(),
        members: RefCell::default(),
        found: RefCell::default(),
    }
}

impl Run<'_> {
    pub(crate) fn limits(&self) -> &Limits {
        self.limits
    }

    pub(crate) fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// The rows of a plan.
    pub(crate) fn rows(&self, plan: &Plan) -> Result<Rows, QueryError> {
        self.check()?;
        let rows = self.node(plan)?;
        self.hold(rows.len())?;
        Ok(rows)
    }

    fn node(&self, plan: &Plan) -> Result<Rows, QueryError> {
        if let Some(rows) = columnar::rows(self, plan)? {
            return Ok(rows);
        }
        let rows = match &plan.node {
            Node::Table { name } => return self.source.rows(name),
            Node::Rows(rows) => rows.clone(),
            Node::Shared { index } => return self.shared(*index),
            Node::Elements => return self.elements(),
            Node::Range { from, to, step } => nodes::range(self, from, to, step)?,
            Node::Filter { input, predicate } => {
                let mut kept = Vec::new();
                match Arc::try_unwrap(self.rows(input)?) {
                    Ok(rows) => {
                        for row in rows {
                            if self.holds(predicate, &row)? {
                                kept.push(row);
                            }
                        }
                    }
                    Err(shared) => {
                        for row in shared.iter() {
                            if self.holds(predicate, row)? {
                                kept.push(row.clone());
                            }
                        }
                    }
                }
                kept
            }
            Node::Project { input, columns } => {
                let input = self.rows(input)?;
                input.iter().map(|row| self.values(columns, row)).collect::<Result<_, _>>()?
            }
            Node::Union { inputs } => {
                let mut all = Vec::new();
                for input in inputs {
                    all.extend(self.collect(owned(self.rows(input)?).into_iter())?);
                }
                all
            }
            Node::Aggregate { input, keys, aggregates } => nodes::aggregate(self, input, keys, aggregates)?,
            Node::Join { left, right, kind, on } => nodes::join(self, left, right, *kind, on)?,
            Node::Sort { input, keys } => nodes::sort(self, input, keys)?,
            Node::Limit { input, count } => {
                let count = self.count(count)?;
                self.collect(self.rows(input)?.iter().take(count).cloned())?
            }
            Node::Sample { input, count } => nodes::sample(self, input, self.count(count)?)?,
            Node::Expand { input, lists, with_index, limit, bags_as_arrays } => {
                nodes::expand(self, input, lists, *with_index, limit.as_ref(), *bags_as_arrays)?
            }
            Node::Apply { input, lists, with_index, limit, body, outer, kept } => {
                let lists = nodes::Lists { lists, with_index: *with_index, limit: limit.as_ref() };
                nodes::apply(self, input, &lists, body, outer, kept)?
            }
            Node::Partition { input, key, body } => nodes::partition(self, input, key, body)?,
            Node::Parse { input, source, pattern, mode, only_matches } => {
                nodes::parse(self, input, source, pattern, mode, *only_matches)?
            }
            Node::ParseKv { input, source, options } => {
                nodes::parse_kv(self, input, source, options, &plan.schema.columns)?
            }
            Node::Window { input, columns } => nodes::window(self, input, columns)?,
            Node::Series { input, keys, series, axis, from, to, step } => {
                let (from, to) = (from.as_ref(), to.as_ref());
                nodes::make_series(self, input, &nodes::Axis { keys, series, axis, from, to, step })?
            }
            Node::TopNested { input, levels } => nodes::top_nested(self, input, levels)?,
            Node::Scan { input, declared, steps, with_match_id } => {
                nodes::scan(self, input, declared, steps, *with_match_id)?
            }
            Node::Plugin { input, name, arguments, ordinal } => {
                nodes::plugin(self, input.as_deref(), name, arguments, *ordinal, &plan.schema)?
            }
        };
        Ok(Arc::new(rows))
    }

    fn shared(&self, index: usize) -> Result<Rows, QueryError> {
        let Some((plan, rows)) = self.shared.get(index) else {
            return Err(QueryError::failed("a shared table is missing from the plan"));
        };
        if let Some(rows) = rows.borrow().as_ref() {
            return Ok(Arc::clone(rows));
        }
        let made = self.rows(plan)?;
        *rows.borrow_mut() = Some(Arc::clone(&made));
        Ok(made)
    }

    /// The rows of a sub-query in an expression, which are the same for each row; only among elements they may differ.
    pub(crate) fn subquery(&self, plan: &Plan) -> Result<Rows, QueryError> {
        if !self.elements.borrow().is_empty() {
            return self.rows(plan);
        }
        if let Some(rows) = self.answered.borrow().get(&std::ptr::from_ref(plan)) {
            return Ok(Arc::clone(rows));
        }
        let rows = self.rows(plan)?;
        let _ = self.answered.borrow_mut().insert(std::ptr::from_ref(plan), Arc::clone(&rows));
        Ok(rows)
    }

    /// What stands in the first column of a sub-query, without nulls.
    pub(crate) fn members(&self, plan: &Plan) -> Result<Rc<HashSet<Key>>, QueryError> {
        let alone = self.elements.borrow().is_empty();
        if let Some(known) = self.members.borrow().get(&std::ptr::from_ref(plan)).filter(|_| alone) {
            return Ok(Rc::clone(known));
        }
        let rows = self.subquery(plan)?;
        let first = rows.iter().filter_map(|row| row.first()).filter(|value| !is_null(value));
        let members = Rc::new(first.map(key).collect());
        if alone {
            let _ = self.members.borrow_mut().insert(std::ptr::from_ref(plan), Rc::clone(&members));
        }
        Ok(members)
    }

    fn elements(&self) -> Result<Rows, QueryError> {
        let rows = self.elements.borrow().last().cloned();
        rows.ok_or_else(|| QueryError::failed("the plan reads elements outside of a list"))
    }

    /// Ends the run with the columns that a plug-in was found to have.
    pub(crate) fn discovered(&self, ordinal: usize, schema: Schema) -> QueryError {
        *self.found.borrow_mut() = Some((ordinal, schema));
        QueryError::failed("the columns of the query are in its data; they have to be found first")
    }

    /// The rows of a plan whose innermost elements are these.
    pub(crate) fn over(&self, elements: Rows, body: &Plan) -> Result<Rows, QueryError> {
        self.elements.borrow_mut().push(elements);
        let rows = self.rows(body);
        self.elements.borrow_mut().pop();
        rows
    }

    /// Values of expressions over a row.
    pub(crate) fn values(&self, expressions: &[Expr], row: &[Value]) -> Result<Row, QueryError> {
        expressions.iter().map(|expression| eval::eval(self, expression, row)).collect()
    }

    /// Whether a condition holds; null is no.
    pub(crate) fn holds(&self, predicate: &Expr, row: &[Value]) -> Result<bool, QueryError> {
        Ok(eval::eval(self, predicate, row)? == Value::Bool(true))
    }

    /// A count that stands in the query, or in the first row of a sub-query.
    pub(crate) fn count(&self, count: &Expr) -> Result<usize, QueryError> {
        let value = eval::eval(self, count, &[])?;
        Ok(usize::try_from(value.as_long().unwrap_or_default()).unwrap_or_default())
    }

    /// A value that is copied.
    pub(crate) fn copied(&self, value: &Value) -> Result<Value, QueryError> {
        if matches!(value, Value::String(text) | Value::Dynamic(text) if text.len() >= LONG_TEXT) {
            self.check()?;
        }
        Ok(value.clone())
    }

    /// Ends the run when nobody waits for it.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        self.limits.check()
    }

    /// The same, asked for each row of work: it looks at every so manieth.
    pub(crate) fn tick(&self) -> Result<(), QueryError> {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        if ticks.is_multiple_of(LOOK) { self.check() } else { Ok(()) }
    }

    /// Rows that are only passed on.
    pub(crate) fn collect(&self, rows: impl Iterator<Item = Row>) -> Result<Vec<Row>, QueryError> {
        rows.map(|row| self.check().map(|()| row)).collect()
    }

    /// Counts the rows of a step that is done.
    fn hold(&self, rows: usize) -> Result<(), QueryError> {
        self.room(rows)?;
        self.held.set(self.held.get().saturating_add(rows));
        Ok(())
    }

    /// Whether a step that has made so many rows may go on; asked while it makes them, so that it stops before memory ends.
    pub(crate) fn room(&self, rows: usize) -> Result<(), QueryError> {
        self.check()?;
        if self.held.get().saturating_add(rows) > self.limits.rows {
            return Err(QueryError::TooLarge { what: "rows", limit: self.limits.rows });
        }
        Ok(())
    }

    pub(crate) fn largest_value(&self) -> usize {
        self.limits.value_bytes
    }

    /// A text that a function made.
    pub(crate) fn bounded(&self, text: String) -> Result<String, QueryError> {
        if text.len() > self.limits.value_bytes {
            return Err(QueryError::TooLarge { what: "bytes in one value", limit: self.limits.value_bytes });
        }
        if text.len() >= LONG_TEXT {
            self.check()?;
        }
        Ok(text)
    }

    /// A number from 0 up to 1: xorshift64*, no secret.
    pub(crate) fn random(&self) -> f64 {
        let mut x = self.dice.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.dice.set(x);
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Rows of one's own: those that nobody shares are not copied.
pub(crate) fn owned(rows: Rows) -> Vec<Row> {
    Arc::try_unwrap(rows).unwrap_or_else(|rows| rows.to_vec())
}

/// The null of a type.
pub(crate) fn null(ty: Type) -> Value {
    Value::null(ty)
}

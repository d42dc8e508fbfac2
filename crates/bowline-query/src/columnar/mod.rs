//! Runs the parts of a plan that stand on tables of columns by DataFusion; the interpreter takes what is left.
//!
//! | module | what it is |
//! |---|---|
//! | `need` | which columns, and which paths into them, each node needs |
//! | `lower` | nodes as DataFusion's, one file per kind |
//! | `expr` | expressions as DataFusion's, or as a function of our own |
//! | `gathered`, `first` | aggregates of the interpreter over arrays |
//! | `scan` | what stands at the bottom |
//! | `run`, `watched` | a plan that runs, within its limits |
//!
//! # Design notes
//! The interpreter is the meaning. A node is lowered only where the answer is the same, decided before it runs; what fails while it runs
//! is an error, not a reason to try again in another way. A region is a tree of lowered nodes with a table of columns at its bottom; its other inputs
//! are rows, made by whoever can make them.

mod expr;
mod first;
mod gathered;
mod lower;
mod need;
mod run;
mod scan;
mod watched;

use std::sync::Arc;

use bowline_kql::engine::{Answer, Engine, Failure, Limits, Moment, Rows, Source};
use bowline_kql::plan::{Node, Plan, Query};
use bowline_kql::{Catalogue, Dialect, Value};

use crate::arrays::Cells;
use crate::batches::{Batches, Scan};
use crate::error::QueryError;
use crate::interpreter::answer;
use crate::run::{Row, Run, begin};
use lower::Lowering;
use need::Needs;

/// Runs queries over columns where a source has them, and row by row where it has not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columnar {
    /// Whether rows that stand in a query, or that something else made, are made columns too. It costs more than it gives; tests do it to
    /// hold both ways against each other.
    pub rows_too: bool,
}

impl Engine for Columnar {
    fn answer(
        &self,
        text: &str,
        dialect: Dialect,
        catalogue: &Catalogue,
        source: &dyn Source,
        moment: Moment,
        limits: &Limits,
    ) -> Result<Vec<Answer>, Failure> {
        let batches = source.own().and_then(|own| own.downcast_ref::<Arc<dyn Batches>>()).cloned();
        answer(text, dialect, catalogue, |query| {
            let columns = Columns::of(query, batches.clone(), self.rows_too);
            begin(query, source, moment, limits, columns)
        })
    }
}

/// What one run knows of its columns.
pub(crate) struct Columns {
    batches: Option<Arc<dyn Batches>>,
    needs: Needs,
    rows_too: bool,
}

impl Columns {
    fn of(query: &Query, batches: Option<Arc<dyn Batches>>, rows_too: bool) -> Option<Columns> {
        (batches.is_some() || rows_too).then(|| Columns { batches, needs: Needs::of(query), rows_too })
    }

    /// Whether a table is held as columns.
    fn holds(&self, table: &str) -> bool {
        let scan = Scan { table: table.to_owned(), ..Scan::default() };
        self.batches.as_ref().is_some_and(|batches| batches.types(&scan).is_ok())
    }

    /// Whether a plan is a region of its own.
    fn stands(&self, plan: &Plan) -> bool {
        match &plan.node {
            Node::Table { name } => self.holds(name),
            _ => {
                lower::lowers(plan)
                    && (self.rows_too || plan.inputs().into_iter().any(|one| self.stands(one)))
            }
        }
    }
}

/// The rows of a plan that stands on columns; nothing of any other. Columns that nobody needs are null.
pub(crate) fn rows(run: &Run<'_>, plan: &Plan) -> Result<Option<Rows>, QueryError> {
    let Some(columns) = run.columns().filter(|columns| columns.stands(plan)) else { return Ok(None) };
    let need = columns.needs.get(plan);
    let relation = Lowering::new(run, columns).relation(plan, &need)?;
    let nulls: Row = plan.schema.columns.iter().map(|column| Value::null(column.ty)).collect();
    let mut rows = Vec::new();
    run::each(run, &relation.plan, |batch| {
        let first = rows.len();
        rows.resize(first + batch.num_rows(), nulls.clone());
        for held in relation.columns.iter().filter(|held| held.place.1.is_empty()) {
            let array = batch
                .column_by_name(&held.name)
                .ok_or_else(|| QueryError::failed("a column of the plan is missing from its answer"))?;
            let cells = Cells::of(array, held.ty)?;
            for (at, row) in rows[first..].iter_mut().enumerate() {
                if let Some(cell) = row.get_mut(held.place.0) {
                    *cell = cells.value(at);
                }
            }
        }
        Ok(())
    })?;
    Ok(Some(Arc::new(rows)))
}

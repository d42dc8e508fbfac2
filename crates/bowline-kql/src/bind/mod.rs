//! From the tree to the plan: names are resolved, types are checked and conversions written down.
//!
//! # Design notes
//! An operator's own rule stands beside its grammar in [`crate::operators`]; here is what they share: scopes, expressions, calls and
//! the names of columns. The work is bounded: [`MOST_STEPS`] expressions, [`LARGEST_PLAN`] nodes, [`DEEPEST`] levels, so that a
//! function that calls a function that calls a function twice cannot make a small text a large plan.

mod call;
mod columns;
mod compare;
mod expr;
mod literal;
mod naming;
mod scope;
mod statement;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub(crate) use columns::Item;
pub(crate) use compare::equality_type;
pub(crate) use naming::{Names, literal_text};
pub use scope::{Catalogue, Table};
pub(crate) use scope::{Groups, Meaning, Row, Side};
pub(crate) use statement::Answer;

use crate::diagnostic::{Diagnostic, MOST_DIAGNOSTICS};
use crate::plan::{Output, Plan, Query, Render, Schema};
use crate::syntax::ast;
use crate::syntax::parser::{Dialect, Stop, parse};
use crate::syntax::span::Span;

pub(crate) type Bound<T> = Result<T, Stop>;

/// The most expressions that one query may make, functions expanded.
const MOST_STEPS: usize = 200_000;
/// The most nodes that a plan may have, counted as a tree.
const LARGEST_PLAN: u32 = 5_000;
/// The most columns that a table in a query may have.
const MOST_COLUMNS: usize = 2_000;
/// How deep sub-queries and functions may be in each other, with their expressions.
const DEEPEST: usize = 160;
/// The most names that `let` may give.
const MOST_LETS: usize = 1_000;

pub(crate) struct Binder<'a> {
    pub(crate) catalogue: &'a Catalogue,
    diagnostics: Vec<Diagnostic>,
    pub(crate) shared: Vec<Arc<Plan>>,
    pub(crate) plugins: usize,
    /// What `let`, `as` and parameters name.
    names: Arc<HashMap<String, Meaning>>,
    /// What `set` gave a value.
    options: HashMap<String, ast::Expr>,
    depth: usize,
    steps: usize,
    /// Which row a column belongs to: raised for each sub-query.
    row_level: usize,
    pub(crate) render: Option<Render>,
    /// What `facet` and `fork` add.
    pub(crate) several: Vec<Output>,
    /// The tables that were named.
    pub(crate) tables: BTreeSet<String>,
}

/// What a query means over the tables of a catalogue, or everything that is wrong with it.
pub fn bind(text: &str, dialect: Dialect, catalogue: &Catalogue) -> Result<Query, Vec<Diagnostic>> {
    let (script, diagnostics) = parse(text, dialect);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mut binder = Binder {
        catalogue,
        diagnostics: Vec::new(),
        shared: Vec::new(),
        plugins: 0,
        names: Arc::default(),
        options: HashMap::new(),
        depth: 0,
        steps: 0,
        row_level: 0,
        render: None,
        several: Vec::new(),
        tables: BTreeSet::new(),
    };
    let outputs = binder.script(&script);
    if binder.diagnostics.is_empty() {
        let (shared, tables) = (binder.shared, binder.tables);
        return Ok(Query { outputs, shared, ignore_case: catalogue.ignore_case, tables });
    }
    binder.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    Err(binder.diagnostics)
}

impl Binder<'_> {
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Stop {
        if self.diagnostics.len() < MOST_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
        Stop
    }

    pub(crate) fn wrong(&mut self, span: Span, message: impl Into<String>) -> Stop {
        self.report(Diagnostic::meaning(span, message))
    }

    /// What is read but not answered yet, or never.
    pub(crate) fn refused(&mut self, span: Span, what: &str, why: &str) -> Stop {
        self.wrong(span, format!("{what} is not supported: {why}"))
    }

    /// What a `set` in front of the query gave an option.
    pub(crate) fn option(&self, name: &str) -> Option<ast::Expr> {
        self.options.get(name).cloned()
    }

    /// Runs a rule one level deeper.
    pub(crate) fn deeper<T>(&mut self, span: Span, rule: impl FnOnce(&mut Self) -> Bound<T>) -> Bound<T> {
        if self.diagnostics.len() >= MOST_DIAGNOSTICS {
            return Err(Stop);
        }
        self.steps += 1;
        if self.depth >= DEEPEST || self.steps > MOST_STEPS {
            return Err(self.wrong(span, "the query is too large once its functions are expanded"));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Runs a rule whose failure is no error of the query.
    pub(crate) fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Bound<T>) -> Option<T> {
        let known = self.diagnostics.len();
        let result = rule(self).ok();
        if result.is_none() {
            self.diagnostics.truncate(known);
        }
        result
    }

    /// Refuses a plan that has grown too large.
    pub(crate) fn bounded(&mut self, span: Span, plan: Arc<Plan>) -> Bound<Arc<Plan>> {
        if plan.size > LARGEST_PLAN {
            return Err(self.wrong(span, format!("the query makes a plan of more than {LARGEST_PLAN} steps")));
        }
        if plan.schema.len() > MOST_COLUMNS {
            return Err(
                self.wrong(span, format!("the query makes a table of more than {MOST_COLUMNS} columns"))
            );
        }
        Ok(plan)
    }

    /// The columns that a plug-in was found to give, if they were found.
    pub(crate) fn next_plugin(&mut self) -> (usize, Option<Schema>) {
        let ordinal = self.plugins;
        self.plugins += 1;
        (ordinal, self.catalogue.discovered.get(ordinal).cloned().flatten())
    }
}

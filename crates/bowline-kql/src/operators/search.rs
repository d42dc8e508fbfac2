//! `search`: rows in which any column holds a term.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{self, Node, Op, Plan};
use crate::syntax::ast::{Expr, ExprKind, LiteralKind, LogicOp, Name, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Search {
    pub settings: Vec<Setting>,
    /// The tables after `in`; none means all, or the input.
    pub tables: Vec<Expr>,
    pub predicate: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Search> {
    let settings = parser.settings(&["kind"])?;
    let tables = parse_tables(parser)?;
    let outer = std::mem::replace(&mut parser.in_search, true);
    let predicate = parser.expression();
    parser.in_search = outer;
    Ok(Search { settings, tables, predicate: predicate? })
}

pub(super) fn parse_tables(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    if !(parser.is("in") && parser.is_ahead(1, "(")) {
        return Ok(Vec::new());
    }
    parser.advance();
    parser.advance();
    let tables = parser.list(Parser::table_reference)?;
    parser.expect(")")?;
    Ok(tables)
}

impl Search {
    pub(super) fn bind(
        &self,
        binder: &mut Binder<'_>,
        input: Option<Arc<Plan>>,
        span: Span,
    ) -> Bound<Arc<Plan>> {
        let case = super::setting(&self.settings, "kind").is_some_and(|kind| kind == "case_sensitive");
        let rows = match input {
            Some(plan) => {
                let name = match &plan.node {
                    Node::Table { name } => name.clone(),
                    _ => String::new(),
                };
                super::union::with_source(plan, "$table", name)
            }
            None => sources(binder, &self.tables, "$table", span)?,
        };
        let predicate = condition(binder, &self.predicate, &mut Row::over(&rows.schema), case)?;
        Ok(Plan::new(rows.schema.clone(), Node::Filter { input: rows, predicate }))
    }
}

/// The rows of these tables, or of all, with the name of each one's table in front.
pub(super) fn sources(
    binder: &mut Binder<'_>,
    tables: &[Expr],
    column: &str,
    span: Span,
) -> Bound<Arc<Plan>> {
    let mut plans = Vec::new();
    if tables.is_empty() {
        let mut names: Vec<String> = binder.catalogue.tables.iter().map(|table| table.name.clone()).collect();
        names.extend(binder.views());
        for name in names {
            let plan = binder.table(&Expr::new(span, ExprKind::Name(name.clone())))?;
            plans.push(super::union::with_source(plan, column, name));
        }
    }
    for table in tables {
        for (name, plan) in super::union::named_tables(binder, table, plans.len(), false)? {
            plans.push(super::union::with_source(plan, column, name));
        }
    }
    super::union::merge(binder, plans, false, span)
}

/// A condition in which a text alone is a term that any column may hold.
pub(super) fn condition(
    binder: &mut Binder<'_>,
    value: &Expr,
    row: &mut Row<'_>,
    case: bool,
) -> Bound<plan::Expr> {
    match &value.kind {
        ExprKind::Literal(LiteralKind::Text, text) => Ok(term(binder, text, value.span, row, case)),
        ExprKind::Star => Ok(plan::Expr::literal(Value::Bool(true))),
        ExprKind::Logic { op, terms } => {
            let terms =
                terms.iter().map(|one| condition(binder, one, row, case)).collect::<Bound<Vec<_>>>()?;
            let op = if *op == LogicOp::And { Op::And } else { Op::Or };
            Ok(plan::Expr::operator(op, Type::Bool, terms))
        }
        ExprKind::Call { name, arguments } if name.text == "not" && arguments.len() == 1 => {
            let inner = condition(binder, &arguments[0], row, case)?;
            Ok(plan::Expr::call("not", Type::Bool, vec![inner]))
        }
        _ => binder.condition(value, row),
    }
}

/// Whether any column has a term; `x*`, `*x` and `*x*` say where in a word.
fn term(binder: &mut Binder<'_>, text: &str, span: Span, row: &Row<'_>, case: bool) -> plan::Expr {
    let (before, after) = (text.starts_with('*'), text.ends_with('*'));
    let word = match (before, after) {
        (true, true) => "contains",
        (false, true) => "hasprefix",
        (true, false) => "hassuffix",
        (false, false) => "has",
    };
    let op = Name { text: if case { format!("{word}_cs") } else { word.to_owned() }, span };
    let wanted = plan::Expr::literal(Value::String(text.trim_matches('*').to_owned()));
    binder.any_column_matches(&op, &wanted, row)
}

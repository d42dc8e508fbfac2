//! `extend`: all columns, and these.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Node, Plan};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Extend {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Extend> {
    Ok(Extend { columns: parser.list(Parser::named_column)? })
}

impl Extend {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        extend(binder, &self.columns, input)
    }
}

pub(super) fn extend(binder: &mut Binder<'_>, columns: &[Expr], input: Arc<Plan>) -> Bound<Arc<Plan>> {
    let mut row = Row::in_order(&input.schema);
    let items = binder.items(columns, &mut row)?;
    let windows = row.windows.unwrap_or_default();
    let (schema, columns) = Binder::extended(items, &input.schema);
    let input = super::with_windows(input, windows);
    Ok(Plan::new(schema, Node::Project { input, columns }))
}

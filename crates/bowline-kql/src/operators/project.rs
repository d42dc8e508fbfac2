//! `project`: these columns, in this order.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Names, Row};
use crate::plan::{Node, Plan, Schema};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Project {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Project> {
    let columns = if parser.ends_operator() { Vec::new() } else { parser.list(Parser::named_column)? };
    Ok(Project { columns })
}

impl Project {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut row = Row::in_order(&input.schema);
        let items = binder.items(&self.columns, &mut row)?;
        let columns = binder.name_items(&items, &mut Names::default())?;
        let windows = row.windows.unwrap_or_default();
        let values = items.into_iter().map(|item| item.value).collect();
        let input = super::with_windows(input, windows);
        Ok(Plan::new(Schema::new(columns), Node::Project { input, columns: values }))
    }
}

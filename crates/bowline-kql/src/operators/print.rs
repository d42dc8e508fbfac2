//! `print`: one row of expressions.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Names, Row};
use crate::plan::{Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Print {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Print> {
    Ok(Print { columns: parser.list(Parser::named_column)? })
}

impl Print {
    pub(super) fn bind(&self, binder: &mut Binder<'_>) -> Bound<Arc<Plan>> {
        let one_row = Plan::new(Schema::default(), Node::Rows(vec![Vec::new()]));
        let mut row = Row::in_order(&one_row.schema);
        let mut items = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            let mut more = binder.items(std::slice::from_ref(column), &mut row)?;
            // Who names the first of several columns asks for no more than are named.
            if let ExprKind::Named { names, .. } = &column.kind {
                more.truncate(names.len());
            }
            // One column is named after its place; several keep the names of their function.
            if let [only] = more.as_mut_slice() {
                only.is_plain = false;
                only.natural = Some(format!("print_{index}"));
            }
            items.extend(more);
        }
        let schema = Schema::new(binder.name_items(&items, &mut Names::default())?);
        let windows = row.windows.unwrap_or_default();
        let columns = items.into_iter().map(|item| item.value).collect();
        let input = super::with_windows(one_row, windows);
        Ok(Plan::new(schema, Node::Project { input, columns }))
    }
}

//! `distinct`: every combination of values once.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Item, Names, Row};
use crate::plan::{Expr as Value, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Distinct {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Distinct> {
    parser.settings(&[])?;
    Ok(Distinct { columns: parser.list(Parser::named)? })
}

impl Distinct {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let is_star = |column: &Expr| matches!(column.kind, ExprKind::Star);
        let mut items: Vec<Item> = Vec::new();
        for column in &self.columns {
            if !is_star(column) {
                items.extend(binder.items(std::slice::from_ref(column), &mut Row::over(&input.schema))?);
                continue;
            }
            for (index, found) in input.schema.columns.iter().enumerate() {
                if items.iter().any(|item| item.is_plain && item.value.as_column() == Some(index)) {
                    continue;
                }
                let value = Value::column(index, found.ty);
                let natural = Some(found.name.clone());
                items.push(Item { given: None, natural, value, span: column.span, is_plain: true });
            }
        }
        let columns = binder.name_items(&items, &mut Names::default())?;
        let keys = items.into_iter().map(|item| item.value).collect();
        let schema = Schema { columns, open: input.schema.open && self.columns.iter().any(is_star) };
        Ok(Plan::new(schema, Node::Aggregate { input, keys, aggregates: Vec::new() }))
    }
}

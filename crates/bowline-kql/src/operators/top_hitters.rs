//! `top-hitters`: the values that are most frequent, or have the largest sum.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Names, Row};
use crate::plan::{self, Aggregate, Column, Node, Plan, Schema, SortKey};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct TopHitters {
    pub count: Expr,
    pub of: Expr,
    pub by: Option<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<TopHitters> {
    let count = parser.expression()?;
    parser.expect("of")?;
    let of = parser.named()?;
    let by = if parser.eat("by") { Some(parser.named()?) } else { None };
    Ok(TopHitters { count, of, by })
}

impl TopHitters {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let count = binder.constant_number(&self.count)?;
        let mut row = Row::over(&input.schema);
        let items = binder.items(std::slice::from_ref(&self.of), &mut row)?;
        let mut columns = binder.name_items(&items, &mut Names::default())?;
        let (aggregate, name) = match &self.by {
            None => {
                let count = Aggregate { function: "count", arguments: Vec::new(), ty: Type::Long };
                (count, format!("approximate_count_{}", columns[0].name))
            }
            Some(by) => {
                let value = binder.expr(by.without_name(), &mut row)?;
                let name = binder.natural_name(by, row.schema).unwrap_or_default();
                let ty = if value.ty == Type::Int { Type::Long } else { value.ty };
                (Aggregate { function: "sum", arguments: vec![value], ty }, format!("approximate_sum_{name}"))
            }
        };
        let ty = aggregate.ty;
        columns.push(Column::new(name, ty));
        let schema = Schema::new(columns);
        let keys: Vec<plan::Expr> = items.into_iter().map(|item| item.value).collect();
        let order =
            SortKey { value: plan::Expr::column(keys.len(), ty), descending: true, nulls_first: false };
        let groups = Plan::new(schema.clone(), Node::Aggregate { input, keys, aggregates: vec![aggregate] });
        let sorted = Plan::new(schema.clone(), Node::Sort { input: groups, keys: vec![order] });
        Ok(Plan::new(schema, Node::Limit { input: sorted, count }))
    }
}

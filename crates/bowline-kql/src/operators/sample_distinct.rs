//! `sample-distinct`: so many different values of an expression.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Names, Row};
use crate::plan::{Node, Plan, Schema};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct SampleDistinct {
    pub count: Expr,
    pub of: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<SampleDistinct> {
    let count = parser.expression()?;
    parser.expect("of")?;
    Ok(SampleDistinct { count, of: parser.named()? })
}

impl SampleDistinct {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let count = binder.constant_number(&self.count)?;
        let items = binder.items(std::slice::from_ref(&self.of), &mut Row::over(&input.schema))?;
        let schema = Schema::new(binder.name_items(&items, &mut Names::default())?);
        let keys = items.into_iter().map(|item| item.value).collect();
        let distinct = Plan::new(schema.clone(), Node::Aggregate { input, keys, aggregates: Vec::new() });
        Ok(Plan::new(schema, Node::Limit { input: distinct, count }))
    }
}

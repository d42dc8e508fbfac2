//! `top`: the first so many rows in an order.

use std::sync::Arc;

use super::sort::{self, SortKey};
use crate::bind::{Binder, Bound};
use crate::plan::{Node, Plan};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Top {
    pub count: Expr,
    pub key: SortKey,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Top> {
    parser.settings(&[])?;
    let count = parser.expression()?;
    parser.expect("by")?;
    Ok(Top { count, key: sort::parse_key(parser)? })
}

impl Top {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let count = binder.constant_number(&self.count)?;
        let keys = vec![sort::bind_key(binder, &self.key, &input)?];
        let sorted = Plan::new(input.schema.clone(), Node::Sort { input, keys });
        Ok(Plan::new(sorted.schema.clone(), Node::Limit { input: sorted, count }))
    }
}

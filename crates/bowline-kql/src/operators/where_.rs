//! `where`: rows for which a condition holds.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Node, Plan};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Where {
    pub predicate: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Where> {
    parser.settings(&[])?;
    Ok(Where { predicate: parser.named()? })
}

impl Where {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut row = Row::in_order(&input.schema);
        let predicate = binder.condition(&self.predicate, &mut row)?;
        let windows = row.windows.unwrap_or_default();
        let schema = input.schema.clone();
        let plain = windows.is_empty();
        let over = super::with_windows(input, windows);
        let filtered = Plan::new(over.schema.clone(), Node::Filter { input: over, predicate });
        Ok(if plain { filtered } else { super::first_columns(filtered, schema) })
    }
}

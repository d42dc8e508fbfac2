//! `sort` and `order`: rows in an order.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{self, Node, Plan};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

/// One criterion. Without a word it is descending; nulls then come last, and first when it ascends.
#[derive(Clone, Debug)]
pub struct SortKey {
    pub value: Expr,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Clone, Debug)]
pub struct Sort {
    pub keys: Vec<SortKey>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Sort> {
    parser.settings(&[])?;
    parser.expect("by")?;
    Ok(Sort { keys: parser.list(parse_key)? })
}

pub(super) fn parse_key(parser: &mut Parser<'_>) -> Parsed<SortKey> {
    let value = parser.named()?;
    let descending = if parser.eat("asc") {
        false
    } else {
        parser.eat("desc");
        true
    };
    let mut nulls_first = !descending;
    if parser.eat("nulls") {
        nulls_first = parser.eat("first");
        if !nulls_first {
            parser.expect("last")?;
        }
    }
    Ok(SortKey { value, descending, nulls_first })
}

impl Sort {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let keys = self.keys.iter().map(|key| bind_key(binder, key, &input)).collect::<Bound<Vec<_>>>()?;
        Ok(Plan::new(input.schema.clone(), Node::Sort { input, keys }))
    }
}

pub(super) fn bind_key(binder: &mut Binder<'_>, key: &SortKey, input: &Plan) -> Bound<plan::SortKey> {
    let value = binder.expr(key.value.without_name(), &mut Row::over(&input.schema))?;
    Ok(plan::SortKey { value, descending: key.descending, nulls_first: key.nulls_first })
}

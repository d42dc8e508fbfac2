//! `top`: the first so many rows in an order.

use super::sort::{self, SortKey};
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

//! `top-hitters`: the values that are most frequent, or have the largest sum.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

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

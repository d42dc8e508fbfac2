//! `take` and `limit`: any so many rows.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Take {
    pub count: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Take> {
    parser.settings(&[])?;
    Ok(Take { count: parser.expression()? })
}

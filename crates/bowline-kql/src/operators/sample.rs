//! `sample`: so many rows, picked at random.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Sample {
    pub count: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Sample> {
    Ok(Sample { count: parser.expression()? })
}

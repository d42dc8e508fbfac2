//! `distinct`: every combination of values once.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Distinct {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Distinct> {
    parser.settings(&[])?;
    Ok(Distinct { columns: parser.list(Parser::named)? })
}

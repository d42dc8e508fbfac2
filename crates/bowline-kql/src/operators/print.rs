//! `print`: one row of expressions.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Print {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Print> {
    Ok(Print { columns: parser.list(Parser::named_column)? })
}

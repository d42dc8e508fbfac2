//! `extend`: all columns, and these.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Extend {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Extend> {
    Ok(Extend { columns: parser.list(Parser::named_column)? })
}

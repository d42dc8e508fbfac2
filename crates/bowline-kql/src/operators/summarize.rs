//! `summarize`: one row per group.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Summarize {
    pub aggregates: Vec<Expr>,
    pub keys: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Summarize> {
    parser.settings(&["kind"])?;
    let aggregates = if parser.is("by") || parser.ends_operator() {
        Vec::new()
    } else {
        parser.list(Parser::named_column)?
    };
    let keys = if parser.eat("by") { parser.list(Parser::named_column)? } else { Vec::new() };
    Ok(Summarize { aggregates, keys })
}

//! `search`: rows in which any column holds a term.

use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Search {
    pub settings: Vec<Setting>,
    /// The tables after `in`; none means all, or the input.
    pub tables: Vec<Expr>,
    pub predicate: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Search> {
    let settings = parser.settings(&["kind"])?;
    let tables = parse_tables(parser)?;
    let outer = std::mem::replace(&mut parser.in_search, true);
    let predicate = parser.expression();
    parser.in_search = outer;
    Ok(Search { settings, tables, predicate: predicate? })
}

pub(super) fn parse_tables(parser: &mut Parser<'_>) -> Parsed<Vec<Expr>> {
    if !(parser.is("in") && parser.is_ahead(1, "(")) {
        return Ok(Vec::new());
    }
    parser.advance();
    parser.advance();
    let tables = parser.list(Parser::table_reference)?;
    parser.expect(")")?;
    Ok(tables)
}

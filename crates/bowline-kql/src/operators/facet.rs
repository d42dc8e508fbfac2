//! `facet`: a table of counts for each column, and one of the rows.

use super::Operator;
use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Facet {
    pub columns: Vec<Name>,
    pub with: Option<Vec<Operator>>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Facet> {
    parser.expect("by")?;
    let columns = parser.list(Parser::name)?;
    let mut with = None;
    if parser.eat("with") {
        with = Some(if parser.is("(") { super::parse_body(parser)? } else { vec![super::parse(parser)?] });
    }
    Ok(Facet { columns, with })
}

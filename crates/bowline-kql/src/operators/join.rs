//! `join`: rows of two tables that belong together.

use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Join {
    pub settings: Vec<Setting>,
    pub right: Expr,
    pub on: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Join> {
    let settings = parser.settings(&["kind", "withsource"])?;
    let right = parser.table_reference()?;
    // Without a condition it is refused when it is bound, as a mistake in meaning.
    let on = if parser.eat("on") { parser.list(Parser::expression)? } else { Vec::new() };
    Ok(Join { settings, right, on })
}

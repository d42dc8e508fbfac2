//! `range`: a table of one column that counts.

use crate::syntax::ast::{Expr, Name};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Range {
    pub name: Name,
    pub from: Expr,
    pub to: Expr,
    pub step: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Range> {
    let name = parser.declared_name()?;
    parser.expect("from")?;
    let from = parser.expression()?;
    parser.expect("to")?;
    let to = parser.expression()?;
    parser.expect("step")?;
    Ok(Range { name, from, to, step: parser.expression()? })
}

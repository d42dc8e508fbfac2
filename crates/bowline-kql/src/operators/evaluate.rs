//! `evaluate`: a plug-in over the rows.

use crate::syntax::ast::{Expr, Name, RowSchema};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Evaluate {
    pub plugin: Name,
    pub arguments: Vec<Expr>,
    /// `: (a: long, …)`: what comes out, said in the query.
    pub schema: Option<RowSchema>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Evaluate> {
    parser.settings(&[])?;
    let plugin = parser.declared_name()?;
    let arguments = parser.arguments()?;
    let schema = if parser.eat(":") { Some(parser.row_schema()?) } else { None };
    Ok(Evaluate { plugin, arguments, schema })
}

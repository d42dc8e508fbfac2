//! `parse-kv`: columns out of a text of keys and values.

use crate::syntax::ast::{Expr, RowSchema, Setting};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct ParseKv {
    pub source: Expr,
    pub columns: RowSchema,
    pub settings: Vec<Setting>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ParseKv> {
    let source = parser.expression()?;
    parser.expect("as")?;
    let columns = parser.row_schema()?;
    let settings = if parser.eat("with") { super::parse_properties(parser)? } else { Vec::new() };
    Ok(ParseKv { source, columns, settings })
}

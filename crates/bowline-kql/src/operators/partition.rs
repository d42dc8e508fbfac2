//! `partition`: a sub-query for each value of a column.

use super::Operator;
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub enum Body {
    /// Operators over the rows of one value.
    Pipe(Vec<Operator>),
    /// A whole query, once per value.
    Query(Expr),
}

#[derive(Clone, Debug)]
pub struct Partition {
    pub by: Expr,
    pub body: Body,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Partition> {
    parser.settings(&[])?;
    parser.expect("by")?;
    let by = parser.name()?;
    let by = Expr::new(by.span, ExprKind::Name(by.text));
    if parser.eat("in") {
        parser.expression()?;
    }
    if parser.is("{") {
        parser.advance();
        let query = parser.nested(|parser| parser.piped(true))?;
        parser.expect("}")?;
        return Ok(Partition { by, body: Body::Query(query) });
    }
    Ok(Partition { by, body: Body::Pipe(super::parse_body(parser)?) })
}

//! `parse` and `parse-where`: columns out of a text by a pattern.

use crate::syntax::ast::{Expr, ExprKind, LiteralKind, Name, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::token::TokenKind;
use crate::types::Type;

#[derive(Clone, Debug)]
pub enum Part {
    /// Anything, as little as possible.
    Skip,
    Text(String),
    Column {
        name: Name,
        ty: Option<Type>,
    },
}

#[derive(Clone, Debug)]
pub struct Parse {
    pub settings: Vec<Setting>,
    pub source: Expr,
    pub pattern: Vec<Part>,
    /// `parse-where`: rows that do not fit are left out.
    pub only_matches: bool,
}

pub(super) fn parse(parser: &mut Parser<'_>, only_matches: bool) -> Parsed<Parse> {
    let settings = parser.settings(&["kind", "flags"])?;
    let source = parser.expression()?;
    parser.expect("with")?;
    let mut pattern = Vec::new();
    while !parser.ends_operator() {
        pattern.push(parse_part(parser)?);
    }
    if pattern.is_empty() {
        return Err(parser.expected("a pattern"));
    }
    Ok(Parse { settings, source, pattern, only_matches })
}

fn parse_part(parser: &mut Parser<'_>) -> Parsed<Part> {
    if parser.eat("*") {
        return Ok(Part::Skip);
    }
    if parser.kind() == TokenKind::Text {
        let text = parser.literal_value()?;
        return Ok(match text.kind {
            ExprKind::Literal(LiteralKind::Text, text) => Part::Text(text),
            _ => Part::Skip,
        });
    }
    if parser.kind() != TokenKind::Name && !parser.is("[") {
        return Err(parser.expected("a text, a column or '*'"));
    }
    let name = parser.declared_name()?;
    let ty = if parser.eat(":") { Some(parser.type_name()?) } else { None };
    Ok(Part::Column { name, ty })
}

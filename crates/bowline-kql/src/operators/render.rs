//! `render`: how the answer should be drawn. It changes nothing but what is said about the answer.

use crate::plan;
use crate::syntax::ast::{Expr, ExprKind, Name, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::token::TokenKind;

#[derive(Clone, Debug)]
pub struct Render {
    pub chart: Name,
    pub properties: Vec<Setting>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Render> {
    // `3Dchart` and its like are one word although they begin with a digit.
    let chart = parser.declared_name()?;
    let mut properties = Vec::new();
    if parser.eat("with") {
        parser.expect("(")?;
        while !parser.is(")") {
            properties.push(parse_property(parser)?);
            if !parser.eat(",") {
                break;
            }
        }
        parser.expect(")")?;
    } else {
        while parser.kind() == TokenKind::Name && parser.is_ahead(1, "=") {
            properties.push(parse_property(parser)?);
        }
    }
    Ok(Render { chart, properties })
}

/// `title='…'`, or a list of columns: `ycolumns=a, b`.
fn parse_property(parser: &mut Parser<'_>) -> Parsed<Setting> {
    let name = parser.declared_name()?;
    parser.expect("=")?;
    let mut value = parser.simple_value()?;
    if matches!(name.text.as_str(), "ycolumns" | "series" | "anomalycolumns") {
        // The list ends where the next property begins.
        let mut names = vec![text_of(&value)];
        while parser.is(",") && !parser.is_ahead(2, "=") {
            parser.advance();
            value = parser.simple_value()?;
            names.push(text_of(&value));
        }
        value.kind = ExprKind::Name(names.join(","));
    }
    Ok(Setting { name, value })
}

fn text_of(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Name(text) | ExprKind::Literal(_, text) => text.clone(),
        _ => String::new(),
    }
}

impl Render {
    pub(super) fn bind(&self) -> plan::Render {
        let properties =
            self.properties.iter().map(|one| (one.name.text.clone(), text_of(&one.value))).collect();
        plan::Render { chart: self.chart.text.clone(), properties }
    }
}

//! `parse` and `parse-where`: columns out of a text by a pattern.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Column, Node, ParseMode, PatternPart, Plan};
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

impl Parse {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let source = binder.expr(&self.source, &mut Row::over(&input.schema))?;
        let source = binder.convert(self.source.span, source, Type::String)?;
        let mut columns = Vec::new();
        let mut pattern = Vec::with_capacity(self.pattern.len());
        for part in &self.pattern {
            pattern.push(match part {
                Part::Skip => PatternPart::Skip,
                Part::Text(text) => PatternPart::Text(text.clone()),
                Part::Column { name, ty } => {
                    let ty = ty.unwrap_or(Type::String);
                    columns.push(Column::new(&name.text, ty));
                    PatternPart::Column(ty)
                }
            });
        }
        let mode = match super::setting(&self.settings, "kind").as_deref() {
            None | Some("simple") => ParseMode::Simple,
            Some("relaxed") => ParseMode::Relaxed,
            Some("regex") => {
                ParseMode::Regex { flags: super::setting(&self.settings, "flags").unwrap_or_default() }
            }
            Some(word) => {
                let message = format!("there is no kind of parse '{word}': it is simple, relaxed or regex");
                return Err(binder.wrong(self.source.span, message));
            }
        };
        let width = input.schema.len();
        let schema = input.schema.with(columns);
        let node = Node::Parse { input, source, pattern, mode, only_matches: self.only_matches };
        Ok(super::overlay(Plan::new(schema, node), width))
    }
}

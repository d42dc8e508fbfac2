//! `find`: rows of many tables for which a condition holds, in one shape.

use super::search::parse_tables;
use crate::syntax::ast::{ColumnDeclaration, Expr, Name, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Found {
    pub name: Name,
    pub ty: Option<Type>,
}

/// What `find` gives of each row.
#[derive(Clone, Debug)]
pub enum Projection {
    /// The columns of the condition, and all the others as one.
    Smart,
    /// These, and with `pack(*)` all the others as one.
    Columns(Vec<Found>, bool),
    Away(Vec<ColumnDeclaration>),
}

#[derive(Clone, Debug)]
pub struct Find {
    pub settings: Vec<Setting>,
    pub tables: Vec<Expr>,
    pub predicate: Expr,
    pub projection: Projection,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Find> {
    let mut settings = parser.settings(&["kind", "withsource", "with_source"])?;
    let tables = parse_tables(parser)?;
    settings.extend(parser.settings(&["kind", "withsource", "with_source"])?);
    parser.eat("where");
    let outer = std::mem::replace(&mut parser.in_search, true);
    let predicate = parser.expression();
    parser.in_search = outer;
    let predicate = predicate?;
    let mut projection = Projection::Smart;
    if parser.eat("project") {
        projection = parse_columns(parser)?;
    } else if parser.eat("project-away") {
        parser.list(Parser::name_pattern)?;
        projection = Projection::Away(Vec::new());
    } else {
        parser.eat("project-smart");
    }
    Ok(Find { settings, tables, predicate, projection })
}

fn parse_columns(parser: &mut Parser<'_>) -> Parsed<Projection> {
    let mut packs = false;
    let mut columns = Vec::new();
    loop {
        if parser.is("pack") && parser.is_ahead(1, "(") {
            parser.advance();
            parser.advance();
            parser.expect("*")?;
            parser.expect(")")?;
            packs = true;
        } else {
            let name = parser.name()?;
            let ty = if parser.eat(":") { Some(parser.type_name()?) } else { None };
            columns.push(Found { name, ty });
        }
        if !parser.eat(",") {
            return Ok(Projection::Columns(columns, packs));
        }
    }
}

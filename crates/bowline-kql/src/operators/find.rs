//! `find`: rows of many tables for which a condition holds, in one shape.

use std::sync::Arc;

use super::search::parse_tables;
use crate::bind::{Binder, Bound, Row};
use crate::plan::{self, Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, Name, NamePattern, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::Value;

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
    Away(Vec<NamePattern>),
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
        projection = Projection::Away(parser.list(Parser::name_pattern)?);
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

impl Find {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, span: Span) -> Bound<Arc<Plan>> {
        let source = super::setting(&self.settings, "withsource")
            .or_else(|| super::setting(&self.settings, "with_source"));
        let source = source.unwrap_or_else(|| "source_".to_owned());
        let case = super::setting(&self.settings, "kind").is_some_and(|kind| kind == "case_sensitive");
        let rows = super::search::sources(binder, &self.tables, &source, span)?;
        let predicate =
            super::search::condition(binder, &self.predicate, &mut Row::over(&rows.schema), case)?;
        let found = Plan::new(rows.schema.clone(), Node::Filter { input: rows, predicate });
        match &self.projection {
            Projection::Smart => Ok(found),
            Projection::Away(columns) => {
                let away = super::matching(binder, columns, &found.schema)?;
                let kept = (0..found.schema.len()).filter(|index| !away.contains(index)).collect();
                Ok(super::select(found, kept))
            }
            Projection::Columns(columns, packs) => Ok(projected(found, columns, *packs)),
        }
    }
}

/// The source, these columns, and all the others as one bag. A column that no table has is null.
fn projected(found: Arc<Plan>, wanted: &[Found], packs: bool) -> Arc<Plan> {
    let mut columns = vec![found.schema.columns[0].clone()];
    let mut values = vec![plan::Expr::column(0, Type::String)];
    let mut taken = vec![0];
    for one in wanted {
        let at = found.schema.position(&one.name.text);
        let ty = one.ty.or(at.map(|at| found.schema.columns[at].ty)).unwrap_or(Type::Dynamic);
        columns.push(Column::new(&one.name.text, ty));
        values.push(match at {
            Some(at) => plan::Expr::column(at, found.schema.columns[at].ty).cast(ty),
            None => plan::Expr::literal(Value::null(ty)),
        });
        taken.extend(at);
    }
    if packs {
        let mut pairs = Vec::new();
        for (index, column) in
            found.schema.columns.iter().enumerate().filter(|(index, _)| !taken.contains(index))
        {
            pairs.push(plan::Expr::literal(Value::String(column.name.clone())));
            pairs.push(plan::Expr::column(index, column.ty));
        }
        columns.push(Column::new("pack_", Type::Dynamic));
        values.push(plan::Expr::call("pack_all", Type::Dynamic, pairs));
    }
    Plan::new(Schema::new(columns), Node::Project { input: found, columns: values })
}

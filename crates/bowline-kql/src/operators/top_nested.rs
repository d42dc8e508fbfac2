//! `top-nested`: the top values of one expression, inside of each the top values of the next, and so on.

use std::sync::Arc;

use super::sort::{self, SortKey};
use crate::bind::{Binder, Bound, Groups, Item, Names, Row};
use crate::plan::{NestedLevel, Node, Plan, Schema};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Level {
    pub count: Option<Expr>,
    pub of: Expr,
    /// What the row of all the other values is called.
    pub others: Option<Expr>,
    pub by: SortKey,
}

#[derive(Clone, Debug)]
pub struct TopNested {
    pub levels: Vec<Level>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<TopNested> {
    let mut levels = vec![parse_level(parser)?];
    while parser.eat(",") {
        parser.expect("top-nested")?;
        levels.push(parse_level(parser)?);
    }
    Ok(TopNested { levels })
}

fn parse_level(parser: &mut Parser<'_>) -> Parsed<Level> {
    let count = if parser.is("of") { None } else { Some(parser.expression()?) };
    parser.expect("of")?;
    let of = parser.named()?;
    let mut others = None;
    if parser.eat("with") {
        parser.expect("others")?;
        parser.expect("=")?;
        others = Some(parser.expression()?);
    }
    parser.expect("by")?;
    Ok(Level { count, of, others, by: sort::parse_key(parser)? })
}

impl TopNested {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut names = Names::default();
        let mut columns = Vec::with_capacity(self.levels.len() * 2);
        let mut levels = Vec::with_capacity(self.levels.len());
        for written in &self.levels {
            let (level, items) = bind_level(binder, written, &input.schema)?;
            columns.extend(binder.name_items(&items, &mut names)?);
            levels.push(level);
        }
        Ok(Plan::new(Schema::new(columns), Node::TopNested { input, levels }))
    }
}

/// A level and its two columns.
fn bind_level(binder: &mut Binder<'_>, level: &Level, schema: &Schema) -> Bound<(NestedLevel, [Item; 2])> {
    let mut row = Row::over(schema);
    let of = binder.items(std::slice::from_ref(&level.of), &mut row)?.remove(0);
    let natural = of.given.clone().or(of.natural.clone()).unwrap_or_default();
    row.groups = Some(Groups { keys: vec![of.value.clone()], aggregates: Vec::new() });
    let mut by = binder.items(std::slice::from_ref(&level.by.value), &mut row)?.remove(0);
    by.natural = Some(format!("aggregated_{natural}"));
    let aggregates = row.groups.map_or_else(Vec::new, |groups| groups.aggregates);
    let (Some(1), [aggregate]) = (by.value.as_column(), aggregates.as_slice()) else {
        return Err(binder.wrong(level.by.value.span, "one aggregate is expected, such as count()"));
    };
    let others = match &level.others {
        Some(others) => {
            let value = binder.expr(others, &mut Row::over(&Schema::default()))?;
            Some(binder.convert(others.span, value, of.value.ty)?)
        }
        None => None,
    };
    let count = level.count.as_ref().map(|count| binder.constant_number(count)).transpose()?;
    let bound = NestedLevel {
        key: of.value.clone(),
        aggregate: aggregate.clone(),
        descending: level.by.descending,
        nulls_first: level.by.nulls_first,
        count,
        others,
    };
    Ok((bound, [of, by]))
}

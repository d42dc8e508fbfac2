//! `top-nested`: the top values of one expression, inside of each the top values of the next, and so on.

use std::sync::Arc;

use super::sort::{self, SortKey};
use crate::bind::{Binder, Bound, Groups, Names, Row};
use crate::plan::{self, JoinKind, Node, Plan, Schema};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

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
        let mut chosen: Option<(Arc<Plan>, usize)> = None;
        for (index, level) in self.levels.iter().enumerate() {
            if let Some(others) = &level.others {
                return Err(binder.refused(
                    others.span,
                    "'with others'",
                    "sum the rows that are left with a query of their own",
                ));
            }
            chosen = Some(self.level(binder, &input, index, chosen)?);
        }
        let (plan, _) =
            chosen.ok_or_else(|| binder.wrong(self.levels[0].of.span, "top-nested needs a level"))?;
        Ok(plan)
    }

    /// The best groups of a level inside of each group that the level above chose. Columns: of each level the value and its rank.
    fn level(
        &self,
        binder: &mut Binder<'_>,
        input: &Arc<Plan>,
        index: usize,
        above: Option<(Arc<Plan>, usize)>,
    ) -> Bound<(Arc<Plan>, usize)> {
        let level = &self.levels[index];
        let mut row = Row::over(&input.schema);
        let mut names = Names::default();
        let mut keys = Vec::new();
        for outer in &self.levels[..index] {
            keys.push(binder.expr(outer.of.without_name(), &mut row)?);
        }
        let item = binder.items(std::slice::from_ref(&level.of), &mut row)?.remove(0);
        let natural = item.natural.clone().or(item.given.clone()).unwrap_or_default();
        keys.push(item.value.clone());
        row.groups = Some(Groups { keys: keys.clone(), aggregates: Vec::new() });
        let mut by = binder.items(std::slice::from_ref(&level.by.value), &mut row)?.remove(0);
        by.natural = Some(format!("aggregated_{natural}"));
        let Some(aggregate) = row.groups.and_then(|groups| groups.aggregates.into_iter().next()) else {
            return Err(binder.wrong(level.by.value.span, "an aggregate is expected, such as count()"));
        };
        let outer = keys[..index]
            .iter()
            .enumerate()
            .map(|(at, key)| plan::Column::new(format!("$outer{at}"), key.ty));
        let mut columns: Vec<plan::Column> = outer.collect();
        columns.extend(binder.name_items(&[item, by], &mut names)?);
        let groups =
            Node::Aggregate { input: Arc::clone(input), keys: keys.clone(), aggregates: vec![aggregate] };
        let groups = Plan::new(Schema::new(columns), groups);
        let Some((above, levels)) = above else {
            return Ok((best(binder, level, groups, 1)?, 1));
        };
        // Only inside of what was chosen above, and for each of those by itself.
        let on: Vec<_> = (0..index)
            .map(|at| (plan::Expr::column(at * 2, keys[at].ty), plan::Expr::column(at, keys[at].ty)))
            .collect();
        let schema = super::join::combined(&above.schema, &groups.schema, &[]);
        let joined = Plan::new(
            schema,
            Node::Join { left: Arc::clone(&above), right: groups, kind: JoinKind::Inner, on },
        );
        let kept: Vec<usize> = (0..levels * 2).chain([levels * 2 + index, levels * 2 + index + 1]).collect();
        let joined = super::select(joined, kept);
        let path: Vec<plan::Expr> = (0..index).map(|at| plan::Expr::column(at * 2, keys[at].ty)).collect();
        let key = plan::Expr::call("pack_array", Type::Dynamic, path);
        let rows = Plan::new(joined.schema.clone(), Node::Elements);
        let body = best(binder, level, rows, levels * 2 + 1)?;
        Ok((Plan::new(joined.schema.clone(), Node::Partition { input: joined, key, body }), levels + 1))
    }
}

/// The first groups in the order of their aggregate.
fn best(binder: &mut Binder<'_>, level: &Level, groups: Arc<Plan>, rank: usize) -> Bound<Arc<Plan>> {
    let schema = groups.schema.clone();
    let value = plan::Expr::column(rank, schema.columns[rank].ty);
    let key = plan::SortKey { value, descending: level.by.descending, nulls_first: level.by.nulls_first };
    let sorted = Plan::new(schema.clone(), Node::Sort { input: groups, keys: vec![key] });
    match &level.count {
        None => Ok(sorted),
        Some(count) => {
            let count = binder.constant_number(count)?;
            Ok(Plan::new(schema, Node::Limit { input: sorted, count }))
        }
    }
}

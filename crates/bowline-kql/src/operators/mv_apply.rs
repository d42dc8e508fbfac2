//! `mv-apply`: a sub-query over the elements of each row's lists.

use std::sync::Arc;

use super::Operator;
use super::mv_expand::{self, Expansion, SETTINGS, parse_expansion};
use crate::bind::{Binder, Bound};
use crate::plan::{Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct MvApply {
    pub settings: Vec<Setting>,
    pub columns: Vec<Expansion>,
    pub limit: Option<Expr>,
    pub body: Vec<Operator>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<MvApply> {
    let settings = parser.settings(SETTINGS)?;
    let columns = if parser.is("on") { Vec::new() } else { parser.list(parse_expansion)? };
    let limit = if parser.eat("limit") { Some(parser.expression()?) } else { None };
    parser.expect("on")?;
    let body = super::parse_body(parser)?;
    Ok(MvApply { settings, columns, limit, body })
}

impl MvApply {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let lists = mv_expand::bind_lists(binder, &self.columns, &input)?;
        let index = super::setting(&self.settings, "with_itemindex");
        let limit = self.limit.as_ref().map(|limit| binder.constant_number(limit)).transpose()?;
        let (expanded, shown, columns) = mv_expand::shape(&input.schema, &lists, index.as_deref());
        let elements = Plan::new(expanded, Node::Elements);
        let mut body = Plan::new(shown.clone(), Node::Project { input: elements, columns });
        for operator in &self.body {
            body = super::bind(binder, operator, body)?;
        }
        // Of the row outside, what is expanded under its own name is the body's; the rest is kept, and not given twice.
        let is_list = |name: &str| lists.iter().any(|one| one.name == name) || index.as_deref() == Some(name);
        let outer: Vec<usize> =
            (0..input.schema.len()).filter(|at| !is_list(&input.schema.columns[*at].name)).collect();
        let is_outer = |name: &str| outer.iter().any(|at| input.schema.columns[*at].name == name);
        let kept: Vec<usize> =
            (0..body.schema.len()).filter(|at| !is_outer(&body.schema.columns[*at].name)).collect();
        let columns: Vec<Column> = outer
            .iter()
            .map(|at| input.schema.columns[*at].clone())
            .chain(kept.iter().map(|at| body.schema.columns[*at].clone()))
            .collect();
        let schema = in_order_of(&shown, Schema { columns, open: input.schema.open || body.schema.open });
        let lists = lists.into_iter().map(|one| one.list).collect();
        let node = Node::Apply { input, lists, with_index: index.is_some(), limit, body, outer, kept };
        let applied = Plan::new(schema.0, node);
        Ok(match schema.1 {
            Some(order) => super::select(applied, order),
            None => applied,
        })
    }
}

/// What the node gives, and the order of the result's columns when it is another: that of the rows that went in, where those remain.
fn in_order_of(shown: &Schema, given: Schema) -> (Schema, Option<Vec<usize>>) {
    let place = |at: &usize| shown.position(&given.columns[*at].name).unwrap_or(usize::MAX);
    let mut order: Vec<usize> = (0..given.len()).collect();
    order.sort_by_key(place);
    let same = order.iter().enumerate().all(|(index, at)| index == *at);
    (given, (!same).then_some(order))
}

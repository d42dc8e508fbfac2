//! `make-series`: lists of aggregates along an axis.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Item, Names, Row};
use crate::functions;
use crate::plan::{self, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Series {
    pub aggregate: Expr,
    /// What stands where there is nothing; without it zero.
    pub default: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct MakeSeries {
    pub settings: Vec<Setting>,
    pub series: Vec<Series>,
    pub axis: Expr,
    pub from: Option<Expr>,
    pub to: Option<Expr>,
    pub step: Expr,
    pub keys: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<MakeSeries> {
    let settings = parser.settings(&["kind"])?;
    let series = parser.list(parse_series)?;
    parser.expect("on")?;
    let axis = parser.axis()?;
    let (mut from, mut to) = (None, None);
    let step = if parser.eat("in") {
        parser.expect("range")?;
        parser.expect("(")?;
        from = Some(parser.expression()?);
        parser.expect(",")?;
        to = Some(parser.expression()?);
        parser.expect(",")?;
        let step = parser.expression()?;
        parser.expect(")")?;
        step
    } else {
        if parser.eat("from") {
            from = Some(parser.expression()?);
        }
        if parser.eat("to") {
            to = Some(parser.expression()?);
        }
        parser.expect("step")?;
        parser.expression()?
    };
    let keys = if parser.eat("by") { parser.list(Parser::named_column)? } else { Vec::new() };
    Ok(MakeSeries { settings, series, axis, from, to, step, keys })
}

fn parse_series(parser: &mut Parser<'_>) -> Parsed<Series> {
    let aggregate = parser.named_column()?;
    let mut default = None;
    if parser.is("default") && parser.is_ahead(1, "=") {
        parser.advance();
        parser.advance();
        default = Some(parser.expression()?);
    }
    Ok(Series { aggregate, default })
}

impl MakeSeries {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut row = Row::over(&input.schema);
        let keys = binder.items(&self.keys, &mut row)?;
        let mut names = Names::default();
        let mut columns = binder.name_items(&keys, &mut names)?;
        let mut series = Vec::with_capacity(self.series.len());
        let mut items = Vec::with_capacity(self.series.len() + 1);
        for one in &self.series {
            let (bound, item) = bind_series(binder, one, &mut row)?;
            series.push(bound);
            items.push(item);
        }
        let axis = binder.items(std::slice::from_ref(&self.axis), &mut row)?.remove(0);
        let value = axis.value.clone();
        // Whatever the axis is, its column is a list.
        items.push(Item { value: plan::Expr::new(Type::Dynamic, value.kind.clone()), ..axis });
        columns.extend(binder.name_items(&items, &mut names)?);
        let from = self.bound(binder, self.from.as_ref(), value.ty)?;
        let to = self.bound(binder, self.to.as_ref(), value.ty)?;
        let step_type = if value.ty == Type::Datetime { Type::Timespan } else { value.ty };
        let nothing = Schema::default();
        let step = binder.expr(&self.step, &mut Row::over(&nothing))?;
        let step = if step.ty.is_numeric() || value.ty == Type::Dynamic {
            step
        } else {
            binder.convert(self.step.span, step, step_type)?
        };
        let keys = keys.into_iter().map(|item| item.value).collect();
        let node = Node::Series { input: Arc::clone(&input), keys, series, axis: value, from, to, step };
        Ok(Plan::new(Schema::new(columns), node))
    }

    fn bound(&self, binder: &mut Binder<'_>, written: Option<&Expr>, ty: Type) -> Bound<Option<plan::Expr>> {
        let Some(written) = written else { return Ok(None) };
        let nothing = Schema::default();
        let value = binder.expr(written, &mut Row::over(&nothing))?;
        let value = if ty == Type::Dynamic || (value.ty.is_numeric() && ty.is_numeric()) {
            value
        } else {
            binder.convert(written.span, value, ty)?
        };
        Ok(Some(value))
    }
}

fn bind_series(binder: &mut Binder<'_>, one: &Series, row: &mut Row<'_>) -> Bound<(plan::Series, Item)> {
    let written = one.aggregate.without_name();
    let known = match &written.kind {
        ExprKind::Call { name, arguments } => {
            functions::aggregate(&name.text).map(|function| (function, arguments))
        }
        _ => None,
    };
    let aggregate = match known {
        Some((function, arguments)) => binder.aggregate(function, arguments, written.span, row)?,
        None => {
            let value = binder.expr(written, row)?;
            if value.as_literal().is_none() {
                return Err(binder.wrong(written.span, "an aggregate is expected, such as count()"));
            }
            plan::Aggregate { function: "take_any", ty: value.ty, arguments: vec![value] }
        }
    };
    let default = match &one.default {
        Some(default) => Some(binder.expr(default, row)?),
        None => None,
    };
    let given = match &one.aggregate.kind {
        ExprKind::Named { names, .. } => Some(names[0].text.clone()),
        _ => None,
    };
    let natural = binder.natural_name(written, row.schema);
    let value = plan::Expr::column(0, Type::Dynamic);
    let item = Item { given, natural, value, span: written.span, is_plain: false };
    Ok((plan::Series { aggregate, default }, item))
}

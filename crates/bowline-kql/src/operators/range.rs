//! `range`: a table of one column that counts.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, Name};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Range {
    pub name: Name,
    pub from: Expr,
    pub to: Expr,
    pub step: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Range> {
    let name = parser.declared_name()?;
    parser.expect("from")?;
    let from = parser.expression()?;
    parser.expect("to")?;
    let to = parser.expression()?;
    parser.expect("step")?;
    Ok(Range { name, from, to, step: parser.expression()? })
}

impl Range {
    pub(super) fn bind(&self, binder: &mut Binder<'_>) -> Bound<Arc<Plan>> {
        let nothing = Schema::default();
        let from = binder.expr(&self.from, &mut Row::over(&nothing))?;
        let to = binder.expr(&self.to, &mut Row::over(&nothing))?;
        let step = binder.expr(&self.step, &mut Row::over(&nothing))?;
        let (ty, step_type) = match (from.ty, to.ty) {
            (Type::Datetime, _) | (_, Type::Datetime) => (Type::Datetime, Type::Timespan),
            (Type::Timespan, _) | (_, Type::Timespan) => (Type::Timespan, Type::Timespan),
            (from, to) => match from.wider(to).and_then(|ty| ty.wider(step.ty)) {
                Some(ty) => (ty, ty),
                None => {
                    return Err(
                        binder.wrong(self.from.span, format!("a range cannot go from {from} to {to}"))
                    );
                }
            },
        };
        let from = binder.convert(self.from.span, from, ty)?;
        let to = binder.convert(self.to.span, to, ty)?;
        let step = binder.convert(self.step.span, step, step_type)?;
        let schema = Schema::new(vec![Column::new(&self.name.text, ty)]);
        Ok(Plan::new(schema, Node::Range { from, to, step }))
    }
}

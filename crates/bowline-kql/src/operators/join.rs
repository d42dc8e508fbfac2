//! `join`: rows of two tables that belong together.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Names, Row, Side, equality_type};
use crate::diagnostic::Diagnostic;
use crate::plan::{self, Column, JoinKind, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind, LogicOp, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Join {
    pub settings: Vec<Setting>,
    pub right: Expr,
    pub on: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Join> {
    let settings = parser.settings(&["kind", "withsource"])?;
    let right = parser.table_reference()?;
    // Without a condition it is refused when it is bound, as a mistake in meaning.
    let on = if parser.eat("on") { parser.list(Parser::expression)? } else { Vec::new() };
    Ok(Join { settings, right, on })
}

const KINDS: &[(&str, JoinKind)] = &[
    ("innerunique", JoinKind::InnerUnique),
    ("inner", JoinKind::Inner),
    ("leftouter", JoinKind::LeftOuter),
    ("rightouter", JoinKind::RightOuter),
    ("fullouter", JoinKind::FullOuter),
    ("leftsemi", JoinKind::LeftSemi),
    ("rightsemi", JoinKind::RightSemi),
    ("leftanti", JoinKind::LeftAnti),
    ("leftantisemi", JoinKind::LeftAnti),
    ("anti", JoinKind::LeftAnti),
    ("rightanti", JoinKind::RightAnti),
    ("rightantisemi", JoinKind::RightAnti),
];

impl Join {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let kind = self.kind(binder, JoinKind::InnerUnique)?;
        let right = binder.table(&self.right)?;
        let on = self.conditions(binder, &input.schema, &right.schema)?;
        let schema = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => input.schema.clone(),
            JoinKind::RightSemi | JoinKind::RightAnti => right.schema.clone(),
            _ => combined(&input.schema, &right.schema, &[]),
        };
        Ok(Plan::new(schema, Node::Join { left: input, right, kind, on }))
    }

    pub(super) fn kind(&self, binder: &mut Binder<'_>, default: JoinKind) -> Bound<JoinKind> {
        let Some(setting) = self.settings.iter().find(|one| one.name.text == "kind") else {
            return Ok(default);
        };
        let word = super::setting_text(&setting.value);
        match KINDS.iter().find(|(name, _)| *name == word) {
            Some((_, kind)) => Ok(*kind),
            None => {
                let found =
                    Diagnostic::meaning(setting.value.span, format!("there is no kind of join '{word}'"));
                Err(binder.report(found.near(&word, KINDS.iter().map(|(name, _)| *name))))
            }
        }
    }

    /// Pairs of a left and a right expression that must be equal, each over its own side.
    pub(super) fn conditions(
        &self,
        binder: &mut Binder<'_>,
        left: &Schema,
        right: &Schema,
    ) -> Bound<Vec<(plan::Expr, plan::Expr)>> {
        if self.on.is_empty() {
            return Err(binder.wrong(self.right.span, "the join does not say 'on' which columns"));
        }
        let mut pairs = Vec::new();
        for condition in &self.on {
            match &condition.kind {
                ExprKind::Logic { op: LogicOp::And, terms } => {
                    for term in terms {
                        pairs.push(pair(binder, term, left, right)?);
                    }
                }
                _ => pairs.push(pair(binder, condition, left, right)?),
            }
        }
        Ok(pairs)
    }
}

fn pair(
    binder: &mut Binder<'_>,
    condition: &Expr,
    left: &Schema,
    right: &Schema,
) -> Bound<(plan::Expr, plan::Expr)> {
    let (from_left, from_right) = match &condition.kind {
        ExprKind::Name(_) => {
            (binder.expr(condition, &mut Row::over(left))?, binder.expr(condition, &mut Row::over(right))?)
        }
        ExprKind::Binary { op, left: one, right: other } if op.text == "==" => {
            let nothing = Schema::default();
            let mut row = Row::over(&nothing);
            row.sides = vec![
                Side { name: "$left", offset: 0, schema: left },
                Side { name: "$right", offset: left.len(), schema: right },
            ];
            let (one, other) = (binder.expr(one, &mut row)?, binder.expr(other, &mut row)?);
            sided(binder, condition, one, other, left.len())?
        }
        _ => {
            let message = "a join is on a column, or on $left.a == $right.b";
            return Err(binder.wrong(condition.span, message));
        }
    };
    let text_and_other = (from_left.ty == Type::String) != (from_right.ty == Type::String);
    let dynamic = from_left.ty == Type::Dynamic || from_right.ty == Type::Dynamic;
    match equality_type(from_left.ty, from_right.ty) {
        Some(ty) if !text_and_other || dynamic => Ok((from_left.cast(ty), from_right.cast(ty))),
        _ => {
            let message = format!(
                "the left side is {}, the right side is {}: a join needs one type",
                from_left.ty, from_right.ty
            );
            Err(binder.wrong(condition.span, message))
        }
    }
}

/// The two sides in order, the right one with positions of its own.
fn sided(
    binder: &mut Binder<'_>,
    condition: &Expr,
    one: plan::Expr,
    other: plan::Expr,
    width: usize,
) -> Bound<(plan::Expr, plan::Expr)> {
    let (one_at, other_at) = match (one.as_column(), other.as_column()) {
        (Some(one), Some(other)) => (one, other),
        _ => return Ok((one, other)),
    };
    let (left, right, right_at) = if one_at < width && other_at >= width {
        (one, other, other_at)
    } else if other_at < width && one_at >= width {
        (other, one, one_at)
    } else {
        return Err(binder.wrong(condition.span, "one side of '==' must be $left, the other $right"));
    };
    let right = plan::Expr::column(right_at - width, right.ty);
    Ok((left, right))
}

/// The columns of both sides; a name of the right side that the left one has gets a number. Some right columns may be left out.
pub(super) fn combined(left: &Schema, right: &Schema, without: &[usize]) -> Schema {
    let mut names = Names::of(left);
    let columns = right.columns.iter().enumerate().filter(|(index, _)| !without.contains(index));
    let more: Vec<Column> =
        columns.map(|(_, column)| Column::new(names.unique(&column.name), column.ty)).collect();
    let mut schema = left.with(more);
    schema.open |= right.open;
    schema
}

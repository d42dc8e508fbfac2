//! What several operators do with the columns of their input.

use std::sync::Arc;

use crate::bind::{Binder, Bound};
use crate::diagnostic::Diagnostic;
use crate::plan::{self, Column, Node, Plan, Schema, Window};
use crate::syntax::ast::{Expr, ExprKind, NamePattern, Setting};
use crate::syntax::parser::Stop;
use crate::syntax::span::Span;

pub(super) fn all_columns(schema: &Schema) -> Vec<plan::Expr> {
    schema.columns.iter().enumerate().map(|(index, column)| plan::Expr::column(index, column.ty)).collect()
}

/// These columns of a plan, in this order.
pub(super) fn select(input: Arc<Plan>, kept: Vec<usize>) -> Arc<Plan> {
    let columns = kept.iter().map(|index| input.schema.columns[*index].clone()).collect();
    let schema = Schema { columns, open: input.schema.open };
    let columns =
        kept.into_iter().map(|index| plan::Expr::column(index, input.schema.columns[index].ty)).collect();
    Plan::new(schema, Node::Project { input, columns })
}

/// The columns of a schema, which are the first of the plan's.
pub(super) fn first_columns(input: Arc<Plan>, schema: Schema) -> Arc<Plan> {
    let columns = all_columns(&schema);
    Plan::new(schema, Node::Project { input, columns })
}

/// A plan whose first columns are the input's: a later column of the same name takes an earlier one's place.
pub(super) fn overlay(plan: Arc<Plan>, width: usize) -> Arc<Plan> {
    let mut schema = Schema { columns: plan.schema.columns[..width].to_vec(), open: plan.schema.open };
    let mut order: Vec<usize> = (0..width).collect();
    for (index, column) in plan.schema.columns.iter().enumerate().skip(width) {
        match schema.position(&column.name) {
            Some(place) => {
                schema.columns[place].ty = column.ty;
                order[place] = index;
            }
            None => {
                schema.columns.push(column.clone());
                order.push(index);
            }
        }
    }
    if order.len() == plan.schema.len() {
        return plan;
    }
    select(plan, order)
}

/// The input with the columns of functions of neighbouring rows after its own.
pub(super) fn with_windows(input: Arc<Plan>, windows: Vec<Window>) -> Arc<Plan> {
    if windows.is_empty() {
        return input;
    }
    let columns =
        windows.iter().enumerate().map(|(index, one)| Column::new(format!("$window{index}"), one.ty));
    let schema = input.schema.with(columns);
    Plan::new(schema, Node::Window { input, columns: windows })
}

/// The columns that patterns mean, in the order of the patterns; a name that nothing matches is an error.
pub(super) fn matching(
    binder: &mut Binder<'_>,
    patterns: &[NamePattern],
    schema: &Schema,
) -> Bound<Vec<usize>> {
    let mut found = Vec::new();
    for pattern in patterns {
        let before = found.len();
        let columns = schema.columns.iter().enumerate();
        found.extend(columns.filter(|(_, column)| pattern.matches(&column.name)).map(|(index, _)| index));
        if found.len() == before && !pattern.is_wild() && !schema.open {
            return Err(no_column(binder, &pattern.text, pattern.span, schema));
        }
    }
    Ok(found)
}

pub(super) fn no_column(binder: &mut Binder<'_>, name: &str, span: Span, schema: &Schema) -> Stop {
    let found = Diagnostic::meaning(span, format!("there is no column '{name}'")).near(name, schema.names());
    binder.report(found)
}

/// The value of a setting as text.
pub(super) fn setting(settings: &[Setting], name: &str) -> Option<String> {
    settings.iter().find(|one| one.name.text == name).map(|one| setting_text(&one.value))
}

pub(super) fn setting_text(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Name(text) | ExprKind::Literal(_, text) => text.clone(),
        _ => String::new(),
    }
}

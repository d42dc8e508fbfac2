//! Expressions of the language as those of DataFusion, over the columns of a relation.
//!
//! # Design notes
//! An operator of DataFusion stands in only where it means the same, nulls included. Everything else is one function of our own, which
//! evaluates the expression as the interpreter does ([`evaluated`]).

mod coded;
mod evaluated;
mod filled;
mod fits;
mod keyed;
mod quick;

use std::sync::Arc;

use bowline_kql::plan::{Expr, ExprKind, Op, Plan, Schema, Step};
use bowline_kql::{Type, Value};
use datafusion::common::Column;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr as Made, Operator, ScalarUDF, cast, lit};

pub(super) use coded::Codes;
pub(super) use filled::filled;
pub(super) use fits::fits;
pub(super) use keyed::{keyed, needs_key};

use super::need::{self, Place};
use crate::arrays;
use crate::compare::is_null;
use crate::error::QueryError;
use crate::eval::eval;
use crate::run::Run;
use evaluated::Evaluated;

/// A column of a relation: what it is of the plan's node, and its name in DataFusion's plan.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) ty: Type,
}

impl Held {
    pub(super) fn read(&self) -> Made {
        Made::Column(Column::new_unqualified(&self.name))
    }
}

/// Makes expressions; equal ones become the same function, so that they are evaluated once.
pub(super) struct Expressions<'r, 'a> {
    run: &'r Run<'a>,
    known: Vec<(Expr, Arc<ScalarUDF>)>,
}

impl<'r, 'a> Expressions<'r, 'a> {
    pub(super) fn new(run: &'r Run<'a>) -> Self {
        Expressions { run, known: Vec::new() }
    }

    /// An expression over the columns that are held.
    pub(super) fn make(&mut self, columns: &[Held], expr: &Expr) -> Result<Made, QueryError> {
        if let ExprKind::Literal(value) = &expr.kind {
            return Ok(lit(arrays::scalar(value)));
        }
        if let Some(held) = exact(columns, expr) {
            return Ok(held.read());
        }
        match &expr.kind {
            ExprKind::Operator { op, arguments } => match self.native(columns, *op, expr.ty, arguments)? {
                Some(made) => Ok(made),
                None => self.evaluated(columns, expr),
            },
            ExprKind::Call { function: "not", arguments } if arguments.len() == 1 => {
                Ok(Made::Not(Box::new(self.make(columns, &arguments[0])?)))
            }
            ExprKind::Call { function, arguments } if null_test(function, arguments).is_some() => {
                let value = Box::new(self.make(columns, &arguments[0])?);
                let null = null_test(function, arguments) == Some(true);
                Ok(if null { Made::IsNull(value) } else { Made::IsNotNull(value) })
            }
            ExprKind::Cast(inner) if (inner.ty, expr.ty) == (Type::Int, Type::Long) => {
                Ok(cast(self.make(columns, inner)?, arrays::held(Type::Long)))
            }
            _ => self.evaluated(columns, expr),
        }
    }

    fn native(
        &mut self,
        columns: &[Held],
        op: Op,
        ty: Type,
        arguments: &[Expr],
    ) -> Result<Option<Made>, QueryError> {
        if matches!(op, Op::And | Op::Or) {
            let mut made = Vec::with_capacity(arguments.len());
            for argument in arguments {
                made.push(self.make(columns, argument)?);
            }
            let operator = if op == Op::And { Operator::And } else { Operator::Or };
            return Ok(made.into_iter().reduce(|left, right| binary(left, operator, right)));
        }
        let [left, right] = arguments else { return Ok(None) };
        let Some(operator) = operator(op, ty, left, right) else { return Ok(None) };
        Ok(Some(binary(self.make(columns, left)?, operator, self.make(columns, right)?)))
    }

    /// One function for the whole expression.
    fn evaluated(&mut self, columns: &[Held], expr: &Expr) -> Result<Made, QueryError> {
        let mut read = Vec::new();
        let expr = self.over(columns, expr, &mut read)?;
        if read.is_empty() {
            return Ok(lit(arrays::scalar(&eval(self.run, &expr, &[])?)));
        }
        let function = match self.known.iter().find(|(known, _)| *known == expr) {
            Some((_, function)) => Arc::clone(function),
            None => {
                let types = read.iter().map(|held| held.ty).collect();
                let function = Evaluated::new(self.known.len(), expr.clone(), types, self.run);
                let function = Arc::new(ScalarUDF::new_from_impl(function));
                self.known.push((expr, Arc::clone(&function)));
                function
            }
        };
        let arguments = read.iter().map(|held| held.read()).collect();
        Ok(Made::ScalarFunction(ScalarFunction::new_udf(function, arguments)))
    }

    /// The expression over only the columns that it reads, sub-queries answered.
    fn over<'h>(
        &self,
        columns: &'h [Held],
        expr: &Expr,
        read: &mut Vec<&'h Held>,
    ) -> Result<Expr, QueryError> {
        if let Some((column, keys, rest)) = need::place(expr) {
            let (held, rest_keys) = nearest(columns, column, &keys)?;
            let target = Expr { ty: held.ty, kind: ExprKind::Column(position(read, held)) };
            let mut steps: Vec<Step> = rest_keys.iter().cloned().map(Step::Key).collect();
            steps.extend(self.steps(columns, rest, read)?);
            if steps.is_empty() {
                return Ok(target);
            }
            return Ok(Expr { ty: expr.ty, kind: ExprKind::Path { target: Box::new(target), steps } });
        }
        let boxed = |inner: &Expr, read: &mut Vec<&'h Held>| self.over(columns, inner, read).map(Box::new);
        let kind = match &expr.kind {
            ExprKind::Operator { op, arguments } => {
                ExprKind::Operator { op: *op, arguments: self.each(columns, arguments, read)? }
            }
            ExprKind::Call { function, arguments } => {
                ExprKind::Call { function, arguments: self.each(columns, arguments, read)? }
            }
            ExprKind::Cast(inner) => ExprKind::Cast(boxed(inner, read)?),
            ExprKind::Part { of, index } => ExprKind::Part { of: boxed(of, read)?, index: *index },
            ExprKind::Path { target, steps } => {
                let target = boxed(target, read)?;
                ExprKind::Path { target, steps: self.steps(columns, steps, read)? }
            }
            ExprKind::Subquery(plan) => {
                let rows = self.run.subquery(plan)?;
                let first = rows.first().and_then(|row| row.first().cloned());
                ExprKind::Literal(first.unwrap_or_else(|| Value::null(expr.ty)))
            }
            ExprKind::InTable { value, table, ignore_case, negated } => ExprKind::InTable {
                value: boxed(value, read)?,
                table: self.answered(table)?,
                ignore_case: *ignore_case,
                negated: *negated,
            },
            other => other.clone(),
        };
        Ok(Expr { ty: expr.ty, kind })
    }

    fn each<'h>(
        &self,
        columns: &'h [Held],
        exprs: &[Expr],
        read: &mut Vec<&'h Held>,
    ) -> Result<Vec<Expr>, QueryError> {
        exprs.iter().map(|expr| self.over(columns, expr, read)).collect()
    }

    fn steps<'h>(
        &self,
        columns: &'h [Held],
        steps: &[Step],
        read: &mut Vec<&'h Held>,
    ) -> Result<Vec<Step>, QueryError> {
        let each = steps.iter().map(|step| match step {
            Step::Computed(by) => self.over(columns, by, read).map(Step::Computed),
            step => Ok(step.clone()),
        });
        each.collect()
    }

    /// The first column of a sub-query as rows that stand in the plan.
    fn answered(&self, table: &Plan) -> Result<Arc<Plan>, QueryError> {
        let rows = self.run.subquery(table)?;
        let first = rows.iter().filter_map(|row| row.first()).map(|value| vec![value.clone()]);
        let schema = Schema::new(table.schema.columns.first().cloned().into_iter().collect());
        let node = bowline_kql::plan::Node::Rows(first.collect());
        Ok(Arc::new(Plan { schema, node, size: 1 }))
    }
}

/// The column that an expression is.
pub(super) fn exact<'h>(columns: &'h [Held], expr: &Expr) -> Option<&'h Held> {
    let (column, keys, []) = need::place(expr)? else { return None };
    columns.iter().find(|held| held.place.0 == column && held.place.1 == keys)
}

/// The column that leads furthest along the keys, and the keys that are left.
fn nearest<'h, 'k>(
    columns: &'h [Held],
    column: usize,
    keys: &'k [String],
) -> Result<(&'h Held, &'k [String]), QueryError> {
    let leading = columns.iter().filter(|held| held.place.0 == column && keys.starts_with(&held.place.1));
    let held = leading
        .max_by_key(|held| held.place.1.len())
        .ok_or_else(|| QueryError::failed("a column of the plan was not asked for"))?;
    Ok((held, &keys[held.place.1.len()..]))
}

fn position<'h>(read: &mut Vec<&'h Held>, held: &'h Held) -> usize {
    read.iter().position(|one| one.name == held.name).unwrap_or_else(|| {
        read.push(held);
        read.len() - 1
    })
}

pub(super) fn binary(left: Made, operator: Operator, right: Made) -> Made {
    Made::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

/// Whether it asks for null (or for none). A text has no null here, and is never asked.
fn null_test(function: &str, arguments: &[Expr]) -> Option<bool> {
    if arguments.len() != 1 || arguments[0].ty == Type::String {
        return None;
    }
    match function {
        "isnull" => Some(true),
        "isnotnull" | "notnull" => Some(false),
        _ => None,
    }
}

/// DataFusion's operator where it means the same.
fn operator(op: Op, ty: Type, left: &Expr, right: &Expr) -> Option<Operator> {
    let counted = |expr: &Expr| matches!(expr.ty, Type::Int | Type::Long | Type::Datetime | Type::Timespan);
    let alike = left.ty == right.ty && (counted(left) || left.ty == Type::Bool);
    // One side that is never null: a null is unequal to it.
    let constant = [left, right].iter().any(|side| side.as_literal().is_some_and(|value| !is_null(value)));
    match op {
        Op::Equal if alike && constant => Some(Operator::IsNotDistinctFrom),
        Op::NotEqual if alike && constant => Some(Operator::IsDistinctFrom),
        Op::Less if alike => Some(Operator::Lt),
        Op::LessOrEqual if alike => Some(Operator::LtEq),
        Op::Greater if alike => Some(Operator::Gt),
        Op::GreaterOrEqual if alike => Some(Operator::GtEq),
        // They wrap around, as ours do.
        Op::Add | Op::Subtract | Op::Multiply
            if ty == Type::Long && left.ty == Type::Long && right.ty == Type::Long =>
        {
            Some(match op {
                Op::Add => Operator::Plus,
                Op::Subtract => Operator::Minus,
                _ => Operator::Multiply,
            })
        }
        _ => None,
    }
}

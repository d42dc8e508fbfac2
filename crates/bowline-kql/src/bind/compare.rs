//! Operators with two sides: which types they take, and to which type both sides are brought.

use std::sync::Arc;

use super::expr::article;
use super::{Binder, Bound, Row};
use crate::plan::{Aggregate, Column, Expr, ExprKind as Kind, Node, Op, Plan, Schema};
use crate::syntax::ast::{self, ExprKind, Name};
use crate::syntax::span::Span;
use crate::types::Type;

impl Binder<'_> {
    pub(super) fn binary(
        &mut self,
        op: &Name,
        left: &ast::Expr,
        right: &ast::Expr,
        row: &mut Row<'_>,
    ) -> Bound<Expr> {
        if matches!(left.kind, ExprKind::Star) {
            return self.any_column(op, right, row);
        }
        let left = self.expr(left, row)?;
        let right = self.expr(right, row)?;
        self.apply(op, left, right)
    }

    /// An operator over two bound sides.
    pub(crate) fn apply(&mut self, op: &Name, left: Expr, right: Expr) -> Bound<Expr> {
        match op.text.as_str() {
            "+" | "-" | "*" | "/" | "%" => self.arithmetic(op, left, right),
            "==" => self.equality(op, Op::Equal, left, right),
            "!=" | "<>" => self.equality(op, Op::NotEqual, left, right),
            "<" => self.order(op, Op::Less, left, right),
            "<=" => self.order(op, Op::LessOrEqual, left, right),
            ">" => self.order(op, Op::Greater, left, right),
            ">=" => self.order(op, Op::GreaterOrEqual, left, right),
            text => match text_operator(text) {
                Some(found) => self.text(op, found, left, right),
                None => Err(self.refused(
                    op.span,
                    &format!("'{text}'"),
                    "use contains, startswith, endswith or matches regex",
                )),
            },
        }
    }

    fn undefined(&mut self, op: &Name, left: Type, right: Type) -> super::Stop {
        self.wrong(
            op.span,
            format!("'{}' is not defined between {} and {}", op.text, article(left), article(right)),
        )
    }

    fn arithmetic(&mut self, op: &Name, left: Expr, right: Expr) -> Bound<Expr> {
        let kind = match op.text.as_str() {
            "+" => Op::Add,
            "-" => Op::Subtract,
            "*" => Op::Multiply,
            "/" => Op::Divide,
            _ => Op::Modulo,
        };
        let Some((left_type, right_type, ty)) = arithmetic_types(kind, left.ty, right.ty) else {
            return Err(self.undefined(op, left.ty, right.ty));
        };
        Ok(Expr::operator(kind, ty, vec![left.cast(left_type), right.cast(right_type)]))
    }

    pub(crate) fn equality(&mut self, op: &Name, kind: Op, left: Expr, right: Expr) -> Bound<Expr> {
        match equality_type(left.ty, right.ty) {
            Some(ty) => Ok(Expr::operator(kind, Type::Bool, vec![left.cast(ty), right.cast(ty)])),
            None => Err(self.undefined(op, left.ty, right.ty)),
        }
    }

    fn order(&mut self, op: &Name, kind: Op, left: Expr, right: Expr) -> Bound<Expr> {
        let text_and_other = (left.ty == Type::String) != (right.ty == Type::String);
        let dynamic = left.ty == Type::Dynamic || right.ty == Type::Dynamic;
        match equality_type(left.ty, right.ty) {
            Some(ty) if !text_and_other || dynamic => {
                Ok(Expr::operator(kind, Type::Bool, vec![left.cast(ty), right.cast(ty)]))
            }
            _ => Err(self.undefined(op, left.ty, right.ty)),
        }
    }

    fn text(&mut self, op: &Name, kind: Op, left: Expr, right: Expr) -> Bound<Expr> {
        let is_text = |ty: Type| matches!(ty, Type::String | Type::Dynamic);
        if !is_text(left.ty) || !is_text(right.ty) {
            return Err(self.undefined(op, left.ty, right.ty));
        }
        Ok(Expr::operator(kind, Type::Bool, vec![left.cast(Type::String), right.cast(Type::String)]))
    }

    /// `* has 'x'`: whether it holds for any column that can be compared so.
    fn any_column(&mut self, op: &Name, right: &ast::Expr, row: &mut Row<'_>) -> Bound<Expr> {
        let right = self.expr(right, row)?;
        Ok(self.any_column_matches(op, &right, row))
    }

    pub(crate) fn any_column_matches(&mut self, op: &Name, right: &Expr, row: &Row<'_>) -> Expr {
        let mut terms = Vec::new();
        for (index, column) in row.schema.columns.iter().enumerate() {
            let left = Expr::column(index, column.ty);
            let term = match text_operator(&op.text) {
                Some(kind) => Some(Expr::operator(
                    kind,
                    Type::Bool,
                    vec![left.cast(Type::String), right.clone().cast(Type::String)],
                )),
                None if equality_type(column.ty, right.ty).is_some() => {
                    self.apply(op, left, right.clone()).ok()
                }
                None => None,
            };
            terms.extend(term);
        }
        Expr::operator(Op::Or, Type::Bool, terms)
    }

    pub(super) fn in_list(
        &mut self,
        op: &Name,
        operand: &ast::Expr,
        list: &[ast::Expr],
        row: &mut Row<'_>,
    ) -> Bound<Expr> {
        let value = self.expr(operand, row)?;
        let kind = match op.text.as_str() {
            "in" => Op::In { case: true, negated: false },
            "!in" => Op::In { case: true, negated: true },
            "in~" => Op::In { case: false, negated: false },
            "!in~" => Op::In { case: false, negated: true },
            "has_any" => Op::HasAny,
            _ => Op::HasAll,
        };
        let wants_text = !matches!(kind, Op::In { case: true, .. });
        if wants_text && !matches!(value.ty, Type::String | Type::Dynamic) {
            return Err(self.wrong(
                operand.span,
                format!("'{}' needs a text, and this is {}", op.text, article(value.ty)),
            ));
        }
        if let [only] = list
            && self.is_table(only)
        {
            return self.in_table(kind, value, only);
        }
        let ty = if wants_text { Type::String } else { value.ty };
        let mut arguments = vec![if wants_text { value.cast(Type::String) } else { value }];
        for item in list {
            let bound = self.expr(item, row)?;
            arguments.push(self.list_item(op, bound, ty, item.span)?);
        }
        // A number beside wider ones is compared in the widest type.
        let widest = arguments
            .iter()
            .filter(|one| one.ty.is_numeric())
            .map(|one| one.ty)
            .reduce(|a, b| a.wider(b).unwrap_or(a));
        if let Some(widest) = widest.filter(|_| ty.is_numeric()) {
            let widen = |one: Expr| if one.ty.is_numeric() { one.cast(widest) } else { one };
            arguments = arguments.into_iter().map(widen).collect();
        }
        Ok(Expr::operator(kind, Type::Bool, arguments))
    }

    /// An element of a list: a `dynamic` stands for its own elements and stays what it is.
    fn list_item(&mut self, op: &Name, item: Expr, ty: Type, span: Span) -> Bound<Expr> {
        if item.ty == Type::Dynamic
            || item.ty == ty
            || (item.ty.is_numeric() && ty.is_numeric())
            || ty == Type::Dynamic
        {
            return Ok(item);
        }
        match equality_type(ty, item.ty) {
            Some(common) if common == ty => Ok(item.cast(ty)),
            Some(_) => Ok(item.cast(ty)),
            None => {
                let message = format!("'{}' compares {} with {}", op.text, article(ty), article(item.ty));
                Err(self.wrong(span, message))
            }
        }
    }

    fn in_table(&mut self, kind: Op, value: Expr, table: &ast::Expr) -> Bound<Expr> {
        let plan = self.table(table)?;
        let Some(first) = plan.schema.columns.first() else {
            return Err(self.wrong(table.span, "the table has no column"));
        };
        let (ignore_case, negated) = match kind {
            Op::In { case, negated } => (!case, negated),
            _ => return Ok(terms_of_table(kind, value, plan)),
        };
        let ty = equality_type(value.ty, first.ty).unwrap_or(first.ty);
        let value = Box::new(value.cast(ty));
        Ok(Expr::new(Type::Bool, Kind::InTable { value, table: plan, ignore_case, negated }))
    }

    pub(super) fn between(
        &mut self,
        negated: bool,
        parts: [&ast::Expr; 3],
        row: &mut Row<'_>,
    ) -> Bound<Expr> {
        let [value, low, high] = parts;
        let span = value.span;
        let value = self.expr(value, row)?;
        let low = self.expr(low, row)?;
        let mut high = self.expr(high, row)?;
        // A length of time after a moment is counted from it.
        if low.ty == Type::Datetime && high.ty == Type::Timespan {
            high = Expr::operator(Op::Add, Type::Datetime, vec![low.clone(), high]);
        }
        let common = equality_type(value.ty, low.ty).and_then(|ty| equality_type(ty, high.ty));
        match common {
            Some(ty) => {
                let arguments = vec![value.cast(ty), low.cast(ty), high.cast(ty)];
                Ok(Expr::operator(Op::Between { negated }, Type::Bool, arguments))
            }
            None => {
                let message = format!(
                    "{} cannot lie between {} and {}",
                    article(value.ty),
                    article(low.ty),
                    article(high.ty)
                );
                Err(self.wrong(span, message))
            }
        }
    }
}

/// `has_any` and `has_all` with a table: the terms are the list of its first column.
fn terms_of_table(kind: Op, value: Expr, table: Arc<Plan>) -> Expr {
    let terms = Expr::column(0, table.schema.columns[0].ty);
    let list = Aggregate { function: "make_list", arguments: vec![terms], ty: Type::Dynamic };
    let schema = Schema::new(vec![Column::new("terms", Type::Dynamic)]);
    let plan = Plan::new(schema, Node::Aggregate { input: table, keys: Vec::new(), aggregates: vec![list] });
    let terms = Expr::new(Type::Dynamic, Kind::Subquery(plan));
    Expr::operator(kind, Type::Bool, vec![value.cast(Type::String), terms])
}

/// The types to which both sides are brought, and the type of the result.
fn arithmetic_types(op: Op, left: Type, right: Type) -> Option<(Type, Type, Type)> {
    use Type::{Datetime, Dynamic, Int, Long, Real, Timespan};
    let promoted = |ty: Type| if ty == Int { Long } else { ty };
    Some(match (left, right) {
        (Dynamic, Dynamic) => (Dynamic, Dynamic, Dynamic),
        (Datetime, Datetime) if op == Op::Subtract => (Datetime, Datetime, Timespan),
        (Datetime, Timespan) if matches!(op, Op::Add | Op::Subtract) => (Datetime, Timespan, Datetime),
        (Datetime, Timespan) if op == Op::Modulo => (Datetime, Timespan, Timespan),
        (Timespan, Datetime) if op == Op::Add => (Timespan, Datetime, Datetime),
        (Timespan, Timespan) if matches!(op, Op::Add | Op::Subtract | Op::Modulo) => {
            (Timespan, Timespan, Timespan)
        }
        (Timespan, Timespan) if op == Op::Divide => (Timespan, Timespan, Real),
        (Timespan, number) if number.is_numeric() && matches!(op, Op::Multiply | Op::Divide) => {
            (Timespan, Real, Timespan)
        }
        (number, Timespan) if number.is_numeric() && op == Op::Multiply => (Real, Timespan, Timespan),
        // A dynamic side is taken for what the other side can be calculated with.
        (Dynamic, Timespan) => (Timespan, Timespan, if op == Op::Divide { Real } else { Timespan }),
        (Timespan, Dynamic) if matches!(op, Op::Multiply | Op::Divide) => (Timespan, Real, Timespan),
        (Timespan, Dynamic) => (Timespan, Timespan, Timespan),
        (Datetime, Dynamic) if op == Op::Subtract => (Datetime, Datetime, Timespan),
        (Dynamic, Datetime) if op == Op::Subtract => (Datetime, Datetime, Timespan),
        (Datetime, Dynamic) if op == Op::Add => (Datetime, Timespan, Datetime),
        (Dynamic, number) | (number, Dynamic) if number.is_numeric() => {
            let ty = promoted(number);
            (ty, ty, ty)
        }
        (left, right) => {
            let ty = promoted(left.wider(right)?);
            (ty, ty, ty)
        }
    })
}

/// The type in which two values can be compared, if there is one.
pub(crate) fn equality_type(left: Type, right: Type) -> Option<Type> {
    use Type::{Bool, Dynamic, String};
    if left == right {
        return Some(left);
    }
    match (left, right) {
        (Dynamic, other) | (other, Dynamic) => Some(other),
        // A text is compared with the other side as that side's type.
        (String, other) | (other, String) => Some(other),
        (Bool, number) | (number, Bool) if number.is_integer() => Some(Type::Long),
        _ => left.wider(right),
    }
}

/// The operator of texts with this spelling.
pub(crate) fn text_operator(text: &str) -> Option<Op> {
    let (word, negated) = match text {
        "notcontains" => ("contains", true),
        _ => (text.strip_prefix('!').unwrap_or(text), text.starts_with('!')),
    };
    let (word, case) = match word.strip_suffix("_cs") {
        Some(word) => (word, true),
        None => (word, false),
    };
    Some(match word {
        "=~" => Op::EqualIgnoreCase,
        "~" => Op::NotEqualIgnoreCase,
        "has" | ":" => Op::Has { case, negated },
        "hasprefix" => Op::HasPrefix { case, negated },
        "hassuffix" => Op::HasSuffix { case, negated },
        "contains" => Op::Contains { case, negated },
        "startswith" => Op::StartsWith { case, negated },
        "endswith" => Op::EndsWith { case, negated },
        "matches regex" => Op::MatchesRegex,
        _ => return None,
    })
}

//! Expressions over a row.

use super::scope::Meaning;
use super::{Binder, Bound, Row};
use crate::diagnostic::Diagnostic;
use crate::plan::{Expr, ExprKind as Kind, Op, Step};
use crate::syntax::ast::{self, ExprKind, LogicOp, UnaryOp};
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::Value;

impl Binder<'_> {
    pub(crate) fn expr(&mut self, value: &ast::Expr, row: &mut Row<'_>) -> Bound<Expr> {
        self.deeper(value.span, |binder| binder.any_expr(value, row))
    }

    fn any_expr(&mut self, value: &ast::Expr, row: &mut Row<'_>) -> Bound<Expr> {
        match &value.kind {
            ExprKind::Name(name) => self.name(name, value.span, row),
            ExprKind::Literal(kind, text) => self.literal(*kind, text, value.span),
            ExprKind::Dynamic(json) if json == "null" => Ok(Expr::literal(Value::Null(Type::Dynamic))),
            ExprKind::Dynamic(json) => Ok(Expr::literal(Value::Dynamic(json.clone()))),
            ExprKind::Call { name, arguments } => self.call(name, arguments, value.span, row),
            ExprKind::Member { .. } | ExprKind::Index { .. } => self.path(value, row),
            ExprKind::Unary { op, operand } => self.unary(*op, operand, value.span, row),
            ExprKind::Binary { op, left, right } => self.binary(op, left, right, row),
            ExprKind::Logic { op, terms } => self.logic(*op, terms, row),
            ExprKind::In { op, operand, list } => self.in_list(op, operand, list, row),
            ExprKind::Between { negated, operand, low, high } => {
                self.between(*negated, [operand, low, high], row)
            }
            ExprKind::Named { .. } => {
                Err(self.wrong(value.span, "'=' gives a name, which is not possible here; '==' compares"))
            }
            ExprKind::TypeOf(..) => {
                Err(self.wrong(value.span, "typeof(…) is no value; only some functions take it"))
            }
            ExprKind::Star => {
                Err(self.wrong(value.span, "'*' is no value; only some functions and operators take it"))
            }
            ExprKind::Method { .. } => {
                Err(self.refused(value.span, "a function of another database", "there is one database here"))
            }
            ExprKind::Pipe(_) | ExprKind::Pattern(_) => Err(self.wrong(
                value.span,
                "a table stands where a value is expected; toscalar(…) takes its first value",
            )),
            ExprKind::Function(_) | ExprKind::EntityGroup => Err(self.wrong(value.span, "this is no value")),
        }
    }

    fn name(&mut self, name: &str, span: Span, row: &mut Row<'_>) -> Bound<Expr> {
        let ignore_case = self.catalogue.ignore_case;
        let position = |schema: &crate::plan::Schema| {
            schema.position(name).or_else(|| {
                let like =
                    |column: &crate::plan::Column| ignore_case && column.name.eq_ignore_ascii_case(name);
                schema.columns.iter().position(like)
            })
        };
        if let Some(index) = position(row.schema) {
            let column = Expr::column(index, row.schema.columns[index].ty);
            return self.grouped(column, name, span, row);
        }
        match self.meaning_of(name) {
            Some(Meaning::Scalar(value, level)) => {
                if level.is_some_and(|level| level != self.row_level) && reads_row(&value) {
                    let message = format!("'{name}' differs from row to row, so a sub-query cannot use it");
                    return Err(self.wrong(span, message));
                }
                return Ok(value);
            }
            Some(Meaning::Table(_)) => {
                return Err(
                    self.wrong(span, format!("'{name}' is a table; toscalar({name}) takes its first value"))
                );
            }
            Some(Meaning::Function(_)) => {
                return self.call(&ast::Name { text: name.to_owned(), span }, &[], span, row);
            }
            Some(Meaning::Pattern(_)) => return Err(self.wrong(span, format!("'{name}' gives a table"))),
            Some(Meaning::Refused(why)) => return Err(self.refused(span, &format!("'{name}'"), why)),
            None => {}
        }
        if row.schema.open {
            return Ok(Expr::new(Type::Dynamic, Kind::Late(name.to_owned())));
        }
        let given = self.given_names();
        let known = row.schema.names().chain(given.iter().map(String::as_str));
        let found = Diagnostic::meaning(span, format!("there is no column '{name}'")).near(name, known);
        Err(self.report(found))
    }

    /// In `summarize`, outside of an aggregate, a column is a key.
    fn grouped(&mut self, column: Expr, name: &str, span: Span, row: &Row<'_>) -> Bound<Expr> {
        let Some(groups) = &row.groups else { return Ok(column) };
        match groups.keys.iter().position(|key| *key == column) {
            Some(key) => Ok(Expr::column(key, column.ty)),
            None => {
                let message =
                    format!("'{name}' is neither a key nor inside of an aggregate such as take_any({name})");
                Err(self.wrong(span, message))
            }
        }
    }

    /// `a.b['c'][0]`, as one expression.
    fn path(&mut self, value: &ast::Expr, row: &mut Row<'_>) -> Bound<Expr> {
        let (target, step) = match &value.kind {
            ExprKind::Member { target, name } => {
                if let Some(column) = self.side(target, name, row)? {
                    return Ok(column);
                }
                (target, Step::Key(name.text.clone()))
            }
            ExprKind::Index { target, index } => (target, self.step(index, row)?),
            _ => return self.expr(value, row),
        };
        let found = self.expr(target, row)?;
        if found.ty != Type::Dynamic {
            let message = format!("only a dynamic value has parts, and this is {}", article(found.ty));
            return Err(self.wrong(target.span, message));
        }
        Ok(match found.kind {
            Kind::Path { target, mut steps } => {
                steps.push(step);
                Expr::new(Type::Dynamic, Kind::Path { target, steps })
            }
            _ => Expr::new(Type::Dynamic, Kind::Path { target: Box::new(found), steps: vec![step] }),
        })
    }

    fn step(&mut self, index: &ast::Expr, row: &mut Row<'_>) -> Bound<Step> {
        let bound = self.expr(index, row)?;
        match bound.as_literal() {
            Some(Value::String(key)) => return Ok(Step::Key(key.clone())),
            Some(value) => {
                if let Some(position) = value.as_long() {
                    return Ok(Step::Index(position));
                }
            }
            None => {}
        }
        if let Kind::Operator { op: Op::Negate, arguments } = &bound.kind
            && let Some(position) = arguments[0].as_literal().and_then(Value::as_long)
        {
            return Ok(Step::Index(-position));
        }
        match bound.ty {
            Type::String | Type::Int | Type::Long | Type::Dynamic => Ok(Step::Computed(bound)),
            ty => Err(self.wrong(
                index.span,
                format!("a part is named by a text or a number, and this is {}", article(ty)),
            )),
        }
    }

    /// `$left.a` in the condition of a join, `s1.a` in a scan.
    fn side(&mut self, target: &ast::Expr, name: &ast::Name, row: &Row<'_>) -> Bound<Option<Expr>> {
        let ExprKind::Name(written) = &target.kind else { return Ok(None) };
        let Some(side) = row.sides.iter().find(|side| side.name == written) else { return Ok(None) };
        match side.schema.position(&name.text) {
            Some(index) => Ok(Some(Expr::column(side.offset + index, side.schema.columns[index].ty))),
            None if side.schema.open => Ok(Some(Expr::new(Type::Dynamic, Kind::Late(name.text.clone())))),
            None => {
                let what = match side.name.strip_prefix('$') {
                    Some(side) => format!("the {side} table"),
                    None => format!("the step '{}'", side.name),
                };
                let message = format!("{what} has no column '{}'", name.text);
                let found = Diagnostic::meaning(name.span, message);
                let found = found.near(&name.text, side.schema.names());
                Err(self.report(found))
            }
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span, row: &mut Row<'_>) -> Bound<Expr> {
        let value = self.expr(operand, row)?;
        if !(value.ty.is_numeric() || matches!(value.ty, Type::Timespan | Type::Dynamic)) {
            return Err(self.wrong(span, format!("a sign cannot stand before {}", article(value.ty))));
        }
        if op == UnaryOp::Plus {
            return Ok(value);
        }
        let negated = match value.as_literal() {
            Some(Value::Long(number)) => number.checked_neg().map(Value::Long),
            Some(Value::Real(number)) => Some(Value::Real(-number)),
            Some(Value::Timespan(ticks)) => ticks.checked_neg().map(Value::Timespan),
            _ => None,
        };
        Ok(match negated {
            Some(value) => Expr::literal(value),
            None => Expr::operator(Op::Negate, value.ty, vec![value]),
        })
    }

    fn logic(&mut self, op: LogicOp, terms: &[ast::Expr], row: &mut Row<'_>) -> Bound<Expr> {
        let mut bound = Vec::with_capacity(terms.len());
        for term in terms {
            bound.push(self.condition(term, row)?);
        }
        let op = match op {
            LogicOp::And => Op::And,
            LogicOp::Or => Op::Or,
        };
        Ok(Expr::operator(op, Type::Bool, bound))
    }

    /// An expression that must be true or false.
    pub(crate) fn condition(&mut self, value: &ast::Expr, row: &mut Row<'_>) -> Bound<Expr> {
        let bound = self.expr(value, row)?;
        match bound.ty {
            Type::Bool => Ok(bound),
            Type::Dynamic => Ok(bound.cast(Type::Bool)),
            ty => {
                Err(self.wrong(value.span, format!("a condition is expected, and this is {}", article(ty))))
            }
        }
    }

    /// A value in the type that is wanted, where that loses nothing.
    pub(crate) fn convert(&mut self, span: Span, value: Expr, ty: Type) -> Bound<Expr> {
        if fits(&value, ty) {
            return Ok(value.cast(ty));
        }
        Err(self.wrong(span, format!("{} is expected, and this is {}", article(ty), article(value.ty))))
    }

    /// A whole number that does not differ from row to row, as `take` wants it.
    pub(crate) fn constant_number(&mut self, value: &ast::Expr) -> Bound<Expr> {
        let nothing = crate::plan::Schema::default();
        let bound = self.expr(value, &mut Row::over(&nothing))?;
        self.convert(value.span, bound, Type::Long)
    }

    /// A text that stands in the query.
    pub(crate) fn constant_text(&mut self, value: &ast::Expr) -> Bound<String> {
        let nothing = crate::plan::Schema::default();
        let bound = self.expr(value, &mut Row::over(&nothing))?;
        match bound.as_literal().and_then(Value::as_text) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(value.span, "a constant text is expected")),
        }
    }
}

/// Whether a value may stand where a type is wanted: the type itself, a `dynamic`, or a narrower number.
pub(super) fn fits(value: &Expr, ty: Type) -> bool {
    let small = ty == Type::Int && value.ty == Type::Long && value.as_literal().is_some();
    value.ty == ty
        || value.ty == Type::Dynamic
        || (value.ty.is_numeric() && (ty == Type::Real || value.ty.wider(ty) == Some(ty)))
        || small
        || matches!(value.as_literal(), Some(Value::Null(_)))
}

/// Whether an expression reads a column.
pub(super) fn reads_row(value: &Expr) -> bool {
    match &value.kind {
        Kind::Column(_) | Kind::Late(_) => true,
        Kind::Literal(_) | Kind::Subquery(_) => false,
        Kind::Operator { arguments, .. } | Kind::Call { arguments, .. } => arguments.iter().any(reads_row),
        Kind::Cast(inner) | Kind::Part { of: inner, .. } => reads_row(inner),
        Kind::Path { target, steps } => {
            reads_row(target)
                || steps.iter().any(|step| matches!(step, Step::Computed(inner) if reads_row(inner)))
        }
        Kind::InTable { value, .. } => reads_row(value),
    }
}

/// A type with its article.
pub(super) fn article(ty: Type) -> String {
    match ty {
        Type::Int => "an int".to_owned(),
        other => format!("a {other}"),
    }
}

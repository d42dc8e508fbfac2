//! Calls of functions: which overload, which conversions, which result.

use super::expr::{article, fits};
use super::statement::Answer;
use super::{Binder, Bound, Meaning, Row};
use crate::diagnostic::Diagnostic;
use crate::functions::{self, Class, Function, Kind, ResultType, Signature};
use crate::plan::{Aggregate, Expr, ExprKind as PlanKind, Plan, Window};
use crate::syntax::ast::{self, ExprKind, Name};
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::Value;

/// An argument, bound as far as it is a value.
pub(super) enum Argument {
    Value(Expr),
    Type(Type),
    Table(std::sync::Arc<Plan>),
}

impl Argument {
    fn ty(&self) -> Option<Type> {
        match self {
            Argument::Value(value) => Some(value.ty),
            _ => None,
        }
    }
}

impl Binder<'_> {
    pub(super) fn call(
        &mut self,
        name: &Name,
        arguments: &[ast::Expr],
        span: Span,
        row: &mut Row<'_>,
    ) -> Bound<Expr> {
        match self.meaning_of(&name.text) {
            Some(Meaning::Function(closure)) => {
                return match self.call_closure(span, &closure, arguments, None, row)? {
                    Answer::Scalar(value) => Ok(value),
                    Answer::Table(_) => Err(self.wrong(
                        span,
                        format!("'{}' gives a table; toscalar(…) takes its first value", name.text),
                    )),
                };
            }
            Some(Meaning::Pattern(_)) => {
                return Err(self.wrong(span, format!("'{}' gives a table", name.text)));
            }
            Some(Meaning::Refused(why)) => return Err(self.refused(span, &format!("'{}'", name.text), why)),
            _ => {}
        }
        if let Some(value) = self.special(name, arguments, span, row)? {
            return Ok(value);
        }
        if row.groups.is_some()
            && let Some(function) = functions::aggregate(&name.text)
        {
            return self.aggregate_column(function, arguments, span, row);
        }
        match functions::scalar(&name.text) {
            Some(function) => self.call_known(function, arguments, span, row),
            None if functions::aggregate(&name.text).is_some() => {
                Err(self.wrong(name.span, format!("'{}' is an aggregate; it stands in summarize", name.text)))
            }
            None => Err(self.unknown_function(name)),
        }
    }

    pub(crate) fn unknown_function(&mut self, name: &Name) -> super::Stop {
        let given = self.given_names();
        let known =
            functions::all().iter().map(|function| function.name).chain(given.iter().map(String::as_str));
        let found = Diagnostic::meaning(name.span, format!("there is no function '{}'", name.text));
        let found = found.near(&name.text, known);
        self.report(found)
    }

    /// Functions whose arguments are no ordinary values.
    fn special(
        &mut self,
        name: &Name,
        arguments: &[ast::Expr],
        span: Span,
        row: &mut Row<'_>,
    ) -> Bound<Option<Expr>> {
        Ok(Some(match (name.text.as_str(), arguments) {
            ("toscalar", [inner]) => {
                if !self.is_table(inner) {
                    return Ok(Some(self.expr(inner, row)?));
                }
                let plan = self.table(inner)?;
                let Some(first) = plan.schema.columns.first() else {
                    return Err(self.wrong(span, "the table has no column"));
                };
                Expr::new(first.ty, PlanKind::Subquery(plan))
            }
            ("column_ifexists" | "columnifexists", [column, default]) => {
                let wanted = self.constant_text(column)?;
                match row.schema.position(&wanted) {
                    Some(_) => self.expr(&ast::Expr::new(column.span, ExprKind::Name(wanted)), row)?,
                    None => self.expr(default, row)?,
                }
            }
            ("iscolumnexists" | "columnexists", [column]) => {
                let wanted = self.constant_text(column)?;
                Expr::literal(Value::Bool(row.schema.position(&wanted).is_some()))
            }
            ("pack_all", _) if arguments.len() <= 1 => {
                let mut packed = Vec::with_capacity(row.schema.len() * 2 + 1);
                for (index, column) in row.schema.columns.iter().enumerate() {
                    packed.push(Expr::literal(Value::String(column.name.clone())));
                    packed.push(Expr::column(index, column.ty));
                }
                // An argument that is no half of a pair says whether columns without a value are left out.
                if let [ignore_empty] = arguments {
                    packed.push(self.condition(ignore_empty.without_name(), row)?);
                }
                Expr::call("pack_all", Type::Dynamic, packed)
            }
            ("bag_pack_columns", _) => {
                let mut pairs = Vec::new();
                for argument in arguments {
                    let value = self.expr(argument, row)?;
                    let key = self.natural_name(argument, row.schema).unwrap_or_default();
                    pairs.push(Expr::literal(Value::String(key)));
                    pairs.push(value);
                }
                Expr::call("bag_pack", Type::Dynamic, pairs)
            }
            ("bin_auto", [value]) => self.bin_auto(value, row)?,
            ("series_stats" | "series_fit_line" | "series_fit_2lines" | "series_fit_poly", _)
            | ("array_sort_asc" | "array_sort_desc", _) => {
                return Ok(None);
            }
            ("materialize" | "table" | "cluster" | "database", _) => {
                return Err(self.wrong(
                    span,
                    format!("'{}' gives a table; toscalar(…) takes its first value", name.text),
                ));
            }
            _ => return Ok(None),
        }))
    }

    /// `bin_auto(value)`: `bin` or `bin_at` with what the query set.
    fn bin_auto(&mut self, value: &ast::Expr, row: &mut Row<'_>) -> Bound<Expr> {
        let Some(size) = self.option("query_bin_auto_size") else {
            let message =
                "bin_auto needs its size; say 'set query_bin_auto_size = 1h;' in front of the query";
            return Err(self.wrong(value.span, message));
        };
        let mut arguments = vec![value.clone(), size];
        arguments.extend(self.option("query_bin_auto_at"));
        let name = if arguments.len() == 3 { "bin_at" } else { "bin" };
        match functions::scalar(name) {
            Some(function) => self.call_known(function, &arguments, value.span, row),
            None => Err(self.unknown_function(&Name { text: name.to_owned(), span: value.span })),
        }
    }

    fn call_known(
        &mut self,
        function: &'static Function,
        arguments: &[ast::Expr],
        span: Span,
        row: &mut Row<'_>,
    ) -> Bound<Expr> {
        let bound = self.arguments(arguments, row)?;
        let (values, ty) = self.choose(function, bound, arguments, span)?;
        if function.kind != Kind::Window {
            return Ok(Expr::call(function.name, ty, values));
        }
        let Some(windows) = &mut row.windows else {
            let message =
                format!("'{}' looks at neighbouring rows, which is not possible here", function.name);
            return Err(self.wrong(span, message));
        };
        windows.push(Window { function: function.name, arguments: values, ty });
        Ok(Expr::column(row.schema.len() + windows.len() - 1, ty))
    }

    pub(super) fn arguments(&mut self, arguments: &[ast::Expr], row: &mut Row<'_>) -> Bound<Vec<Argument>> {
        let mut bound = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let argument = argument.without_name();
            let is_column =
                matches!(&argument.kind, ExprKind::Name(name) if row.schema.position(name).is_some());
            bound.push(match &argument.kind {
                ExprKind::TypeOf(_, Some(ty)) => Argument::Type(*ty),
                ExprKind::Star => {
                    let columns = row.schema.columns.iter().enumerate();
                    bound.extend(columns.map(|(index, one)| Argument::Value(Expr::column(index, one.ty))));
                    continue;
                }
                _ if !is_column && !row.schema.open && self.is_table(argument) => {
                    Argument::Table(self.table(argument)?)
                }
                _ => Argument::Value(self.expr(argument, row)?),
            });
        }
        Ok(bound)
    }

    /// The overload that fits, first without and then with conversions; its arguments and its result.
    pub(super) fn choose(
        &mut self,
        function: &'static Function,
        arguments: Vec<Argument>,
        written: &[ast::Expr],
        span: Span,
    ) -> Bound<(Vec<Expr>, Type)> {
        let count = arguments.len();
        let candidates: Vec<&Signature> =
            function.signatures().iter().filter(|one| one.takes(count)).collect();
        if candidates.is_empty() {
            return Err(self.wrong(span, wrong_count(function, count)));
        }
        let misfit = |signature: &Signature, exact: bool| {
            arguments
                .iter()
                .enumerate()
                .position(|(index, one)| !accepts(signature.parameter(index, count).class, one, exact))
        };
        let found = candidates
            .iter()
            .find(|one| misfit(one, true).is_none())
            .or_else(|| candidates.iter().find(|one| misfit(one, false).is_none()));
        let Some(signature) = found else {
            let last = candidates[candidates.len() - 1];
            let index = misfit(last, false).unwrap_or(0);
            let parameter = last.parameter(index, count);
            let is = arguments[index].ty().map_or("a table or a type".to_owned(), article);
            let place = written.get(index).map_or(span, |one| one.span);
            let message = format!(
                "'{}' of {} must be {}, and this is {is}",
                parameter.name, function.name, parameter.class
            );
            return Err(self.wrong(place, message));
        };
        Ok(finish(signature, arguments))
    }

    /// An aggregate in an expression of `summarize`: a column of its result.
    fn aggregate_column(
        &mut self,
        function: &'static Function,
        arguments: &[ast::Expr],
        span: Span,
        row: &mut Row<'_>,
    ) -> Bound<Expr> {
        let aggregate = self.aggregate(function, arguments, span, row)?;
        let Some(groups) = &mut row.groups else {
            return Err(
                self.wrong(span, format!("'{}' is an aggregate; it stands in summarize", function.name))
            );
        };
        let ty = aggregate.ty;
        let known = groups.aggregates.iter().position(|one| *one == aggregate);
        let index = known.unwrap_or(groups.aggregates.len());
        if known.is_none() {
            groups.aggregates.push(aggregate);
        }
        Ok(Expr::column(groups.keys.len() + index, ty))
    }

    /// An aggregate over the rows of the input.
    pub(crate) fn aggregate(
        &mut self,
        function: &'static Function,
        arguments: &[ast::Expr],
        span: Span,
        row: &mut Row<'_>,
    ) -> Bound<Aggregate> {
        // Inside of an aggregate a column is one of the input.
        let groups = row.groups.take();
        let windows = row.windows.take();
        let bound = match arguments {
            [only] if function.name == "count" && matches!(only.kind, ExprKind::Star) => Ok(Vec::new()),
            _ => self.arguments(arguments, row),
        };
        row.groups = groups;
        row.windows = windows;
        let (values, ty) = self.choose(function, bound?, arguments, span)?;
        Ok(Aggregate { function: function.name, arguments: values, ty })
    }
}

/// Whether an argument may stand for a parameter; `exact` means as it is.
fn accepts(class: Class, argument: &Argument, exact: bool) -> bool {
    let value = match (class, argument) {
        (Class::TypeName, Argument::Type(_)) | (Class::Table, Argument::Table(_)) => return true,
        (Class::TypeName | Class::Table, _) => return false,
        (_, Argument::Value(value)) => value,
        _ => return false,
    };
    let dynamic = value.ty == Type::Dynamic && !exact;
    match class {
        Class::Any | Class::AsText | Class::Common | Class::Orderable => true,
        Class::Exactly(ty) if exact => value.ty == ty,
        Class::Exactly(ty) => fits(value, ty),
        Class::Number => value.ty.is_numeric() || dynamic,
        Class::Summable => {
            value.ty.is_numeric() || matches!(value.ty, Type::Datetime | Type::Timespan) || dynamic
        }
        Class::TypeName | Class::Table => false,
    }
}

/// Conversions written down, and the type of the result.
fn finish(signature: &Signature, arguments: Vec<Argument>) -> (Vec<Expr>, Type) {
    let count = arguments.len();
    let common = common_type(arguments.iter().enumerate().filter_map(|(index, one)| {
        (signature.parameter(index, count).class == Class::Common).then(|| one.ty()).flatten()
    }));
    let mut named = None;
    let mut values = Vec::with_capacity(count);
    for (index, argument) in arguments.into_iter().enumerate() {
        let class = signature.parameter(index, count).class;
        match argument {
            Argument::Value(value) => values.push(match class {
                Class::AsText => value.cast(Type::String),
                Class::Exactly(ty) => value.cast(ty),
                Class::Common => value.cast(common),
                Class::Number | Class::Summable if value.ty == Type::Dynamic => value.cast(Type::Real),
                _ => value,
            }),
            Argument::Type(ty) => {
                named = Some(ty);
                values.push(Expr::literal(Value::String(ty.name().to_owned())));
            }
            Argument::Table(plan) => values.push(Expr::new(Type::Dynamic, PlanKind::Subquery(plan))),
        }
    }
    let of = |index: usize| values.get(index).map_or(Type::Dynamic, |value| value.ty);
    let promoted = |ty: Type| if ty == Type::Int { Type::Long } else { ty };
    let ty = match signature.result {
        ResultType::Is(ty) => ty,
        ResultType::Of(index) => of(index),
        ResultType::PromotedOf(index) => promoted(of(index)),
        ResultType::Common => common,
        ResultType::Widest => {
            let widest = values.iter().map(|value| value.ty).reduce(|a, b| a.wider(b).unwrap_or(a));
            promoted(widest.unwrap_or(Type::Real))
        }
        ResultType::Named => named.unwrap_or(Type::String),
    };
    (values, ty)
}

/// One type for several values: the widest number, or the only type there is beside `dynamic`.
fn common_type(types: impl Iterator<Item = Type>) -> Type {
    let mut common: Option<Type> = None;
    for ty in types.filter(|ty| *ty != Type::Dynamic) {
        common = Some(match common {
            None => ty,
            Some(before) if before == ty => ty,
            Some(before) => match before.wider(ty) {
                Some(wider) => wider,
                None => return Type::Dynamic,
            },
        });
    }
    common.unwrap_or(Type::Dynamic)
}

fn wrong_count(function: &'static Function, count: usize) -> String {
    let forms: Vec<String> =
        function.signatures().iter().map(|one| format!("{}{one}", function.name)).collect();
    format!("'{}' does not take {count} arguments: {}", function.name, forms.join(" or "))
}

//! Statements, and the scope that they build.

use std::collections::HashMap;
use std::sync::Arc;

use super::scope::Closure;
use super::{Binder, Bound, MOST_LETS, Meaning, Row};
use crate::diagnostic::Diagnostic;
use crate::plan::{Column, Expr, Node, Output, Plan, Schema};
use crate::syntax::ast::{self, ExprKind, ParameterType, Script, Statement, StatementKind};
use crate::syntax::span::Span;

/// What an expression turned out to be.
pub(crate) enum Answer {
    Table(Arc<Plan>),
    Scalar(Expr),
}

/// A value that is asked for alone: a table of one row.
fn one_value(value: Expr) -> Arc<Plan> {
    let input = Plan::new(Schema::default(), Node::Rows(vec![Vec::new()]));
    let schema = Schema::new(vec![Column::new("print_0", value.ty)]);
    Plan::new(schema, Node::Project { input, columns: vec![value] })
}

impl Binder<'_> {
    pub(super) fn script(&mut self, script: &Script) -> Vec<Output> {
        let mut outputs = Vec::new();
        for statement in &script.statements {
            match &statement.kind {
                StatementKind::Query(query) => {
                    let _ = self.query(query, &mut outputs);
                }
                _ => {
                    let _ = self.statement(statement);
                }
            }
        }
        outputs
    }

    fn query(&mut self, query: &ast::Expr, outputs: &mut Vec<Output>) -> Bound<()> {
        let plan = match (&query.kind, self.is_table(query)) {
            // A name alone is meant as a table, so that is what its error speaks of.
            (ExprKind::Name(_), false) => match self.answer_to_name(query)? {
                Answer::Table(plan) => plan,
                Answer::Scalar(value) => one_value(value),
            },
            (_, true) => self.table(query)?,
            _ => match self.answer(query)? {
                Answer::Table(plan) => plan,
                Answer::Scalar(value) => one_value(value),
            },
        };
        let render = self.render.take();
        let several = std::mem::take(&mut self.several);
        if several.is_empty() {
            outputs.push(Output { name: None, plan, render });
        }
        outputs.extend(several);
        Ok(())
    }

    fn answer_to_name(&mut self, query: &ast::Expr) -> Bound<Answer> {
        match &query.kind {
            ExprKind::Name(name) if self.meaning_of(name).is_some() => self.answer(query),
            _ => Ok(Answer::Table(self.table(query)?)),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Bound<()> {
        match &statement.kind {
            StatementKind::Let { name, value } => {
                let meaning = self.meaning(value)?;
                self.give(name.text.clone(), meaning, name.span)
            }
            StatementKind::Parameters(parameters) => {
                for parameter in parameters {
                    let ParameterType::Scalar(ty) = parameter.ty else { continue };
                    let Some(default) = &parameter.default else {
                        let message = format!("the parameter '{}' has no value", parameter.name.text);
                        return Err(self.wrong(parameter.name.span, message));
                    };
                    let schema = Schema::default();
                    let value = self.expr(default, &mut Row::over(&schema))?.cast(ty);
                    self.give(
                        parameter.name.text.clone(),
                        Meaning::Scalar(value, None),
                        parameter.name.span,
                    )?;
                }
                Ok(())
            }
            StatementKind::Alias { name, .. } => {
                self.give(name.text.clone(), Meaning::Refused("there is one database here"), name.span)
            }
            StatementKind::Pattern(pattern) => {
                let meaning = Meaning::Pattern(Arc::new(pattern.clone()));
                self.give(pattern.name.text.clone(), meaning, pattern.name.span)
            }
            StatementKind::Set { name, value } => {
                if let Some(value) = value
                    && self.options.len() < MOST_LETS
                {
                    let _ = self.options.insert(name.text.clone(), value.clone());
                }
                Ok(())
            }
            // Who may see what is not a matter of the query.
            StatementKind::Restrict(_) | StatementKind::Query(_) => Ok(()),
        }
    }

    /// Gives a name a meaning from here on.
    pub(crate) fn give(&mut self, name: String, meaning: Meaning, span: Span) -> Bound<()> {
        if self.names.len() >= MOST_LETS {
            return Err(self.wrong(span, format!("a query may name at most {MOST_LETS} things")));
        }
        Arc::make_mut(&mut self.names).insert(name, meaning);
        Ok(())
    }

    pub(crate) fn meaning_of(&self, name: &str) -> Option<Meaning> {
        self.names.get(name).cloned()
    }

    pub(crate) fn given_names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    /// The views of the query, which are found as tables are.
    pub(crate) fn views(&self) -> Vec<String> {
        let is_view =
            |meaning: &Meaning| matches!(meaning, Meaning::Function(closure) if closure.function.is_view);
        let mut views: Vec<String> =
            self.names.iter().filter(|(_, meaning)| is_view(meaning)).map(|(name, _)| name.clone()).collect();
        views.sort_unstable();
        views
    }

    fn meaning(&mut self, value: &ast::Expr) -> Bound<Meaning> {
        match &value.kind {
            ExprKind::Function(function) => {
                let closure = Closure { function: (**function).clone(), names: Arc::clone(&self.names) };
                Ok(Meaning::Function(Arc::new(closure)))
            }
            ExprKind::EntityGroup => Ok(Meaning::Refused("there is one database here")),
            ExprKind::Name(name) => match self.meaning_of(name) {
                Some(meaning) => Ok(meaning),
                None => Ok(Meaning::Table(self.table(value)?)),
            },
            _ => Ok(match self.answer(value)? {
                Answer::Table(plan) => Meaning::Table(plan),
                Answer::Scalar(expr) => Meaning::Scalar(expr, None),
            }),
        }
    }

    /// A table or a value, whichever the expression is.
    pub(crate) fn answer(&mut self, value: &ast::Expr) -> Bound<Answer> {
        if self.is_table(value) {
            return Ok(Answer::Table(self.table(value)?));
        }
        if let ExprKind::Call { name, arguments } = &value.kind
            && let Some(Meaning::Function(closure)) = self.meaning_of(&name.text)
        {
            let schema = Schema::default();
            return self.call_closure(name.span, &closure, arguments, None, &mut Row::over(&schema));
        }
        let schema = Schema::default();
        Ok(Answer::Scalar(self.expr(value, &mut Row::over(&schema))?))
    }

    /// Whether an expression is a table for certain; what only a look into a function would show is not.
    pub(crate) fn is_table(&self, value: &ast::Expr) -> bool {
        match &value.kind {
            ExprKind::Pipe(_) | ExprKind::Pattern(_) => true,
            ExprKind::Name(name) => match self.names.get(name) {
                Some(Meaning::Table(_)) => true,
                Some(Meaning::Function(closure)) => self.gives_table(closure),
                Some(_) => false,
                None => self.catalogue.table(name).is_some(),
            },
            ExprKind::Call { name, .. } => match self.names.get(&name.text) {
                Some(Meaning::Function(closure)) => self.gives_table(closure),
                Some(Meaning::Pattern(_)) => true,
                _ => matches!(
                    name.text.as_str(),
                    "table" | "materialize" | "external_table" | "materialized_view"
                ),
            },
            ExprKind::Member { target, .. }
            | ExprKind::Method { target, .. }
            | ExprKind::Index { target, .. } => {
                matches!(&target.kind, ExprKind::Call { name, .. } if matches!(name.text.as_str(), "database" | "cluster"))
                    || self.pattern_call(target).is_some()
                    || matches!(target.kind, ExprKind::Method { .. })
            }
            _ => false,
        }
    }

    fn gives_table(&self, closure: &Closure) -> bool {
        let Some(body) = &closure.function.body else { return false };
        match &body.kind {
            ExprKind::Pipe(_) => true,
            ExprKind::Name(name) => {
                let parameter = closure.function.parameters.iter().find(|one| one.name.text == *name);
                match parameter {
                    Some(parameter) => matches!(parameter.ty, ParameterType::Table(_)),
                    None => match closure.names.get(name) {
                        Some(meaning) => matches!(meaning, Meaning::Table(_)),
                        None => self.catalogue.table(name).is_some(),
                    },
                }
            }
            ExprKind::Call { name, .. } => match closure.names.get(&name.text) {
                Some(Meaning::Function(inner)) => self.gives_table(inner),
                _ => name.text == "table" || name.text == "materialize",
            },
            _ => false,
        }
    }

    /// A function's body with its parameters bound to the arguments. `first` is the table that `invoke` hands in.
    pub(crate) fn call_closure(
        &mut self,
        span: Span,
        closure: &Arc<Closure>,
        arguments: &[ast::Expr],
        first: Option<Arc<Plan>>,
        row: &mut Row<'_>,
    ) -> Bound<Answer> {
        let names = self.bind_arguments(span, closure, arguments, first, row)?;
        self.deeper(span, |binder| {
            let outside = std::mem::replace(&mut binder.names, Arc::new(names));
            let answer = binder.closure_body(span, closure, row);
            binder.names = outside;
            answer
        })
    }

    fn closure_body(&mut self, span: Span, closure: &Closure, row: &Row<'_>) -> Bound<Answer> {
        for statement in &closure.function.statements {
            self.statement(statement)?;
        }
        let Some(body) = &closure.function.body else {
            return Err(self.wrong(span, "the function gives nothing"));
        };
        if self.is_table(body) {
            return Ok(Answer::Table(self.table(body)?));
        }
        if let ExprKind::Call { name, arguments } = &body.kind
            && let Some(Meaning::Function(inner)) = self.meaning_of(&name.text)
        {
            let schema = Schema::default();
            return self.call_closure(name.span, &inner, arguments, None, &mut Row::over(&schema));
        }
        // The body sees its parameters, not the columns of whoever calls.
        let nothing = Schema::default();
        let mut inside = Row::over(&nothing);
        let _ = row;
        Ok(Answer::Scalar(self.expr(body, &mut inside)?))
    }

    fn bind_arguments(
        &mut self,
        span: Span,
        closure: &Closure,
        arguments: &[ast::Expr],
        first: Option<Arc<Plan>>,
        row: &mut Row<'_>,
    ) -> Bound<HashMap<String, Meaning>> {
        let mut names = (*closure.names).clone();
        let parameters = &closure.function.parameters;
        let mut given: Vec<Option<&ast::Expr>> = vec![None; parameters.len()];
        let offset = usize::from(first.is_some());
        for (index, argument) in arguments.iter().enumerate() {
            let place = match &argument.kind {
                ExprKind::Named { names, .. } => {
                    parameters.iter().position(|one| one.name.text == names[0].text)
                }
                _ => Some(index + offset),
            };
            let Some(slot) = place.and_then(|place| given.get_mut(place)) else {
                let message = format!("the function takes {} arguments, but got more", parameters.len());
                return Err(self.wrong(argument.span, message));
            };
            *slot = Some(argument.without_name());
        }
        for (index, (parameter, given)) in parameters.iter().zip(given).enumerate() {
            let meaning = match (&parameter.ty, given.or(parameter.default.as_ref())) {
                (ParameterType::Table(schema), argument) => {
                    let plan = match (argument, &first) {
                        (None, Some(plan)) if index == 0 => Arc::clone(plan),
                        (Some(argument), _) => self.table(argument)?,
                        (None, _) => return Err(self.missing(span, &parameter.name.text)),
                    };
                    self.check_table(span, &plan, schema)?;
                    Meaning::Table(plan)
                }
                (ParameterType::Scalar(ty), Some(argument)) => {
                    let value = self.expr(argument, row)?;
                    let narrows = value.ty.is_numeric() && ty.is_numeric();
                    let value =
                        if narrows { value.cast(*ty) } else { self.convert(argument.span, value, *ty)? };
                    Meaning::Scalar(value, Some(self.row_level))
                }
                (ParameterType::Scalar(_), None) => return Err(self.missing(span, &parameter.name.text)),
            };
            names.insert(parameter.name.text.clone(), meaning);
        }
        Ok(names)
    }

    fn missing(&mut self, span: Span, parameter: &str) -> super::Stop {
        self.wrong(span, format!("the argument '{parameter}' is missing"))
    }

    fn check_table(&mut self, span: Span, plan: &Plan, wanted: &ast::RowSchema) -> Bound<()> {
        for column in &wanted.columns {
            let name = &column.name.text;
            match plan.schema.position(name).map(|index| plan.schema.columns[index].ty) {
                Some(ty) if ty == column.ty => {}
                Some(ty) => {
                    let message = format!(
                        "the function wants a table with '{name}: {}', but '{name}' is {ty}",
                        column.ty
                    );
                    return Err(self.wrong(span, message));
                }
                None if plan.schema.open => {}
                None => {
                    let message = format!("the function wants a table with the column '{name}'");
                    let found = Diagnostic::meaning(span, message);
                    let found = found.near(name, plan.schema.names());
                    return Err(self.report(found));
                }
            }
        }
        Ok(())
    }
}

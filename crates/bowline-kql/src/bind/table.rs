//! Expressions that are tables.

use std::sync::Arc;

use super::statement::Answer;
use super::{Binder, Bound, Meaning, Row};
use crate::diagnostic::Diagnostic;
use crate::plan::{Node, Plan, Schema};
use crate::syntax::ast::{self, ExprKind, NamePattern, Pattern, PatternCase, Pipe};
use crate::syntax::span::Span;

impl Binder<'_> {
    pub(crate) fn table(&mut self, value: &ast::Expr) -> Bound<Arc<Plan>> {
        let plan = self.deeper(value.span, |binder| binder.any_table(value))?;
        self.bounded(value.span, plan)
    }

    fn any_table(&mut self, value: &ast::Expr) -> Bound<Arc<Plan>> {
        match &value.kind {
            ExprKind::Name(name) => self.named_table(name, value.span),
            ExprKind::Pipe(pipe) => self.pipe(pipe, value.span),
            ExprKind::Call { .. } if self.pattern_call(value).is_some() => {
                self.pattern_table(value, None, value.span)
            }
            ExprKind::Call { name, arguments } => self.called_table(&name.text, arguments, value.span),
            ExprKind::Pattern(pattern) => {
                let tables = self.tables_like(pattern)?;
                let plans = tables
                    .iter()
                    .map(|name| self.named_table(name, value.span))
                    .collect::<Bound<Vec<_>>>()?;
                crate::operators::merge(self, plans, false, value.span)
            }
            ExprKind::Member { target, name } if self.pattern_call(target).is_some() => {
                self.pattern_table(target, Some(&name.text), value.span)
            }
            ExprKind::Index { target, index } if self.pattern_call(target).is_some() => {
                let path = self.constant_text(index)?;
                self.pattern_table(target, Some(&path), value.span)
            }
            ExprKind::Member { .. } | ExprKind::Method { .. } => Err(self.refused(
                value.span,
                "a table of another database",
                "there is one database here; write the table's name alone",
            )),
            _ => Err(self.wrong(value.span, "a value stands where a table is expected")),
        }
    }

    pub(crate) fn pipe(&mut self, pipe: &Pipe, span: Span) -> Bound<Arc<Plan>> {
        let level = self.row_level;
        self.row_level += 1;
        let plan = self.pipe_inside(pipe, span);
        self.row_level = level;
        plan
    }

    fn pipe_inside(&mut self, pipe: &Pipe, span: Span) -> Bound<Arc<Plan>> {
        let mut operators = pipe.operators.iter();
        let mut plan = match &pipe.source {
            Some(source) => self.table(source)?,
            None => match operators.next() {
                Some(first) => crate::operators::bind_leading(self, first)?,
                None => return Err(self.wrong(span, "nothing stands before the pipe")),
            },
        };
        for operator in operators {
            plan = crate::operators::bind(self, operator, plan)?;
            plan = self.bounded(operator.span, plan)?;
        }
        Ok(plan)
    }

    pub(crate) fn default_table(&mut self, span: Span) -> Bound<Arc<Plan>> {
        match self.catalogue.default_table.clone() {
            Some(name) => self.named_table(&name, span),
            None => Err(self.wrong(span, "the query does not say which table it asks")),
        }
    }

    fn named_table(&mut self, name: &str, span: Span) -> Bound<Arc<Plan>> {
        match self.meaning_of(name) {
            Some(Meaning::Table(plan)) => return Ok(plan),
            Some(Meaning::Function(_)) => return self.called_table(name, &[], span),
            Some(Meaning::Pattern(_)) => {
                let message = format!("'{name}' is a pattern; its texts stand in brackets after it");
                return Err(self.wrong(span, message));
            }
            Some(Meaning::Refused(why)) => return Err(self.refused(span, &format!("'{name}'"), why)),
            Some(Meaning::Scalar(..)) => {
                return Err(self.wrong(span, format!("'{name}' is a value, but a table is expected")));
            }
            None => {}
        }
        if let Some(table) = self.catalogue.table(name) {
            let _ = self.tables.insert(table.name.clone());
            let node = Node::Table { name: table.name.clone() };
            return Ok(Plan::new(table.schema.clone(), node));
        }
        let given = self.given_names();
        let known = self.catalogue.tables.iter().map(|table| table.name.as_str());
        let known = known.chain(given.iter().map(String::as_str));
        let found = Diagnostic::meaning(span, format!("there is no table '{name}'")).near(name, known);
        Err(self.report(found))
    }

    fn called_table(&mut self, name: &str, arguments: &[ast::Expr], span: Span) -> Bound<Arc<Plan>> {
        if let Some(Meaning::Function(closure)) = self.meaning_of(name) {
            let nothing = Schema::default();
            return match self.call_closure(span, &closure, arguments, None, &mut Row::over(&nothing))? {
                Answer::Table(plan) => Ok(plan),
                Answer::Scalar(_) => {
                    Err(self.wrong(span, format!("'{name}' gives a value, but a table is expected")))
                }
            };
        }
        match (name, arguments) {
            ("materialize", [inner]) => {
                let plan = self.table(inner)?;
                Ok(self.share(plan))
            }
            ("table", [first, ..]) => {
                let nothing = Schema::default();
                let value = self.expr(first, &mut Row::over(&nothing))?;
                match value.as_literal().and_then(|value| value.as_text()) {
                    Some(name) => {
                        let name = name.to_owned();
                        self.named_table(&name, first.span)
                    }
                    None => Err(self.wrong(first.span, "the name of a table must be a constant text")),
                }
            }
            (
                "external_table"
                | "materialized_view"
                | "stored_query_result"
                | "graph"
                | "inline_external_table",
                _,
            ) => Err(self.refused(span, name, "only the tables of the inventory can be asked")),
            ("cluster" | "database" | "workspace" | "app" | "resource", _) => {
                Err(self.refused(span, name, "there is one database here; write the table's name alone"))
            }
            _ => {
                let given = self.given_names();
                let known = given.iter().map(String::as_str).chain(["materialize", "table"]);
                let found =
                    Diagnostic::meaning(span, format!("there is no function '{name}' that gives a table"));
                let found = found.near(name, known);
                Err(self.report(found))
            }
        }
    }

    /// The pattern that a call names, and what it is called with.
    pub(super) fn pattern_call<'e>(&self, call: &'e ast::Expr) -> Option<(Arc<Pattern>, &'e [ast::Expr])> {
        let ExprKind::Call { name, arguments } = &call.kind else { return None };
        match self.meaning_of(&name.text)? {
            Meaning::Pattern(pattern) => Some((pattern, arguments)),
            _ => None,
        }
    }

    /// The table of the case that has these texts.
    fn pattern_table(&mut self, call: &ast::Expr, path: Option<&str>, span: Span) -> Bound<Arc<Plan>> {
        let Some((pattern, arguments)) = self.pattern_call(call) else {
            return Err(self.wrong(span, "a pattern is expected"));
        };
        let arguments =
            arguments.iter().map(|argument| self.constant_text(argument)).collect::<Bound<Vec<_>>>()?;
        let fits = |case: &&PatternCase| case.arguments == arguments && case.path.as_deref() == path;
        match pattern.cases.iter().find(fits) {
            Some(case) => self.table(&case.table),
            None => {
                Err(self.wrong(span, format!("the pattern '{}' has no case for this", pattern.name.text)))
            }
        }
    }

    /// A plan that is computed once, whoever reads it.
    pub(crate) fn share(&mut self, plan: Arc<Plan>) -> Arc<Plan> {
        let schema = plan.schema.clone();
        self.shared.push(plan);
        Plan::new(schema, Node::Shared { index: self.shared.len() - 1 })
    }

    /// The names of the tables that a pattern means.
    pub(crate) fn tables_like(&mut self, pattern: &NamePattern) -> Bound<Vec<String>> {
        let tables = self.catalogue.tables.iter().map(|table| table.name.clone()).chain(self.views());
        let found: Vec<String> = tables.filter(|name| pattern.matches(name)).collect();
        if found.is_empty() {
            return Err(self.wrong(pattern.span, format!("there is no table like '{}'", pattern.text)));
        }
        Ok(found)
    }
}

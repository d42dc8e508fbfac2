//! `invoke`: a function whose first argument is the table.

use std::sync::Arc;

use crate::bind::{Answer, Binder, Bound, Meaning, Row};
use crate::plan::Plan;
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Invoke {
    pub call: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Invoke> {
    Ok(Invoke { call: parser.postfix()? })
}

impl Invoke {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let ExprKind::Call { name, arguments } = &self.call.kind else {
            return Err(binder.wrong(self.call.span, "a call of a function is expected"));
        };
        let Some(Meaning::Function(closure)) = binder.meaning_of(&name.text) else {
            return Err(binder.unknown_function(name));
        };
        let schema = input.schema.clone();
        match binder.call_closure(name.span, &closure, arguments, Some(input), &mut Row::over(&schema))? {
            Answer::Table(plan) => Ok(plan),
            Answer::Scalar(_) => {
                Err(binder
                    .wrong(name.span, format!("'{}' gives a value, but a table is expected", name.text)))
            }
        }
    }
}

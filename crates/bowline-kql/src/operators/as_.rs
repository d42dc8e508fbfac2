//! `as`: a name for the table so far.

use std::sync::Arc;

use super::{Operator, OperatorKind};
use crate::bind::{Binder, Bound, Meaning};
use crate::plan::Plan;
use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct As {
    pub name: Name,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<As> {
    parser.settings(&[])?;
    Ok(As { name: parser.declared_name()? })
}

/// The name that an operator gives, if it is this one.
pub(super) fn given_name(operator: &Operator) -> Option<String> {
    match operator.kind.as_ref() {
        OperatorKind::As(one) => Some(one.name.text.clone()),
        _ => None,
    }
}

impl As {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let shared = binder.share(input);
        binder.give(self.name.text.clone(), Meaning::Table(Arc::clone(&shared)), self.name.span)?;
        Ok(shared)
    }
}

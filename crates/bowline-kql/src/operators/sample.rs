//! `sample`: so many rows, picked at random.

use std::sync::Arc;

use crate::bind::{Binder, Bound};
use crate::plan::{Node, Plan};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Sample {
    pub count: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Sample> {
    Ok(Sample { count: parser.expression()? })
}

impl Sample {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let count = binder.constant_number(&self.count)?;
        Ok(Plan::new(input.schema.clone(), Node::Sample { input, count }))
    }
}

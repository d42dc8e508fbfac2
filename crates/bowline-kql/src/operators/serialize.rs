//! `serialize`: the order of the rows counts from here on, and columns that look at it.

use std::sync::Arc;

use crate::bind::{Binder, Bound};
use crate::plan::Plan;
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Serialize {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Serialize> {
    let columns = if parser.ends_operator() { Vec::new() } else { parser.list(Parser::named_column)? };
    Ok(Serialize { columns })
}

impl Serialize {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        if self.columns.is_empty() {
            return Ok(input);
        }
        super::extend::extend(binder, &self.columns, input)
    }
}

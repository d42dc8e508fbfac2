//! `project`: these columns, in this order.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Project {
    pub columns: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Project> {
    let columns = if parser.ends_operator() { Vec::new() } else { parser.list(Parser::named_column)? };
    Ok(Project { columns })
}

//! `invoke`: a function whose first argument is the table.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Invoke {
    pub call: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Invoke> {
    Ok(Invoke { call: parser.postfix()? })
}

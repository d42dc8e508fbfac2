//! `where`: rows for which a condition holds.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Where {
    pub predicate: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Where> {
    parser.settings(&[])?;
    Ok(Where { predicate: parser.named()? })
}

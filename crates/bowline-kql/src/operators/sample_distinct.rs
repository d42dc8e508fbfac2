//! `sample-distinct`: so many different values of an expression.

use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct SampleDistinct {
    pub count: Expr,
    pub of: Expr,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<SampleDistinct> {
    let count = parser.expression()?;
    parser.expect("of")?;
    Ok(SampleDistinct { count, of: parser.named()? })
}

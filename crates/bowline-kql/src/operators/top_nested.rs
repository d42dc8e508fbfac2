//! `top-nested`: the top values of one expression, inside of each the top values of the next, and so on.

use super::sort::{self, SortKey};
use crate::syntax::ast::Expr;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Level {
    pub count: Option<Expr>,
    pub of: Expr,
    /// What the row of all the other values is called.
    pub others: Option<Expr>,
    pub by: SortKey,
}

#[derive(Clone, Debug)]
pub struct TopNested {
    pub levels: Vec<Level>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<TopNested> {
    let mut levels = vec![parse_level(parser)?];
    while parser.eat(",") {
        parser.expect("top-nested")?;
        levels.push(parse_level(parser)?);
    }
    Ok(TopNested { levels })
}

fn parse_level(parser: &mut Parser<'_>) -> Parsed<Level> {
    let count = if parser.is("of") { None } else { Some(parser.expression()?) };
    parser.expect("of")?;
    let of = parser.named()?;
    let mut others = None;
    if parser.eat("with") {
        parser.expect("others")?;
        parser.expect("=")?;
        others = Some(parser.expression()?);
    }
    parser.expect("by")?;
    Ok(Level { count, of, others, by: sort::parse_key(parser)? })
}

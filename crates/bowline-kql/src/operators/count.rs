//! `count`: how many rows there are.

use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Count {
    pub name: Option<Name>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Count> {
    let name = if parser.eat("as") { Some(parser.declared_name()?) } else { None };
    Ok(Count { name })
}

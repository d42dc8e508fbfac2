//! `union`: the rows of several tables.

use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Union {
    pub settings: Vec<Setting>,
    pub tables: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Union> {
    let settings = parser.settings(&["kind", "withsource", "with_source", "isfuzzy"])?;
    Ok(Union { settings, tables: parser.list(Parser::table_reference)? })
}

//! `mv-expand`: a row for each element of a list.

use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Expansion {
    pub value: Expr,
    pub to: Option<Type>,
}

#[derive(Clone, Debug)]
pub struct MvExpand {
    pub settings: Vec<Setting>,
    pub columns: Vec<Expansion>,
    pub limit: Option<Expr>,
}

pub(super) const SETTINGS: &[&str] = &["kind", "bagexpansion", "with_itemindex"];

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<MvExpand> {
    let settings = parser.settings(SETTINGS)?;
    let columns = parser.list(parse_expansion)?;
    let limit = if parser.eat("limit") { Some(parser.expression()?) } else { None };
    Ok(MvExpand { settings, columns, limit })
}

pub(super) fn parse_expansion(parser: &mut Parser<'_>) -> Parsed<Expansion> {
    let value = parser.named_column()?;
    let mut to = None;
    if parser.eat("to") {
        parser.expect("typeof")?;
        parser.expect("(")?;
        to = Some(parser.type_name()?);
        parser.expect(")")?;
    }
    Ok(Expansion { value, to })
}

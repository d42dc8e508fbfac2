//! `mv-apply`: a sub-query over the elements of each row's lists.

use super::Operator;
use super::mv_expand::{Expansion, SETTINGS, parse_expansion};
use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct MvApply {
    pub settings: Vec<Setting>,
    pub columns: Vec<Expansion>,
    pub limit: Option<Expr>,
    pub body: Vec<Operator>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<MvApply> {
    let settings = parser.settings(SETTINGS)?;
    let columns = if parser.is("on") { Vec::new() } else { parser.list(parse_expansion)? };
    let limit = if parser.eat("limit") { Some(parser.expression()?) } else { None };
    parser.expect("on")?;
    let body = super::parse_body(parser)?;
    Ok(MvApply { settings, columns, limit, body })
}

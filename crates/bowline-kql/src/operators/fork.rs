//! `fork`: several answers from one input.

use super::Operator;
use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Branch {
    pub name: Option<Name>,
    pub body: Vec<Operator>,
}

#[derive(Clone, Debug)]
pub struct Fork {
    pub branches: Vec<Branch>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Fork> {
    let mut branches = Vec::new();
    loop {
        let name = if parser.is("(") {
            None
        } else {
            let name = parser.declared_name()?;
            parser.expect("=")?;
            Some(name)
        };
        branches.push(Branch { name, body: super::parse_body(parser)? });
        if !(parser.is("(") || parser.is_ahead(1, "=")) {
            return Ok(Fork { branches });
        }
    }
}

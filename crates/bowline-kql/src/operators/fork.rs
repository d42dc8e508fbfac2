//! `fork`: several answers from one input.

use std::sync::Arc;

use super::Operator;
use crate::bind::{Binder, Bound};
use crate::plan::{Output, Plan};
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

impl Fork {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let shared = binder.share(input);
        for branch in &self.branches {
            let mut plan = Arc::clone(&shared);
            for operator in &branch.body {
                plan = super::bind(binder, operator, plan)?;
            }
            let name = branch.name.as_ref().map(|name| name.text.clone());
            binder.several.push(Output { name, plan, render: None });
        }
        Ok(shared)
    }
}

//! `count`: how many rows there are.

use std::sync::Arc;

use crate::plan::{Aggregate, Column, Node, Plan, Schema};
use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Count {
    pub name: Option<Name>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Count> {
    let name = if parser.eat("as") { Some(parser.declared_name()?) } else { None };
    Ok(Count { name })
}

impl Count {
    pub(super) fn bind(&self, input: Arc<Plan>) -> Arc<Plan> {
        let name = self.name.as_ref().map_or("Count", |name| name.text.as_str());
        let count = Aggregate { function: "count", arguments: Vec::new(), ty: Type::Long };
        let schema = Schema::new(vec![Column::new(name, Type::Long)]);
        Plan::new(schema, Node::Aggregate { input, keys: Vec::new(), aggregates: vec![count] })
    }
}

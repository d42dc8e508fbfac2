//! `facet`: a table of counts for each column, and one of the rows.

use std::sync::Arc;

use super::Operator;
use crate::bind::{Binder, Bound};
use crate::plan::{Aggregate, Column, Expr as Value, Node, Output, Plan, Schema};
use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Facet {
    pub columns: Vec<Name>,
    pub with: Option<Vec<Operator>>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Facet> {
    parser.expect("by")?;
    let columns = parser.list(Parser::name)?;
    let mut with = None;
    if parser.eat("with") {
        with = Some(if parser.is("(") { super::parse_body(parser)? } else { vec![super::parse(parser)?] });
    }
    Ok(Facet { columns, with })
}

impl Facet {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let shared = binder.share(input);
        for column in &self.columns {
            let Some(index) = shared.schema.position(&column.text) else {
                return Err(super::no_column(binder, &column.text, column.span, &shared.schema));
            };
            let found = shared.schema.columns[index].clone();
            let key = Value::column(index, found.ty);
            let schema = Schema::new(vec![found, Column::new(format!("count_{}", column.text), Type::Long)]);
            let count = Aggregate { function: "count", arguments: Vec::new(), ty: Type::Long };
            let node =
                Node::Aggregate { input: Arc::clone(&shared), keys: vec![key], aggregates: vec![count] };
            let plan = Plan::new(schema, node);
            binder.several.push(Output { name: Some(column.text.clone()), plan, render: None });
        }
        if let Some(with) = &self.with {
            let mut plan = Arc::clone(&shared);
            for operator in with {
                plan = super::bind(binder, operator, plan)?;
            }
            binder.several.push(Output { name: None, plan, render: None });
        }
        Ok(shared)
    }
}

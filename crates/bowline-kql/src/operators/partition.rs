//! `partition`: a sub-query for each value of a column.

use std::sync::Arc;

use super::Operator;
use crate::bind::{Binder, Bound, Row};
use crate::plan::{Node, Plan};
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub enum Body {
    /// Operators over the rows of one value.
    Pipe(Vec<Operator>),
    /// A whole query, once per value.
    Query(Expr),
}

#[derive(Clone, Debug)]
pub struct Partition {
    pub by: Expr,
    pub body: Body,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Partition> {
    parser.settings(&[])?;
    parser.expect("by")?;
    let by = parser.name()?;
    let by = Expr::new(by.span, ExprKind::Name(by.text));
    if parser.eat("in") {
        parser.expression()?;
    }
    if parser.is("{") {
        parser.advance();
        let query = parser.nested(|parser| parser.piped(true))?;
        parser.expect("}")?;
        return Ok(Partition { by, body: Body::Query(query) });
    }
    Ok(Partition { by, body: Body::Pipe(super::parse_body(parser)?) })
}

impl Partition {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let key = binder.expr(&self.by, &mut Row::over(&input.schema))?;
        let operators = match &self.body {
            Body::Pipe(operators) => operators,
            Body::Query(query) => {
                let why = "write the operators in round brackets, which work on the rows of one value";
                return Err(binder.refused(query.span, "a partition by a whole query", why));
            }
        };
        let mut body = Plan::new(input.schema.clone(), Node::Elements);
        for operator in operators {
            body = super::bind(binder, operator, body)?;
        }
        Ok(Plan::new(body.schema.clone(), Node::Partition { input, key, body }))
    }
}
